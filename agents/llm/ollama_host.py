"""One Ollama server, asked with its own client."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx
import ollama
from pydantic import ValidationError

from agents.llm.errors import ModelError, Trouble
from agents.llm.prompt import Prompt, Spend, Tokens
from agents.model import ModelUse

PROVIDER: Final = "ollama"
CONNECT_S: Final = 1.0
LOOK_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class HostState:
    """What a host says of itself."""

    url: str
    version: str = ""
    has_model: bool = False
    loaded: bool = False
    problem: str = ""
    """What is wrong and how to put it right; empty if nothing is."""


class OllamaHost:
    """A server with one model.

    Args:
        url: its address.
        model: as `ollama list` names it.
        keep_alive: how long the model stays in memory after a request.
        context_tokens: the window; the same for every request, or the model is loaded again.
    """

    provider = PROVIDER

    def __init__(
        self, url: str, *, model: str, keep_alive: str = "30m", context_tokens: int = 4096
    ) -> None:
        self.url = url
        self.model = model
        self._keep_alive: str | float = -1 if keep_alive == "-1" else keep_alive
        self._options = {"num_ctx": context_tokens}
        # How long an answer may take is the business of whoever asks.
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        self._client = ollama.AsyncClient(host=url, timeout=timeout)

    async def stream(self, prompt: Prompt, spend: Spend) -> Tokens:
        """Give the answer token by token. Closing the iterator stops the host's work.

        Args:
            spend: told once what the request used, however it ended.

        Raises:
            ModelError: it cannot, or broke off.
        """
        began = time.monotonic()
        given = 0
        end: ollama.ChatResponse | None = None
        try:
            parts = await self._client.chat(
                model=self.model,
                messages=prompt.messages,
                stream=True,
                format=prompt.json_schema,
                options={
                    **self._options,
                    "num_predict": prompt.most_tokens,
                    "temperature": prompt.temperature,
                },
                keep_alive=self._keep_alive,
            )
            async with contextlib.aclosing(parts):  # type: ignore[type-var]  # it is a generator
                async for part in parts:
                    if part.done:
                        end = part
                    if part.message.content:
                        given += 1
                        yield part.message.content
        except (OSError, httpx.HTTPError, ollama.ResponseError, ValueError) as error:
            raise _told(error, self.model) from error
        finally:
            if given or end is not None or time.monotonic() - began > CONNECT_S / 10:
                spend(self._spent(prompt, given, end, time.monotonic() - began))
        if end is None:
            raise ModelError("the answer has no end", Trouble.BROKE_OFF, retryable=True)
        if end.done_reason == "length":
            raise ModelError("the answer is too long", Trouble.CUT_SHORT, counts=False)

    async def load(self) -> None:
        """Have the model in memory before somebody waits for it.

        Raises:
            ModelError: the host does not answer, or has no such model.
        """
        try:
            await self._client.generate(
                model=self.model, options=self._options, keep_alive=self._keep_alive
            )
        except (OSError, httpx.HTTPError, ollama.ResponseError, ValueError) as error:
            raise _told(error, self.model) from error

    async def state(self) -> HostState:
        """Return what the host is and has. Raises nothing."""
        client = ollama.AsyncClient(host=self.url, timeout=LOOK_S)
        try:
            # The client has no call for the version; the path is the API's.
            answer = await client._client.get("/api/version")
            version = str(answer.raise_for_status().json().get("version", ""))
            names = {str(each.model) for each in (await client.list()).models}
            running = {str(each.model) for each in (await client.ps()).models}
        except (OSError, httpx.HTTPError, ollama.ResponseError, ValueError) as error:
            told = _told(error, self.model)
            return HostState(self.url, problem=f"{told} Is `ollama serve` running there?")
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # ollama
        there = {self.model, f"{self.model}:latest"}
        if not names & there:
            return HostState(
                self.url,
                version=version,
                problem=f"The model is not there. Run on that machine: ollama pull {self.model}",
            )
        return HostState(self.url, version=version, has_model=True, loaded=bool(running & there))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # ollama

    def _spent(
        self, prompt: Prompt, given: int, end: ollama.ChatResponse | None, seconds: float
    ) -> ModelUse:
        if end is None:  # taken back or broken: what is known is how long it worked
            return ModelUse(PROVIDER, self.model, prompt.tokens_about, given, _seconds(seconds))
        worked = (end.prompt_eval_duration or 0) + (end.eval_duration or 0)
        return ModelUse(
            PROVIDER,
            self.model,
            input_tokens=end.prompt_eval_count or 0,
            output_tokens=end.eval_count or given,
            gpu_seconds=_seconds(worked / 1e9),
        )


def _seconds(value: float) -> Decimal:
    return Decimal(round(value * 1e6)).scaleb(-6)


def _told(error: Exception, model: str) -> ModelError:
    """Return an error of the client as one of ours."""
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ollama.ResponseError):
        return _by_status(error, model)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | ConnectionError):
        return ModelError("The host does not answer.", Trouble.UNREACHABLE, retryable=True)
    if isinstance(error, httpx.TimeoutException):
        return ModelError("The host takes too long.", Trouble.SLOW)
    if isinstance(error, json.JSONDecodeError | ValidationError | UnicodeDecodeError):
        return ModelError("The answer is not Ollama's.", Trouble.GARBLED, retryable=True)
    return ModelError("The connection broke.", Trouble.BROKE_OFF, retryable=True)


def _by_status(error: Any, model: str) -> ModelError:
    status = int(error.status_code)
    if status == 404:
        return ModelError(f"There is no model {model}.", Trouble.MISSING)
    if status in {400, 401, 403, 413, 422}:
        return ModelError(f"The host refuses the request ({status}).", Trouble.REFUSED)
    shown = "" if status < 0 else f" ({status})"
    return ModelError(f"The host has failed{shown}.", Trouble.SERVER, retryable=True)
