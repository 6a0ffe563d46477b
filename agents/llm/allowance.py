"""How much of a paid endpoint the account may use: tokens a minute and a day."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

MINUTE_S: Final = 60
DAY_S: Final = 86_400
_KEY: Final = "llm:allowance"


class Allowance:
    """Counts tokens in fixed windows (UTC). Belongs to one event loop.

    With Redis all processes count together; without, or while Redis is away, each counts alone.

    Args:
        limits: window in seconds -> tokens; 0 tokens: no limit.
        redis_url: where to count together; empty: nowhere.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        limits: dict[int, int],
        *,
        redis_url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limits = {window: most for window, most in limits.items() if most}
        self._redis_url = redis_url
        self._clock = clock
        self._counts: dict[int, tuple[int, int]] = {}
        self._unsent = 0
        self._client: object | None = None

    async def permits(self, tokens: int) -> bool:
        """Return whether so many tokens may still be used now."""
        if not self._limits:
            return True
        shared = await self._shared()
        return all(
            max(self._count(window), shared.get(window, 0)) + tokens <= most
            for window, most in self._limits.items()
        )

    def used(self, tokens: int) -> None:
        """Count tokens that were used."""
        for window in self._limits:
            self._counts[window] = (self._index(window), self._count(window) + tokens)
        self._unsent += tokens

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()  # type: ignore[attr-defined]  # redis.asyncio

    def _index(self, window: int) -> int:
        return int(self._clock() // window)

    def _count(self, window: int) -> int:
        index, count = self._counts.get(window, (0, 0))
        return count if index == self._index(window) else 0

    async def _shared(self) -> dict[int, int]:
        """Add what was used here to what all have used, and return that."""
        if not self._redis_url:
            return {}
        import redis.asyncio
        from redis.exceptions import RedisError

        if self._client is None:
            self._client = redis.asyncio.Redis.from_url(
                self._redis_url, socket_timeout=0.1, socket_connect_timeout=0.1
            )
        client: redis.asyncio.Redis = self._client  # type: ignore[assignment]
        unsent, self._unsent = self._unsent, 0
        try:
            async with client.pipeline(transaction=True) as pipe:
                for window in self._limits:
                    key = f"{_KEY}:{window}:{self._index(window)}"
                    pipe.incrby(key, unsent)
                    pipe.expire(key, window * 2)
                counts = (await pipe.execute())[::2]
        except (RedisError, OSError) as error:
            self._unsent += unsent
            log.warning("llm_allowance_counted_alone", error=type(error).__name__)
            return {}
        return dict(zip(self._limits, (int(count) for count in counts), strict=True))
