"""The environment variables of the language model: where it runs, how long it may take, its limits.

Part of `reauto_site.settings.env.Environment`; docs/language-model.md explains each.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

LONGEST_GAP_MS = 1900
"""A caller never hears a gap over 2 s: whatever the model does, something is said by then."""
_DURATION = re.compile(r"-1|(\d+(ms|s|m|h))+")


class ModelEnvironment(BaseModel):
    """What is read from the environment for the language model."""

    ollama_host: str = ""
    """Ollama's address; several, separated by commas, in order of preference. Empty: no model."""
    ollama_model: str = "llama3.1:8b"

    llm_fallback_url: str = ""
    """An OpenAI-compatible endpoint that is asked when no Ollama answers. Empty: none."""
    llm_fallback_api_key: SecretStr = SecretStr("")
    llm_fallback_model: str = ""
    llm_fallback_provider: str = "openai"
    """Its name in the price list."""
    llm_fallback_tokens_per_minute: Annotated[int, Field(ge=0)] = 0
    llm_fallback_tokens_per_day: Annotated[int, Field(ge=0)] = 0
    """Most that the account may use there; 0: no limit of ours."""

    llm_keep_alive: str = "30m"
    llm_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Requests of one process that a host gets at once."""
    llm_queue: Annotated[int, Field(ge=0, le=1000)] = 16
    """Requests of one process that may wait for a host."""
    llm_first_token_ms: Annotated[int, Field(ge=100, le=LONGEST_GAP_MS)] = 800
    """How long one host may take to its first token before the next is asked."""
    llm_deadline_ms: Annotated[int, Field(ge=200, le=LONGEST_GAP_MS)] = 1500
    """How long the first words of an answer may take, all hosts together."""
    llm_reading_ms: Annotated[int, Field(ge=200, le=LONGEST_GAP_MS)] = 1100
    """How long the model may take to understand a turn that the rules do not."""
    llm_stall_ms: Annotated[int, Field(ge=100, le=10_000)] = 1000
    llm_answer_tokens: Annotated[int, Field(ge=16, le=512)] = 80
    llm_context_tokens: Annotated[int, Field(ge=1024, le=131_072)] = 4096
    llm_calls_limit: Annotated[int, Field(ge=0, le=1000)] = 60
    """Requests that one call may make."""
    llm_aftercall_seconds: Annotated[int, Field(ge=0, le=110)] = 30
    """How long the write-up of a call may take; 0: the template's is enough."""
    llm_cache_entries: Annotated[int, Field(ge=0, le=1_000_000)] = 2000
    llm_cache_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24

    @field_validator("ollama_host")
    @classmethod
    def _is_hosts(cls, value: str) -> str:
        hosts = [_host(part.strip()) for part in value.split(",") if part.strip()]
        if len(set(hosts)) < len(hosts):
            raise ValueError("names the same address twice")
        return ",".join(hosts)

    @field_validator("llm_fallback_url")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
            raise ValueError("must be an address such as https://api.openai.com/v1")
        return value.rstrip("/")

    @field_validator("llm_keep_alive")
    @classmethod
    def _is_duration(cls, value: str) -> str:
        if not _DURATION.fullmatch(value):
            raise ValueError("must be a time such as 30m or 1h30m, or -1 for ever")
        return value

    @field_validator("ollama_model", "llm_fallback_provider")
    @classmethod
    def _is_named(cls, value: str) -> str:
        if not value.strip() or re.search(r"\s", value):
            raise ValueError("must be a name without blanks, such as llama3.1:8b")
        return value

    @model_validator(mode="after")
    def _fallback_is_complete(self) -> ModelEnvironment:
        if self.llm_fallback_url and not self.llm_fallback_model:
            raise ValueError("LLM_FALLBACK_MODEL must name a model of LLM_FALLBACK_URL")
        if self.llm_fallback_model and not self.llm_fallback_url:
            raise ValueError("LLM_FALLBACK_URL must be set for LLM_FALLBACK_MODEL to be asked")
        return self

    @property
    def ollama_hosts(self) -> tuple[str, ...]:
        """Ollama's addresses in order of preference."""
        return tuple(filter(None, self.ollama_host.split(",")))


def _host(value: str) -> str:
    """Return an address as Ollama's own OLLAMA_HOST may have it: with or without scheme and port.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(value if "//" in value else f"http://{value}")
    written = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?", parts.netloc)
    if parts.scheme not in {"http", "https"} or not written or not parts.hostname:
        raise ValueError(
            f"has {value!r} in it, which is no address: write one such as "
            "http://127.0.0.1:11434, or several with commas between them"
        )
    # What a server listens on ("every address") is no place to connect to.
    name = "127.0.0.1" if parts.hostname == "0.0.0.0" else parts.hostname  # noqa: S104 - compared
    name = f"[{name}]" if ":" in name else name
    default = 443 if parts.scheme == "https" else 11434
    return f"{parts.scheme}://{name}:{parts.port or default}{parts.path.rstrip('/')}"
