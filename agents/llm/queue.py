"""Who gets a host next: so many at once, few waiting, and no call more than its share."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agents.llm.errors import ModelError, Trouble


class FairQueue:
    """Places at a host. Belongs to one event loop.

    A free place goes to the waiting call that has fewest, and among those to the one that has
    waited longest: a call that asks a lot waits for itself, not others for it.

    Args:
        places: requests at once.
        most_waiting: requests that may wait; more are refused at once.
        on_depth: told how many wait.
    """

    def __init__(
        self, *, places: int, most_waiting: int, on_depth: Callable[[int], None] = lambda _: None
    ) -> None:
        self._free = places
        self._most_waiting = most_waiting
        self._on_depth = on_depth
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def depth(self) -> int:
        """How many wait."""
        return sum(len(line) for line in self._waiting.values())

    @property
    def busy(self) -> int:
        """How many have a place."""
        return self._busy.total()

    @asynccontextmanager
    async def place(self, owner: str, *, within_s: float) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Args:
            owner: the call.
            within_s: how long to wait.

        Raises:
            ModelError: too many wait already, or it took too long.
        """
        await self._take(owner, within_s)
        try:
            yield
        finally:
            self._give_back(owner)

    async def _take(self, owner: str, within_s: float) -> None:
        if self._free > 0:  # nobody waits while there is a free place
            self._free -= 1
            self._busy[owner] += 1
            return
        if self.depth >= self._most_waiting:
            raise ModelError("too many requests wait", Trouble.QUEUE, counts=False)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._on_depth(self.depth)
        try:
            async with asyncio.timeout(within_s):
                await turn
        except TimeoutError:
            raise ModelError("no place came free in time", Trouble.QUEUE, counts=False) from None
        finally:
            if not turn.done() or turn.cancelled():
                self._forget(owner, turn)
            elif (task := asyncio.current_task()) is not None and task.cancelling():
                self._give_back(owner)  # it came free in the moment it was given up

    def _forget(self, owner: str, turn: asyncio.Future[None]) -> None:
        line = self._waiting.get(owner)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[owner]
        self._on_depth(self.depth)

    def _give_back(self, owner: str) -> None:
        self._busy[owner] -= 1
        if not self._busy[owner]:
            del self._busy[owner]
        self._free += 1
        while self._free and self._waiting:
            following = min(self._waiting, key=lambda each: self._busy[each])
            line = self._waiting.pop(following)
            turn = line.popleft()
            if line:
                self._waiting[following] = line  # behind the others
            if not turn.done():
                self._free -= 1
                self._busy[following] += 1
                turn.set_result(None)
        self._on_depth(self.depth)
