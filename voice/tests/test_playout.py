"""What the caller hears, when, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from voice.clock import StreamClock
from voice.playout import LEAD_MS, Playout
from voice.speech import Speech

TONE = bytes([0x10, 0x90] * 80)  # one loud frame


class Line:
    """A playout whose far end is a list."""

    def __init__(self) -> None:
        self.clock = StreamClock()
        self.sent: list[tuple[str, Any]] = []
        self.cuts: list[float] = []
        self.playout = Playout(
            self.clock,
            send_sound=self._sound,
            send_mark=self._mark,
            send_clear=self._clear,
            on_sent=lambda at_ms, _frame: None,
            on_cut=self.cuts.append,
        )

    async def _sound(self, frame: bytes) -> None:
        self.sent.append(("sound", self.clock.now_ms()))

    async def _mark(self, name: str) -> None:
        self.sent.append(("mark", name))

    async def _clear(self) -> None:
        self.sent.append(("clear", None))

    def speech(self, *groups: str, ms: int = 400, interruptible: bool = True) -> Speech:
        made = self.playout.begin(held=True)
        for text in groups:
            group = self.playout.begin_group(
                made, text, topic="greet", agent="greeter", interruptible=interruptible
            )
            self.playout.feed(made, group, TONE * (ms // 20))
            self.playout.end_group(group)
        self.playout.finish(made)
        return made

    @property
    def marks(self) -> list[str]:
        return [value for kind, value in self.sent if kind == "mark"]

    @property
    def frames(self) -> int:
        return sum(kind == "sound" for kind, _ in self.sent)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    made = Line()
    running = asyncio.create_task(made.playout.run())
    yield made
    running.cancel()


async def test_held_speech_makes_no_sound_until_released(line: Line) -> None:
    speech = line.speech("Good morning.")
    await asyncio.sleep(0.05)
    assert line.sent == []
    line.playout.release(speech, 0)
    await asyncio.sleep(0.05)
    assert line.frames > 0


async def test_discarded_speech_is_never_heard(line: Line) -> None:
    speech = line.speech("Good morning.")
    line.playout.discard(speech)
    other = line.speech("Hello.", ms=40)
    line.playout.release(other, 0)
    await asyncio.sleep(0.1)
    assert line.frames == 2
    assert speech.heard_by(1e9) == ""


async def test_sound_is_sent_only_a_little_ahead(line: Line) -> None:
    line.playout.release(line.speech("A long story.", ms=2000), 0)
    await asyncio.sleep(0.2)
    assert LEAD_MS / 20 <= line.frames <= (LEAD_MS + 200 + 80) / 20


async def test_marks_follow_their_groups_and_the_last_says_so(line: Line) -> None:
    speech = line.speech("Hello.", "How are you?", ms=40)
    line.playout.release(speech, 7)
    await asyncio.sleep(0.15)
    assert line.marks == ["7.0/greet", "7.1/greet/end"]
    line.playout.mark_returned("7.0/greet")
    assert not speech.over.is_set()
    line.playout.mark_returned("7.1/greet/end")
    assert speech.over.is_set()
    assert speech.heard_by(line.clock.now_ms()) == "Hello. How are you?"
    assert not speech.interrupted


async def test_a_mark_that_comes_back_from_clear_was_not_heard(line: Line) -> None:
    speech = line.speech("Hello there.", "one two three four five six seven eight", ms=300)
    line.playout.release(speech, 0)
    await asyncio.sleep(0.42)
    assert await line.playout.interrupt()
    assert line.sent[-1] == ("clear", None)
    for name in line.marks:
        line.playout.mark_returned(name)
    heard = speech.heard_by(1e9)
    assert heard.startswith("Hello there.")
    assert heard != speech.words
    assert len(heard.split()) < 7
    assert speech.interrupted
    assert line.cuts == [speech.cut_ms]
    frames = line.frames
    await asyncio.sleep(0.1)
    assert line.frames == frames, "nothing is sent after clear"


async def test_words_that_must_be_heard_are_and_the_rest_is_dropped(line: Line) -> None:
    speech = line.playout.begin(held=True)
    for text, interruptible in (("This is recorded.", False), ("Shall we talk?", True)):
        group = line.playout.begin_group(
            speech, text, topic="disclosure", agent="greeter", interruptible=interruptible
        )
        line.playout.feed(speech, group, TONE * 15)
        line.playout.end_group(group)
    line.playout.finish(speech)
    line.playout.release(speech, 0)
    await asyncio.sleep(0.05)
    assert line.playout.must_be_heard
    assert not await line.playout.interrupt()
    await asyncio.sleep(0.35)
    line.playout.mark_returned("0.0/disclosure/end")
    assert speech.over.is_set()
    assert speech.heard_by(1e9) == "This is recorded."
    assert [group.text for group in speech.left()] == ["Shall we talk?"]


async def test_a_far_end_that_loses_marks_does_not_hold_the_call(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.playout.MARK_GRACE_MS", 50)
    speech = line.speech("Goodbye.", ms=40)
    line.playout.release(speech, 0)
    async with asyncio.timeout(1):
        await speech.over.wait()
    assert speech.heard_by(line.clock.now_ms()) == "Goodbye."


async def test_no_silence_stands_before_the_first_word(line: Line) -> None:
    speech = line.playout.begin(held=True)
    group = line.playout.begin_group(speech, "Hi.", topic="a", agent="b", interruptible=True)
    line.playout.feed(speech, group, b"\xff" * 1600)
    line.playout.feed(speech, group, b"\xff" * 800 + TONE * 5)
    line.playout.end_group(group)
    assert group.voice_offset_ms is not None
    assert group.voice_offset_ms <= 11
