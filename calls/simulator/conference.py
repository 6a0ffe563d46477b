"""Conferences: several telephones in one room, each hearing all the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from calls.simulator import g711
from calls.simulator.line import Line

MOST_WAITING = 50
"""Frames of one voice that wait to be mixed: a second. Then the oldest is dropped."""


class Seat:
    """One member's place: what they say waits here until the next 20 ms are mixed."""

    def __init__(self, line: Line, *, muted: bool, starts: bool, ends: bool) -> None:
        self.line = line
        self.muted = muted
        self.starts = starts
        self.ends = ends
        self.said: deque[bytes] = deque(maxlen=MOST_WAITING)

    def sound(self, frame: bytes, at_ms: int) -> None:
        """Take 20 ms of the member's voice."""
        self.said.append(frame)

    def digit(self, digit: str) -> None:
        """Drop the key: a conference does not carry it."""


class Conference:
    """A room under a name. It begins with the first member who may start it, and is over when a
    member leaves whose leaving ends it, or nobody is left.

    (twilio.com/docs/voice/twiml/conference)
    """

    def __init__(self, name: str, on_over: Callable[[str], object]) -> None:
        self.name = name
        self.started = False
        self.over = asyncio.Event()
        self._on_over = on_over
        self._seats: list[Seat] = []
        self._mixing: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Return how many members are in the room."""
        return len(self._seats)

    async def sit(self, seat: Seat) -> None:
        """Take part until the conference is over; cancelled when the member's call ends."""
        self._seats.append(seat)
        seat.line.listener = seat
        self.started = self.started or seat.starts
        if self._mixing is None:
            self._mixing = asyncio.create_task(self._mix())
        try:
            await self.over.wait()
        finally:
            self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        if seat in self._seats:
            self._seats.remove(seat)
            seat.line.listener = None
            seat.line.playout.clear()
        if (seat.ends and self.started) or not self._seats:
            self._end()

    def _end(self) -> None:
        if not self.over.is_set():
            self.over.set()
            self._on_over(self.name)
            if self._mixing is not None:
                self._mixing.cancel()

    async def _mix(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += g711.FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            frames = [(seat, seat.said.popleft() if seat.said else b"") for seat in self._seats]
            if not self.started:
                continue
            for hearer in self._seats:
                voices = [f for seat, f in frames if seat is not hearer and f and not seat.muted]
                if not voices:
                    continue
                mixed = voices[0]
                for voice in voices[1:]:
                    mixed = g711.mix(mixed, voice)
                hearer.line.playout.feed(mixed)
