"""The language model service of a process: a chain of models, a cache, and what keeps them warm."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Final, Self, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from agents.llm import metrics
from agents.llm.allowance import DAY_S, MINUTE_S, Allowance
from agents.llm.cache import AnswerCache, LocalCache, RedisCache
from agents.llm.errors import ModelError, Trouble
from agents.llm.link import Link, Patience, circuit_of
from agents.llm.ollama_host import HostState, OllamaHost
from agents.llm.openai_endpoint import OpenAIEndpoint
from agents.llm.prompt import Prompt, Spend, Tokens
from agents.llm.queue import FairQueue
from agents.llm.settings import ModelSettings
from agents.model import ModelUse

log = structlog.get_logger(__name__)

PREPARED_S: Final = 120.0
"""How long a host is taken to remember a prefix: others come and push it out."""
MOST_PREPARED: Final = 64
LOAD_S: Final = 120.0
"""A model of eight billion weights takes half a minute from a slow disk."""

Shape = TypeVar("Shape", bound=BaseModel)


class ModelService:
    """Asks models in order of preference. Belongs to one event loop.

    Every method that asks may raise `ModelError`, and nothing else: whoever asks has words of the
    playbook to go on with.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._hosts = tuple(
            OllamaHost(
                url,
                model=settings.model,
                keep_alive=settings.keep_alive,
                context_tokens=settings.context_tokens,
            )
            for url in settings.hosts
        )
        self.links: tuple[Link, ...] = tuple(
            self._link(f"ollama-{number}", host) for number, host in enumerate(self._hosts, 1)
        )
        self._allowance: Allowance | None = None
        if settings.fallback is not None:
            limits = {
                MINUTE_S: settings.fallback.tokens_per_minute,
                DAY_S: settings.fallback.tokens_per_day,
            }
            self._allowance = Allowance(limits, redis_url=settings.redis_url)
            self.links += (self._link("cloud", OpenAIEndpoint(settings.fallback)),)
        self.cache: AnswerCache = (
            RedisCache(settings.redis_url, most=settings.cache_entries, keep_s=settings.cache_s)
            if settings.redis_url
            else LocalCache(most=settings.cache_entries, keep_s=settings.cache_s)
        )
        self._prepared: dict[str, float] = {}
        self.answered = False
        """Whether any model has said a word since the process started."""

    def _link(self, name: str, provider: OllamaHost | OpenAIEndpoint) -> Link:
        return Link(
            name,
            provider,
            circuit=circuit_of(f"{provider.url}#{provider.model}"),
            queue=FairQueue(
                places=self.settings.concurrency,
                most_waiting=self.settings.queue,
                on_depth=metrics.QUEUE_DEPTH.labels(name).set,
            ),
            allowance=self._allowance if isinstance(provider, OpenAIEndpoint) else None,
        )

    @property
    def model(self) -> str:
        """The model of first choice."""
        return self.links[0].provider.model if self.links else ""

    async def stream(
        self, prompt: Prompt, *, owner: str, until: float, spend: Spend, patient: bool = False
    ) -> Tokens:
        """Give an answer token by token. Closing the iterator stops the model, and frees its place.

        Args:
            owner: the call that asks; places are shared out fairly among calls.
            until: moment of `time.monotonic` by which the first token has to be there.
            spend: told what each request used, also of those that came to nothing.
            patient: nobody listens; each host may take as long as there is.

        Raises:
            ModelError: nobody in the chain has answered, or the one that did broke off.
        """
        left_s = until - time.monotonic()
        patience = (
            Patience(until, left_s, left_s)
            if patient
            else Patience(until, self.settings.stall_s, self.settings.first_token_s)
        )
        for number, link in enumerate(self.links):
            last = number == len(self.links) - 1
            begun = False
            try:
                tokens = link.stream(prompt, owner=owner, patience=patience, last=last, spend=spend)
                async with contextlib.aclosing(tokens):
                    async for token in tokens:
                        begun = self.answered = True
                        yield token
                return
            except ModelError as error:
                metrics.FALLBACKS.labels(link.name, error.trouble.value).inc()
                log.warning("model_failed", link=link.name, trouble=error.trouble.value)
                if begun:
                    raise
        raise ModelError("no model has answered", Trouble.UNAVAILABLE, counts=False)

    async def ask(
        self,
        prompt: Prompt,
        shape: type[Shape],
        *,
        owner: str,
        until: float,
        spend: Spend,
        patient: bool = False,
    ) -> Shape:
        """Return an answer in a shape, all of it by a moment. Arguments as for `stream`.

        Raises:
            ModelError: there is none, or it has another shape.
        """
        tokens = self.stream(prompt, owner=owner, until=until, spend=spend, patient=patient)
        try:
            async with asyncio.timeout_at(_loop_time(until)), contextlib.aclosing(tokens):
                text = "".join([token async for token in tokens])
        except TimeoutError:
            raise ModelError("the answer came too late", Trouble.SLOW) from None
        try:
            return shape.model_validate_json(text)
        except ValidationError as error:
            raise ModelError(
                f"the answer is not a {shape.__name__}: {error.error_count()} faults",
                Trouble.INVALID,
            ) from None

    # Being ready

    async def load(self) -> None:
        """Have every host load the model. Raises nothing: whoever cannot is passed over later."""
        await asyncio.gather(*(self._load(link, host) for link, host in self._pairs()))

    async def prepare(self, prefix: str, *, owner: str, spend: Spend) -> None:
        """Have the first host read a prefix, so that the first turn need not wait for that.

        Does nothing if it was done a moment ago. Raises nothing.
        """
        if not self._hosts:
            return
        now, link = time.monotonic(), self.links[0]
        self._prepared = {
            known: at for known, at in self._prepared.items() if now < at + PREPARED_S
        }
        if prefix in self._prepared or link.queue.busy or link.circuit.is_open:
            return  # done; or somebody waits for the host now; or it would be in vain
        if len(self._prepared) < MOST_PREPARED:
            self._prepared[prefix] = now
        prompt = Prompt(prefix, "Ready?", version="ready", most_tokens=1)
        patience = Patience(now + LOAD_S, LOAD_S, LOAD_S)
        try:
            tokens = link.stream(prompt, owner=owner, patience=patience, last=True, spend=spend)
            async with contextlib.aclosing(tokens):
                async for _ in tokens:
                    pass
        except ModelError as error:
            if error.trouble is not Trouble.CUT_SHORT:
                self._prepared.pop(prefix, None)
                log.info("model_not_prepared", trouble=error.trouble.value)

    async def states(self) -> Sequence[HostState]:
        """Return what every Ollama host says of itself."""
        states = await asyncio.gather(*(host.state() for host in self._hosts))
        for (link, _), state in zip(self._pairs(), states, strict=True):
            metrics.LOADED.labels(link.name).set(state.loaded)
        return states

    async def close(self) -> None:
        """Close all connections."""
        for link in self.links:
            await link.provider.close()
        await self.cache.close()
        if self._allowance is not None:
            await self._allowance.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _pairs(self) -> list[tuple[Link, OllamaHost]]:
        return list(zip(self.links, self._hosts, strict=False))

    async def _load(self, link: Link, host: OllamaHost) -> None:
        try:
            async with asyncio.timeout(LOAD_S):
                await host.load()
        except (ModelError, TimeoutError) as error:
            log.warning("model_not_loaded", link=link.name, error=str(error) or "too slow")
            metrics.LOADED.labels(link.name).set(0)
        else:
            metrics.LOADED.labels(link.name).set(1)


def _loop_time(until: float) -> float:
    """Return a moment of `time.monotonic` in the loop's own time."""
    return asyncio.get_running_loop().time() + until - time.monotonic()


def nothing_spent(_: ModelUse) -> None:
    """Count nothing: for requests that no call is charged for."""
