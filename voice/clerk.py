"""Keep what happens on a call, at once and in order, and never in the way of its sound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from voice.metrics import UNWRITTEN

logger = structlog.get_logger(__name__)

MOST_WAITING = 1000
"""Records that wait while the database is away: a call of an hour has fewer."""

GIVE_UP_AFTER_S = 300.0
"""How long one record is tried. Longer, and the watchdog has ended the call from outside."""

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0

# The rows of calls are written by threads of their own: a slow page must not hold them up.
_writers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="clerk")


@dataclass(slots=True)
class _Record:
    name: str
    write: Callable[..., Any]
    values: dict[str, Any]
    done: asyncio.Future[Any] | None


async def in_database(function: Callable[..., Any], /, **values: Any) -> Any:
    """Run a function of the database off the event loop."""
    run = database_sync_to_async(function, thread_sensitive=False, executor=_writers)
    return await run(**values)


class Clerk:
    """Writes one call's records one after another, again while the database is away."""

    def __init__(self, call_id: str) -> None:
        self._log = logger.bind(call_id=call_id)
        self._waiting: deque[_Record] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """How many records are still to be written."""
        return len(self._waiting)

    def note(self, write: Callable[..., Any], **values: Any) -> None:
        """Have a record written, soon."""
        self._add(_Record(write.__name__, write, values, None))

    async def ask(self, write: Callable[..., Any], **values: Any) -> Any:
        """Have a record written after all before it, and return what came of it.

        Raises:
            Whatever the write raises, if it is not the database being away.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._add(_Record(write.__name__, write, values, done))
        return await done

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            if not self._waiting:
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._write(self._waiting[0])
            self._waiting.popleft()

    async def settle(self, timeout_s: float) -> None:
        """Wait until all is written, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        if self._waiting:
            self._log.error("records_unwritten", count=len(self._waiting))
            UNWRITTEN.inc(len(self._waiting))

    def _add(self, record: _Record) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._log.error("record_dropped", record=record.name)
            UNWRITTEN.inc()
            if record.done is not None:
                record.done.set_exception(OperationalError("too many records wait"))
            return
        self._waiting.append(record)
        self._idle.clear()
        self._wake.set()

    async def _write(self, record: _Record) -> None:
        pause_s, deadline = FIRST_RETRY_S, time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                result = await in_database(record.write, **record.values)
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > deadline:
                    return self._failed(record, error)
                self._log.warning("record_delayed", record=record.name, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LAST_RETRY_S)
            except Exception as error:
                return self._failed(record, error)
            else:
                if record.done is not None and not record.done.done():
                    record.done.set_result(result)
                return None

    def _failed(self, record: _Record, error: Exception) -> None:
        UNWRITTEN.inc()
        if record.done is not None and not record.done.done():
            record.done.set_exception(error)
            return
        self._log.error(
            "record_lost", record=record.name, error=type(error).__name__, exc_info=error
        )
