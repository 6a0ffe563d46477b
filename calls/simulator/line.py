"""One answered telephone line: two directions of sound on one 20 ms clock, both recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from calls.simulator import g711
from calls.simulator.lead import SimulatedLead
from calls.simulator.playout import PlayoutBuffer

log = structlog.get_logger(__name__)

FRAME_S = g711.FRAME_MS / 1000


class Listener(Protocol):
    """Somebody who gets what the person says and the keys they press: a stream, another line."""

    def sound(self, frame: bytes, at_ms: int) -> None:
        """Take 20 ms of the person's voice."""

    def digit(self, digit: str) -> None:
        """Take one key pressed."""


class Line:
    """The audio of a call from answer to end.

    `said` is what the person called said, `heard` what they heard: µ-law, sample for sample on the
    same clock, so that byte n of both is the same instant.
    """

    def __init__(self, hung_up: Callable[[], None]) -> None:
        self.playout = PlayoutBuffer()
        self.said = bytearray()
        self.heard = bytearray()
        self.lead: SimulatedLead | None = None
        self.listener: Listener | None = None
        self._hung_up = hung_up
        self._clock: asyncio.Task[None] | None = None

    @property
    def now_ms(self) -> int:
        """Return how long the line has been up, in ms of sound."""
        return len(self.said) // g711.BYTES_PER_MS

    def start(self) -> None:
        """Start the clock."""
        self._clock = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop the clock; the sound so far stays."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
            self._clock = None

    async def play(self, sound: bytes) -> None:
        """Play sound to the person and return when it has been heard (or was cleared)."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def reached(played: bool) -> None:
            if not done.done():
                done.set_result(played)

        self.playout.feed(sound)
        self.playout.mark("", reached)
        try:
            await done
        except asyncio.CancelledError:
            self.playout.clear()
            raise

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                self._tick()
            except Exception:
                # Without its clock the call would hang in silence to its time limit.
                log.exception("simulated_line_broke")
                self._hung_up()
                return
            due += FRAME_S
            # When the process was held up the missed frames follow at once: the clock never drifts.
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _tick(self) -> None:
        at_ms = self.now_ms
        down = self.playout.next_frame()
        up = g711.SILENCE_FRAME
        if self.lead is not None:
            up = self.lead.step(
                down,
                audible_pending=self.playout.audible_pending,
                next_mark=self.playout.next_mark,
            )
        self.heard += down
        self.said += up
        if self.listener is not None:
            self.listener.sound(up, at_ms)

    def press(self, digits: str) -> None:
        """Press keys on the telephone."""
        for digit in digits:
            if self.listener is not None:
                self.listener.digit(digit)

    def hang_up(self) -> None:
        """Put the telephone down."""
        self._hung_up()
