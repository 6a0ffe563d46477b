"""The words of an agent's turn, the sound made of them, and what of it was heard when."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from voice.phrasing import words_by
from voice.wire import FRAME_BYTES, SAMPLE_RATE

FIRST_WORD_MARGIN = SAMPLE_RATE // 100
"""Samples kept before the first audible one: a soft consonant begins below what we call loud."""

_SILENCE = b"\xff"
# µ-law magnitudes from about -46 dBFS up: above comfort noise, below any spoken syllable.
_LOUD = bytes(1 if (~code & 0x7F) >= 18 else 0 for code in range(256))


@dataclass(slots=True)
class Group:
    """A group of words: its sound until sent, and when it sounded (ms in the stream)."""

    number: int
    text: str
    topic: str
    agent: str
    interruptible: bool
    frames: deque[bytes] = field(default_factory=deque)
    complete: bool = False
    marked: bool = False
    heard: bool = False
    """Its mark came back and it had not been cleared."""
    start_ms: float | None = None
    end_ms: float = 0.0
    made_ms: float | None = None
    """When its first audible sample had been synthesised."""
    paused_ms: float | None = None
    """Since when it has been silent in its midst, while it is."""
    rested_ms: float = 0.0
    """How long it has been silent in its midst before."""
    voice_offset_ms: float | None = None
    """First audible sample, counted from the group's start."""
    voice_length_ms: float = 0.0
    """Last audible sample, counted from the group's start."""
    _rest: bytes = b""
    _length: int = 0

    def take(self, ulaw: bytes, now_ms: float) -> None:
        """Append sound, which has just been made."""
        loud = ulaw.translate(_LOUD)
        first, last = loud.find(1), loud.rfind(1)
        per_ms = SAMPLE_RATE / 1000
        if self.number == 0 and self.voice_offset_ms is None:
            # The caller waits for the first word: no silence before it.
            skip = max(0, first - FIRST_WORD_MARGIN) if first >= 0 else len(ulaw)
            ulaw, first, last = ulaw[skip:], first - skip, last - skip
        if first >= 0:
            if self.voice_offset_ms is None:
                self.voice_offset_ms = (self._length + first) / per_ms
                self.made_ms = now_ms
            self.voice_length_ms = (self._length + last + 1) / per_ms
        self._length += len(ulaw)
        sound = self._rest + ulaw
        whole = len(sound) - len(sound) % FRAME_BYTES
        self.frames.extend(sound[i : i + FRAME_BYTES] for i in range(0, whole, FRAME_BYTES))
        self._rest = sound[whole:]

    def end(self) -> None:
        """Say that all sound is there."""
        if self._rest:
            self.frames.append(self._rest.ljust(FRAME_BYTES, _SILENCE))
            self._rest = b""
        self.complete = True

    def was_heard_by(self, at_ms: float) -> bool:
        """Return whether all its words had sounded at a moment of the stream."""
        return bool(self.text) and self.heard_by(at_ms) == self.text

    def take_back(self, frame: bytes, at_ms: float) -> None:
        """Take back a frame that was to sound then and did not."""
        self.frames.appendleft(frame)
        self.marked = False
        self.end_ms = at_ms
        if self.start_ms is not None and at_ms <= self.start_ms:
            self.start_ms = None

    def pause(self, at_ms: float) -> None:
        """Fall silent, if it has begun and is not over."""
        if self.start_ms is not None and not self.marked and not self.heard:
            self.paused_ms = at_ms

    def go_on(self, at_ms: float) -> None:
        """Sound again."""
        if self.paused_ms is not None:
            self.rested_ms += at_ms - self.paused_ms
            self.paused_ms = None

    def heard_by(self, at_ms: float) -> str:
        """Return the words that had sounded in full at a moment of the stream."""
        if self.start_ms is None:
            return ""
        if self.paused_ms is not None:
            at_ms = min(at_ms, self.paused_ms)
        sounded = at_ms - self.start_ms - self.rested_ms
        if self.heard or (self.complete and not self.frames and at_ms >= self.end_ms):
            return self.text
        return words_by(sounded / max(self.voice_length_ms, 1.0), self.text)


class Speech:
    """The words of one agent turn, from the first sound made to the last one heard."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.turn = -1
        self.goes_on = False
        """It takes up one that was stopped: the same turn to the ear."""
        self.tier = ""
        """Of the voice that said its first words; empty until then."""
        self.groups: list[Group] = []
        self.dropped: list[Group] = []
        """Groups taken away before they sounded."""
        self.finished = False
        """No more groups will come."""
        self.cut_ms: float | None = None
        """When it was stopped, if it was."""
        self.over = asyncio.Event()
        """It was heard to its end, or cut."""
        self.started = asyncio.Event()

    @property
    def started_ms(self) -> float | None:
        """When its first audible sample sounded."""
        return self.started_ms_without("")

    def started_ms_without(self, topic: str) -> float | None:
        """Return when its first audible sample sounded that is not of that topic."""
        for group in self.groups:
            sounds = group.start_ms is not None and group.voice_offset_ms is not None
            if sounds and group.topic != topic:
                return (group.start_ms or 0.0) + (group.voice_offset_ms or 0.0)
        return None

    def made_ms_without(self, topic: str) -> float | None:
        """Return when its first audible sample was synthesised that is not of that topic."""
        made = (group.made_ms for group in self.groups if group.topic != topic)
        return next((at_ms for at_ms in made if at_ms is not None), None)

    @property
    def ended_ms(self) -> float:
        """When its last sample sounded."""
        ends = [
            group.start_ms + group.rested_ms + group.voice_length_ms
            for group in self.groups
            if group.start_ms is not None
        ]
        end = max(ends, default=0.0)
        return end if self.cut_ms is None else min(end, self.cut_ms)

    @property
    def words(self) -> str:
        """All its words, heard or not."""
        return " ".join(group.text for group in self.groups)

    def left(self) -> list[Group]:
        """Return the groups that were not heard in full before it was cut."""
        at_ms = float("inf") if self.cut_ms is None else self.cut_ms
        return [group for group in self.groups if not group.was_heard_by(at_ms)] + self.dropped

    def heard_by(self, at_ms: float) -> str:
        """Return the words that had sounded by then."""
        if self.cut_ms is not None:
            at_ms = min(at_ms, self.cut_ms)
        return " ".join(filter(None, (group.heard_by(at_ms) for group in self.groups)))

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its last word."""
        if self.dropped:
            return True
        return self.cut_ms is not None and self.heard_by(self.cut_ms) != self.words
