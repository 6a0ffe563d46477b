"""An OpenAI-compatible endpoint: asked when no Ollama answers, if there is one."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agents.llm.errors import ModelError, Trouble
from agents.llm.prompt import Prompt, Spend, Tokens
from agents.llm.settings import Fallback
from agents.model import ModelUse

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONNECT_S = 1.0


class OpenAIEndpoint:
    """A model behind `/chat/completions`. Its tokens have a price; GPU time is its owner's."""

    def __init__(self, fallback: Fallback) -> None:
        self.provider = fallback.provider
        self.model = fallback.model
        self.url = fallback.url
        self._key = fallback.api_key
        self._made: AsyncOpenAI | None = None

    @property
    def _client(self) -> AsyncOpenAI:
        if self._made is None:
            from openai import AsyncOpenAI, Timeout  # a second of imports that most never need

            self._made = AsyncOpenAI(
                base_url=self.url,
                api_key=self._key or "none",  # servers without keys want one all the same
                timeout=Timeout(None, connect=CONNECT_S),
                max_retries=0,  # ours are, and know the deadline
            )
        return self._made

    async def stream(self, prompt: Prompt, spend: Spend) -> Tokens:
        """Give the answer token by token. Closing the iterator ends the request.

        Args:
            spend: told once what the request used, however it ended.

        Raises:
            ModelError: it cannot, or broke off.
        """
        messages: Any = prompt.messages  # plain dictionaries are fine
        given, reason, usage, sent = 0, "", None, False
        try:
            chunks = await self._client.chat.completions.create(
                model=self.model,
                messages=messages,
                stream=True,
                stream_options={"include_usage": True},
                **self._limits(prompt),
                **_shape(prompt),
            )
            sent = True
            async with chunks:
                async for chunk in chunks:
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        reason = choice.finish_reason or reason
                        if choice.delta.content:
                            given += 1
                            yield choice.delta.content
        except Exception as error:  # the client's own, its transport's, the protocol's
            raise _told(error, self.model) from error
        finally:
            if sent:
                spend(
                    ModelUse(
                        self.provider,
                        self.model,
                        input_tokens=usage.prompt_tokens if usage else prompt.tokens_about,
                        output_tokens=usage.completion_tokens if usage else given,
                        gpu_seconds=Decimal(0),
                    )
                )
        if not reason:
            raise ModelError("the answer has no end", Trouble.BROKE_OFF, retryable=True)
        if reason == "length":
            raise ModelError("the answer is too long", Trouble.CUT_SHORT, counts=False)

    def _limits(self, prompt: Prompt) -> dict[str, Any]:
        """Return length and liveliness in the words that the endpoint knows.

        OpenAI's own has renamed the length, and its models that reason take no temperature and
        would think longer than a caller waits (platform.openai.com/docs/guides/reasoning).
        """
        if self.provider != "openai":
            return {"max_tokens": prompt.most_tokens, "temperature": prompt.temperature}
        limits: dict[str, Any] = {"max_completion_tokens": prompt.most_tokens}
        if re.match(r"gpt-[5-9]|o\d", self.model):
            return {**limits, "reasoning_effort": "none"}
        return {**limits, "temperature": prompt.temperature}

    async def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.close()


def _shape(prompt: Prompt) -> dict[str, Any]:
    if prompt.schema is None:
        return {}
    schema = {"name": prompt.schema.__name__, "schema": prompt.json_schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _told(error: Exception, model: str) -> ModelError:
    """Return an error of the client as one of ours."""
    if isinstance(error, ModelError):
        return error
    status = getattr(error, "status_code", None)
    if status == 404:
        return ModelError(f"There is no model {model}.", Trouble.MISSING)
    if status in {400, 401, 403, 422}:
        return ModelError(f"The endpoint refuses the request ({status}).", Trouble.REFUSED)
    if status is not None:
        return ModelError(f"The endpoint has failed ({status}).", Trouble.SERVER, retryable=True)
    if type(error).__name__ in {"APIConnectionError", "APITimeoutError"}:
        return ModelError("The endpoint does not answer.", Trouble.UNREACHABLE, retryable=True)
    if isinstance(error, ValueError):
        return ModelError("The answer is not the protocol's.", Trouble.GARBLED, retryable=True)
    return ModelError("The connection broke.", Trouble.BROKE_OFF, retryable=True)
