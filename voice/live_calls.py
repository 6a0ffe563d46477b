"""The live calls of this process: how many, which, and whether another one can be served well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from voice import metrics

if TYPE_CHECKING:
    from voice.session import MediaSession

logger = structlog.get_logger(__name__)


class LiveCalls:
    """The calls that this process carries. One per process: `live_calls`.

    A call's task belongs here, not to the consumer that started it: the server cancels consumers
    when their peer is gone, and a call has a record to finish.
    """

    def __init__(self) -> None:
        self.draining = False
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._sessions: dict[str, MediaSession] = {}
        self._lag_watch: asyncio.Task[None] | None = None
        self.on_change: Callable[[], None] | None = None
        """Told when calls begin or end, and when no more are taken."""

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def most(self) -> int:
        """How many calls the process may carry at once."""
        most: int = settings.ENV.voice_max_sessions
        return most

    def refusal(self) -> str:
        """Return why no further call can be served well now; empty if one can."""
        if self.draining:
            return "draining"
        if len(self._tasks) >= self.most:
            return "full"
        return "strained" if self._tasks and metrics.strain.is_strained else ""

    @property
    def sessions(self) -> list[MediaSession]:
        """The sessions of the calls."""
        return list(self._sessions.values())

    def start(self, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call to its end, whatever happens to its socket."""
        if self._lag_watch is None or self._lag_watch.done():
            self._lag_watch = asyncio.create_task(metrics.watch_loop(), name="loop-lag")
        task = asyncio.create_task(call, name="call")
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        self._changed()
        return task

    def hold(self, call_id: str, session: MediaSession) -> None:
        """Note which session a call has, so that its carrier may come back to it."""
        self._sessions[call_id] = session

    def release(self, call_id: str) -> None:
        """Forget the session of a call that is over."""
        self._sessions.pop(call_id, None)

    def session_of(self, call_id: str) -> MediaSession | None:
        """Return the session of a call that this process carries."""
        return self._sessions.get(call_id)

    async def drain(self, timeout_s: float) -> int:
        """Take no new calls and wait for the live ones; return how many were still there."""
        self.draining = True
        self._changed()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._changed()
        if not self._tasks and self._lag_watch is not None:
            self._lag_watch.cancel()
            self._lag_watch = None
        if not task.cancelled() and task.exception() is not None:
            logger.error("call_failed", exc_info=task.exception())

    def _changed(self) -> None:
        metrics.LIVE_CALLS.set(len(self._tasks))
        if self.on_change is not None:
            self.on_change()


live_calls = LiveCalls()
