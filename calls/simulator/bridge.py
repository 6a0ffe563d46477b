"""Who listens to a person besides a media stream: the keypad of a menu, another telephone."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from calls.simulator import g711
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line

MOST_KEYS = 100


class Keypad:
    """Collects the keys a person presses and notices whether they make any sound."""

    def __init__(self) -> None:
        self.heard_sound = False
        self._keys: asyncio.Queue[str] = asyncio.Queue(MOST_KEYS)
        self._quiet_ms = 0

    def sound(self, frame: bytes, at_ms: int) -> None:
        """Take 20 ms of the person's voice."""
        self._quiet_ms = 0 if g711.is_audible(frame) else self._quiet_ms + g711.FRAME_MS
        self.heard_sound = self.heard_sound or self._quiet_ms == 0

    def digit(self, digit: str) -> None:
        """Take one key pressed."""
        with contextlib.suppress(asyncio.QueueFull):
            self._keys.put_nowait(digit)

    async def next_key(self, timeout_s: float, *, waiting_for: asyncio.Task[Any] | None) -> str:
        """Return the next key, or nothing `timeout_s` after the prompt has been played."""
        key = asyncio.create_task(self._keys.get())
        try:
            if waiting_for is not None:
                await asyncio.wait({key, waiting_for}, return_when=asyncio.FIRST_COMPLETED)
                if waiting_for.done() and not waiting_for.cancelled():
                    waiting_for.result()  # a prompt that cannot be played fails the verb
            done, _ = await asyncio.wait({key}, timeout=timeout_s)
            return key.result() if done else ""
        finally:
            key.cancel()

    async def key_or_silence(self, keys: str, silence_s: float) -> str:
        """Return the key that ends a recording, or nothing after that much silence."""
        while True:
            with contextlib.suppress(asyncio.QueueEmpty):
                key = self._keys.get_nowait()
                if key in keys:
                    return key
            if self._quiet_ms >= silence_s * 1000:
                return ""
            await asyncio.sleep(g711.FRAME_MS / 1000)


class _Cross:
    """Carries one person's voice to another telephone."""

    def __init__(self, other: Line) -> None:
        self._other = other

    def sound(self, frame: bytes, at_ms: int) -> None:
        """Play 20 ms of the voice to the other side."""
        self._other.playout.feed(frame)

    def digit(self, digit: str) -> None:
        """Drop the key: the network does not carry it as sound."""


class Bridge:
    """Two telephones talking to each other."""

    def __init__(self, line: Line, other: SimulatedCall) -> None:
        self._line = line
        self._other = other

    async def run(self) -> None:
        """Connect the other call once it is answered and return when it is over."""
        over = asyncio.create_task(self._other.finished.wait())
        try:
            while self._other.line is None and not over.done():
                await asyncio.wait({over}, timeout=g711.FRAME_MS / 1000)
            if self._other.line is not None:
                self._line.listener = _Cross(self._other.line)
                self._other.line.listener = _Cross(self._line)
                await over
        finally:
            over.cancel()
            self._line.listener = None
            self._line.playout.clear()
