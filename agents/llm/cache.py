"""Answers that were given before, to questions that hold nothing of a lead.

What may be kept is decided where the question is made (`agents.llm.impersonal`), not here: only
an `Impersonal` one has a key.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog

from agents.llm import metrics
from agents.llm.impersonal import Impersonal
from agents.llm.prompt import Prompt

log = structlog.get_logger(__name__)

_PREFIX: Final = "llm:answer:"
_INDEX: Final = "llm:answers"
_REDIS_S: Final = 0.1
"""A cache that takes longer than this costs more than it saves."""


def key_of(prompt: Prompt, question: Impersonal, model: str) -> str:
    """Return the key of an answer: by model, wording, playbook and normalised question."""
    text = "\n".join((model, prompt.fingerprint, question.words))
    return hashlib.sha256(text.encode()).hexdigest()


class AnswerCache(Protocol):
    """Keeps a bounded number of answers, each for a limited time. Raises nothing."""

    async def get(self, key: str) -> list[str] | None:
        """Return the clauses of an answer, None if there is none."""

    async def put(self, key: str, clauses: Sequence[str]) -> None:
        """Keep an answer."""

    async def close(self) -> None:
        """Close what is open."""


class LocalCache:
    """In this process: the least recently used answers go first."""

    def __init__(
        self, *, most: int, keep_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._keep_s = keep_s
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def get(self, key: str) -> list[str] | None:
        """Return the clauses of an answer, None if there is none."""
        found = self._kept.get(key)
        if found is None or found[0] < self._clock():
            self._kept.pop(key, None)
            return _counted(None)
        self._kept.move_to_end(key)
        return _counted(list(found[1]))

    async def put(self, key: str, clauses: Sequence[str]) -> None:
        """Keep an answer."""
        if self._most:
            self._kept[key] = (self._clock() + self._keep_s, tuple(clauses))
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def close(self) -> None:
        """Nothing is open."""


class RedisCache:
    """Shared by all processes: a key an answer, and a sorted set that knows when each was used."""

    def __init__(self, url: str, *, most: int, keep_s: float) -> None:
        import redis.asyncio

        self._most = most
        self._keep_s = keep_s
        self._client: Any = redis.asyncio.Redis.from_url(
            url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S
        )

    async def get(self, key: str) -> list[str] | None:
        """Return the clauses of an answer, None if there is none or Redis is away."""
        try:
            found = await self._client.get(_PREFIX + key)
            if found is None:
                return _counted(None)
            await self._client.zadd(_INDEX, {key: time.time()}, xx=True)
            return _counted([str(clause) for clause in json.loads(found)])
        except Exception as error:
            return _counted(None, error)

    async def put(self, key: str, clauses: Sequence[str]) -> None:
        """Keep an answer, and drop the least recently used one if there are too many."""
        if not self._most:
            return
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.set(_PREFIX + key, json.dumps(list(clauses)), ex=round(self._keep_s))
                pipe.zadd(_INDEX, {key: time.time()})
                pipe.zcard(_INDEX)
                *_, count = await pipe.execute()
            if count > self._most:
                gone = await self._client.zpopmin(_INDEX, count - self._most)
                await self._client.delete(*(_PREFIX + name.decode() for name, _ in gone))
        except Exception as error:
            _counted(None, error)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _counted(clauses: list[str] | None, error: Exception | None = None) -> list[str] | None:
    if error is not None:
        log.warning("llm_cache_away", error=type(error).__name__)
    result = "error" if error is not None else "miss" if clauses is None else "hit"
    metrics.CACHE.labels(result).inc()
    return clauses
