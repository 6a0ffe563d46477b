"""The knobs of the language model, read from the environment. docs/language-model.md says more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Fallback:
    """An OpenAI-compatible endpoint and what the account may use of it (tokens; 0: no limit)."""

    url: str
    model: str
    provider: str = "openai"
    api_key: str = ""
    tokens_per_minute: int = 0
    tokens_per_day: int = 0


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Where models run, how long they may take, and how much of them may be used."""

    hosts: tuple[str, ...] = ()
    model: str = "llama3.1:8b"
    fallback: Fallback | None = None
    keep_alive: str = "30m"
    concurrency: int = 4
    queue: int = 16
    first_token_s: float = 0.8
    deadline_s: float = 1.5
    reading_s: float = 1.1
    stall_s: float = 1.0
    answer_tokens: int = 80
    context_tokens: int = 4096
    calls_limit: int = 60
    aftercall_s: float = 30.0
    cache_entries: int = 2000
    cache_s: float = 24 * 3600.0
    redis_url: str = ""

    @property
    def enabled(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self.hosts or self.fallback)

    @classmethod
    def from_environment(cls, env: Any, *, redis_url: str = "") -> Self:
        """Return the settings in `settings.ENV`."""
        fallback = None
        if env.llm_fallback_url:
            fallback = Fallback(
                url=env.llm_fallback_url,
                model=env.llm_fallback_model,
                provider=env.llm_fallback_provider,
                api_key=env.llm_fallback_api_key.get_secret_value(),
                tokens_per_minute=env.llm_fallback_tokens_per_minute,
                tokens_per_day=env.llm_fallback_tokens_per_day,
            )
        return cls(
            hosts=env.ollama_hosts,
            model=env.ollama_model,
            fallback=fallback,
            keep_alive=env.llm_keep_alive,
            concurrency=env.llm_concurrency,
            queue=env.llm_queue,
            first_token_s=env.llm_first_token_ms / 1000,
            deadline_s=env.llm_deadline_ms / 1000,
            reading_s=env.llm_reading_ms / 1000,
            stall_s=env.llm_stall_ms / 1000,
            answer_tokens=env.llm_answer_tokens,
            context_tokens=env.llm_context_tokens,
            calls_limit=env.llm_calls_limit,
            aftercall_s=float(env.llm_aftercall_seconds),
            cache_entries=env.llm_cache_entries,
            cache_s=env.llm_cache_hours * 3600.0,
            redis_url=redis_url,
        )
