"""The buffer between what the agent sends and what the person on the line hears, and when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from calls.simulator import g711

# Ten minutes of speech waiting is a runaway sender, not a conversation.
MOST_BYTES = 600 * g711.SAMPLE_RATE


@dataclass(frozen=True)
class _Mark:
    name: str
    at: int  # position in bytes since the start of the line
    reached: Callable[[bool], None]


class PlayoutBuffer:
    """Plays sound in the order it came, 20 ms at a time, and tells when marks are passed.

    A mark comes due when the last sample before it has been played, so an empty buffer passes it
    at once; `clear` throws the sound away and gives every waiting mark back, as Twilio does.
    """

    def __init__(self) -> None:
        self._sound = bytearray()
        self._marks: deque[_Mark] = deque()
        self._fed = 0
        self._played = 0
        self._audible_until = 0

    @property
    def waiting_ms(self) -> int:
        """Return how much sound waits to be played, in ms."""
        return len(self._sound) // g711.BYTES_PER_MS

    @property
    def audible_pending(self) -> bool:
        """Return whether anything a person would hear is still to come."""
        return self._audible_until > self._played

    @property
    def next_mark(self) -> str:
        """Return the name of the mark that follows the sound being played, or nothing."""
        return self._marks[0].name if self._marks else ""

    def feed(self, sound: bytes) -> bool:
        """Append µ-law sound; return False when the buffer is full and the sound was dropped."""
        if len(self._sound) + len(sound) > MOST_BYTES:
            return False
        for start in range(0, len(sound), g711.FRAME_BYTES):
            piece = sound[start : start + g711.FRAME_BYTES]
            if g711.is_audible(piece):
                self._audible_until = self._fed + start + len(piece)
        self._sound += sound
        self._fed += len(sound)
        return True

    def mark(self, name: str, reached: Callable[[bool], None]) -> None:
        """Call `reached(True)` when all sound fed so far is played, `reached(False)` if cleared."""
        self._marks.append(_Mark(name, self._fed, reached))

    def clear(self) -> None:
        """Throw away the sound not yet played and give the waiting marks back."""
        self._sound.clear()
        self._fed = self._audible_until = self._played
        marks, self._marks = self._marks, deque()
        for mark in marks:
            mark.reached(False)

    def next_frame(self) -> bytes:
        """Return the 20 ms played now; marks passed by the frames before it are told first."""
        while self._marks and self._marks[0].at <= self._played:
            self._marks.popleft().reached(True)
        frame = bytes(self._sound[: g711.FRAME_BYTES])
        del self._sound[: g711.FRAME_BYTES]
        self._played += len(frame)
        return frame.ljust(g711.FRAME_BYTES, g711.SILENCE_BYTE)
