"""What the caller hears, when, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from voice.playout import LEAD_MS, Playout
from voice.speech import Speech
from voice.tests.virtual_time import LoopClock, VirtualTime

TONE = bytes([0x10, 0x90] * 80)  # one loud frame


class Line:
    """A playout whose far end is a list."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.sent: list[tuple[str, Any]] = []
        self._changed = asyncio.Event()
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
        self._send("sound", self.clock.now_ms())

    async def _mark(self, name: str) -> None:
        self._send("mark", name)

    async def _clear(self) -> None:
        self._send("clear", None)

    def _send(self, kind: str, value: Any) -> None:
        self.sent.append((kind, value))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was sent meets a condition."""
        async with asyncio.timeout(5):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

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


@pytest.fixture(scope="module")
def event_loop_policy() -> VirtualTime:
    return VirtualTime()


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
    monkeypatch.setattr("voice.marks.MARK_GRACE_MS", 50)
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


class Far:
    """What the far end plays of what it is sent: its clock is ours, and `clear` empties it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.buffered: list[tuple[float, bytes]] = []
        self.played: list[bytes] = []
        self._free_at = 0.0
        sound, clear = line.playout._send_sound, line.playout._send_clear

        async def take(frame: bytes) -> None:
            now = line.clock.now_ms()
            self._free_at = max(self._free_at, now) + 20
            self.buffered.append((self._free_at - 20, frame))
            await sound(frame)

        async def forget() -> None:
            now = line.clock.now_ms()
            self.played += [frame for at_ms, frame in self.buffered if at_ms < now]
            self.buffered, self._free_at = [], now
            await clear()

        line.playout._send_sound, line.playout._send_clear = take, forget

    def sound(self) -> bytes:
        return b"".join([*self.played, *(frame for _, frame in self.buffered)])


def numbered(frames: int) -> bytes:
    """Return loud sound in which every frame is another."""
    return b"".join(bytes([0x10 + number % 64, 0x90] * 80) for number in range(frames))


async def test_after_a_pause_it_goes_on_with_the_very_next_sample(line: Line) -> None:
    far = Far(line)
    speech = line.playout.begin(held=True)
    for text in ("Hello there.", "How are you today?"):
        group = line.playout.begin_group(
            speech, text, topic="greet", agent="greeter", interruptible=True
        )
        line.playout.feed(speech, group, numbered(20))
        line.playout.end_group(group)
    line.playout.finish(speech)
    line.playout.release(speech, 0)
    for frames in (4, 30):  # in the first group, and where it is out and the second has begun
        await line.until(lambda frames=frames: line.frames >= frames)
        assert await line.playout.pause()
        assert not await line.playout.pause(), "it is silent already"
        assert line.playout.speaking
        sent = line.frames
        for name in line.marks:
            line.playout.mark_returned(name)  # as the far end does on a clear
        heard = speech.heard_by(line.clock.now_ms())
        await asyncio.sleep(0.06)
        assert line.frames == sent
        assert speech.heard_by(line.clock.now_ms()) == heard, "nothing is heard in a pause"
        line.playout.go_on()
    await line.until(lambda: "0.1/greet/end" in line.marks)
    assert far.sound() == numbered(20) * 2, "no sample is missing and none comes twice"
    for name in ("0.0/greet", "0.1/greet/end"):
        line.playout.mark_returned(name)
    assert speech.over.is_set()
    assert not speech.interrupted
    assert speech.heard_by(line.clock.now_ms()) == "Hello there. How are you today?"


async def test_held_back_for_a_moment_nobody_hears_a_gap(line: Line) -> None:
    far = Far(line)
    speech = line.speech("one two three four", ms=600)
    line.playout.release(speech, 0)
    await line.until(lambda: line.frames >= 8)
    assert line.playout.hold()
    assert not line.playout.hold()
    sent = line.frames
    await asyncio.sleep(0.04)
    assert line.frames == sent, "what is out is heard, and nothing more"
    line.playout.go_on()
    await line.until(lambda: "0.0/greet/end" in line.marks)
    assert ("clear", None) not in line.sent
    assert len(far.sound()) == 600 * 8
    line.playout.mark_returned("0.0/greet/end")
    assert speech.over.is_set()


async def test_held_back_and_then_stopped_it_has_said_what_was_out(line: Line) -> None:
    speech = line.speech("one two three four five six seven eight", ms=1600)
    line.playout.release(speech, 0)
    await line.until(lambda: line.frames >= 20)
    assert line.playout.hold()
    await asyncio.sleep((LEAD_MS + 60) / 1000)
    assert await line.playout.interrupt()
    assert speech.interrupted
    assert line.sent[-1] == ("clear", None)
    assert speech.cut_ms == speech.groups[0].end_ms, "when what was out had been heard"


async def test_a_pause_that_becomes_an_interruption_clears_once(line: Line) -> None:
    speech = line.speech("one two three four five six seven eight", ms=800)
    line.playout.release(speech, 0)
    await line.until(lambda: line.frames >= 10)
    assert await line.playout.pause()
    paused_ms = line.clock.now_ms()
    heard = speech.heard_by(paused_ms)
    await asyncio.sleep(0.1)
    assert await line.playout.interrupt()
    assert [kind for kind, _ in line.sent].count("clear") == 1
    assert speech.interrupted
    assert speech.cut_ms == pytest.approx(paused_ms, abs=20)
    assert speech.heard_by(1e9) == heard
    assert not line.playout.speaking


async def test_a_mark_cleared_by_a_pause_does_not_stand_for_the_one_sent_again(line: Line) -> None:
    speech = line.speech("Hello there my friend.", ms=140)
    line.playout.release(speech, 0)
    await line.until(lambda: len(line.marks) == 1)
    assert await line.playout.pause()
    line.playout.go_on()
    await line.until(lambda: len(line.marks) == 2)
    line.playout.mark_returned("0.0/greet/end")  # by the clear
    assert not speech.over.is_set()
    line.playout.mark_returned("0.0/greet/end")  # by the sound
    assert speech.over.is_set()


async def test_words_that_must_be_heard_are_not_paused(line: Line) -> None:
    speech = line.speech("This call is recorded.", interruptible=False)
    line.playout.release(speech, 0)
    await line.until(lambda: line.frames >= 2)
    assert not await line.playout.pause()
    assert ("clear", None) not in line.sent
