"""Let live calls end before the server stops.

Daphne leaves SIGTERM to Twisted, which stops at once: calls would be cut off in mid-sentence.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from types import FrameType
from typing import Any

import structlog

from voice.live_calls import live_calls

logger = structlog.get_logger(__name__)

DRAIN_S = 600.0
"""How long live calls may take to end. An orchestrator's grace period must be longer."""


def drain_on_sigterm() -> None:
    """Have the first SIGTERM refuse new calls and stop the server once the live ones are over.

    A second one stops at once. Does nothing in a process that is not served by Daphne.
    """
    if "daphne.server" not in sys.modules:
        return
    from twisted.internet import reactor

    # Once the reactor runs, its own handlers are there to be replaced.
    reactor.callLater(0, _take_signal, reactor)  # type: ignore[arg-type]  # an interface has no self


def _take_signal(reactor: Any) -> None:
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN, None):
        return  # the server was told to leave signals alone
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    async def stop() -> None:
        logger.info("draining", live_calls=len(live_calls))
        left = await live_calls.drain(DRAIN_S)
        logger.info("drained", calls_cut_off=left)
        reactor.stop()

    def begin() -> None:
        if stopping:
            stopping[0].cancel()
            reactor.stop()
        else:
            stopping.append(asyncio.ensure_future(stop()))

    def handle(_number: int, _frame: FrameType | None) -> None:
        # Between two instructions of anything: only leave word for the loop.
        loop.call_soon_threadsafe(begin)

    signal.signal(signal.SIGTERM, handle)
