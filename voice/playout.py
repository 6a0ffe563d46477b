"""What the agent says on its way to the caller's ear: paced, marked, stopped, and remembered.

Sound is sent a little ahead of real time, so that the far end never starves when our loop is
late, and never holds much that a `clear` would have to take back. Where every frame sounds is
known from when it was sent; marks that come back confirm it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from voice.clock import StreamClock
from voice.marks import Marks
from voice.metrics import LATE_FRAMES
from voice.speech import Group, Speech
from voice.wire import FRAME_MS

logger = structlog.get_logger(__name__)

LEAD_MS = 120
"""How far ahead of the caller's ear sound is sent: longer than any stall of the loop we accept, and
no longer than the agent may be heard on after the caller begins to speak."""

MOST_WAITING_MS = 120_000
"""Two minutes of speech waiting is a runaway text, not a reply: the rest is dropped."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A frame, and when it sounds."""

    at_ms: float
    frame: bytes
    speech: Speech
    group: Group


class Playout:
    """The agent's side of the line. All methods belong to the event loop's thread."""

    def __init__(
        self,
        clock: StreamClock,
        *,
        send_sound: Callable[[bytes], Awaitable[None]],
        send_mark: Callable[[str], Awaitable[None]],
        send_clear: Callable[[], Awaitable[None]],
        on_sent: Callable[[float, bytes], None],
        on_cut: Callable[[float], None],
        frames_at_once: Callable[[], int] = lambda: 1,
    ) -> None:
        self._clock = clock
        self._send_sound = send_sound
        self._send_mark = send_mark
        self._send_clear = send_clear
        self._on_sent = on_sent
        self._on_cut = on_cut
        self._frames_at_once = frames_at_once
        self._queue: deque[Speech] = deque()
        self._sent: deque[_Sent] = deque()
        """What is out and has not begun to sound."""
        self._marks = Marks(clock.now_ms, self._check_over)
        self._paused_ms: float | None = None
        self._cursor_ms = 0.0
        self._wake = asyncio.Event()

    # Filling

    def begin(self, *, held: bool) -> Speech:
        """Open a speech. Held, it makes no sound until released."""
        return Speech(held=held)

    def begin_group(
        self, speech: Speech, text: str, *, topic: str, agent: str, interruptible: bool
    ) -> Group:
        """Open the next group of words of a speech."""
        group = Group(len(speech.groups), text, topic, agent, interruptible)
        if speech.cut_ms is None and not speech.finished:
            speech.groups.append(group)
        return group

    def feed(self, speech: Speech, group: Group, ulaw: bytes) -> None:
        """Append sound to a group."""
        if speech.cut_ms is not None:
            return
        waiting = sum(len(other.frames) for other in speech.groups) * FRAME_MS
        if waiting > MOST_WAITING_MS:
            logger.warning("speech_too_long", waiting_ms=waiting)
            return
        group.take(ulaw, self._clock.now_ms())
        self._wake.set()

    def end_group(self, group: Group) -> None:
        """Say that the group has all its sound."""
        group.end()
        self._wake.set()

    def finish(self, speech: Speech) -> None:
        """Say that the speech has all its groups."""
        speech.finished = True
        if not speech.groups:
            speech.over.set()
        self._wake.set()

    # Deciding

    def release(self, speech: Speech, turn: int) -> None:
        """Let the speech sound after what is being said. `turn` is its index in the transcript."""
        speech.held = False
        speech.turn = turn
        self._queue.append(speech)
        self._wake.set()

    def discard(self, speech: Speech) -> None:
        """Drop a held speech as if it had never been made."""
        speech.cut_ms = 0.0
        speech.over.set()

    @property
    def speaking(self) -> bool:
        """Whether the caller hears the agent now, or is about to."""
        return self._clock.now_ms() < self._cursor_ms or any(
            not speech.over.is_set() and not self._all_sent(speech) for speech in self._queue
        )

    @property
    def must_be_heard(self) -> bool:
        """Whether the words being heard may not be interrupted."""
        return self._must_be_heard(self._clock.now_ms()) is not None

    @property
    def waiting_ms(self) -> float:
        """How much of what was released the caller has still to hear, as far as it is made."""
        return max(0.0, self._cursor_ms - self._clock.now_ms()) + self._unsent * FRAME_MS

    @property
    def paused(self) -> bool:
        """Whether the agent holds its breath: to `go_on` with the next sample, or be stopped."""
        return self._paused_ms is not None

    def hold(self) -> bool:
        """Send nothing more for now: what is out is heard, and then nothing, `LEAD_MS` later.

        Return whether there is anything to hold back: words that must be heard are not, and what
        is out already cannot be.
        """
        now = self._clock.now_ms()
        if self.paused or not self._unsent or self._must_be_heard(now) is not None:
            return False
        self._rest(max(now, self._cursor_ms))
        return True

    async def pause(self) -> bool:
        """Fall silent at once.

        Return whether the agent did: words that must be heard are, and who is silent already has
        nothing to pause.
        """
        now = self._clock.now_ms()
        if self.paused or self._must_be_heard(now) is not None:
            return False
        unheard = [sent for sent in self._sent if sent.at_ms >= now]
        if not unheard and not self._unsent:
            return False
        self._sent.clear()
        for sent in reversed(unheard):
            sent.group.take_back(sent.frame, sent.at_ms)
            if sent.speech not in self._queue:
                self._queue.appendleft(sent.speech)
        for mark in self._marks.clear():
            mark.group.heard = mark.group.marked  # all its sound was out
        self._cursor_ms = now
        self._rest(now)
        self._on_cut(now)
        await self._send_clear()
        return True

    def _rest(self, from_ms: float) -> None:
        self._paused_ms = from_ms
        for speech in self._queue:
            for group in speech.groups:
                group.pause(from_ms)

    def go_on(self) -> None:
        """Speak on after a pause, where the voice broke off."""
        if self._paused_ms is None:
            return
        at_ms = max(self._clock.now_ms(), self._paused_ms)
        for speech in self._queue:
            for group in speech.groups:
                group.go_on(at_ms)
        self._paused_ms, self._cursor_ms = None, at_ms
        self._wake.set()

    async def interrupt(self, *, force: bool = False) -> bool:
        """Stop the agent at once, unless the words being heard must be.

        Those are played to their end and what follows them is dropped; with `force` they are not
        spared. Return whether the agent fell silent.
        """
        now = self._clock.now_ms()
        keep = None if force else self._must_be_heard(now)
        if keep is not None:
            self._drop_after(keep)
            return False
        silent_ms = now if self._paused_ms is None else min(now, self._paused_ms)
        is_out = self._paused_ms is None or bool(self._marks or self._sent)
        stopped = self._unheard()
        self._queue.clear()
        self._sent.clear()
        for speech in stopped:
            speech.cut_ms = silent_ms
        self._marks.clear()
        self._paused_ms, self._cursor_ms = None, silent_ms
        self._on_cut(silent_ms)
        if stopped and is_out:
            await self._send_clear()
        for speech in stopped:
            speech.over.set()
        return True

    def mark_returned(self, name: str) -> None:
        """Take a mark back from the far end: its group has been heard, unless it was cleared."""
        self._marks.returned(name)

    # Sounding

    async def run(self) -> None:
        """Send what there is, in time, until cancelled."""
        while True:
            if not await self._step():
                self._wake.clear()
                await self._wake.wait()

    async def _step(self) -> bool:
        """Send a message of sound, or a mark; return whether there was one."""
        if self.paused:
            return False
        while self._queue and (self._queue[0].over.is_set() or self._all_sent(self._queue[0])):
            self._queue.popleft()
        if not self._queue:
            return False
        speech = self._queue[0]
        group = next((each for each in speech.groups if not each.marked), None)
        if group is None:
            return False
        if not group.frames:
            return await self._mark(speech, group)
        ahead = self._cursor_ms - self._clock.now_ms()
        if ahead > LEAD_MS:
            await asyncio.sleep((ahead - LEAD_MS) / 1000)
            return True  # look again: it may have been cut meanwhile
        await self._sound(speech, group)
        return True

    async def _sound(self, speech: Speech, group: Group) -> None:
        now = self._clock.now_ms()
        if group.start_ms is not None and now > self._cursor_ms + FRAME_MS:
            LATE_FRAMES.inc()
        at_ms = max(self._cursor_ms, now)
        count = min(len(group.frames), self._frames_at_once())
        frames = [group.frames.popleft() for _ in range(count)]
        if group.start_ms is None:
            group.start_ms = at_ms
        while self._sent and self._sent[0].at_ms < now:
            self._sent.popleft()
        for number, frame in enumerate(frames):
            self._sent.append(_Sent(at_ms + number * FRAME_MS, frame, speech, group))
        group.end_ms = self._cursor_ms = at_ms + count * FRAME_MS
        sound = b"".join(frames)
        self._on_sent(at_ms, sound)
        await self._send_sound(sound)
        speech.started.set()

    async def _mark(self, speech: Speech, group: Group) -> bool:
        """Send the mark of a group whose sound is out, once it is known whether it is the last."""
        last = group is speech.groups[-1]
        if not group.complete or (last and not speech.finished):
            return False
        name = f"{speech.turn}.{group.number}/{group.topic}{'/end' if last else ''}"
        group.marked = True
        self._marks.sent(name, speech, group)
        await self._send_mark(name)
        return True

    @property
    def _unsent(self) -> int:
        """How many frames of what was released have still to be sent."""
        return sum(len(group.frames) for speech in self._queue for group in speech.groups)

    def _all_sent(self, speech: Speech) -> bool:
        return speech.finished and all(group.marked for group in speech.groups)

    def _check_over(self, speech: Speech) -> None:
        if self._all_sent(speech) and all(group.heard for group in speech.groups):
            speech.over.set()

    def _must_be_heard(self, now: float) -> tuple[Speech, Group] | None:
        """Return the last of the uninterruptible groups that the caller is hearing, if any."""
        found: tuple[Speech, Group] | None = None
        for speech in self._unheard():
            for group in speech.groups:
                if group.heard or (group.marked and group.end_ms <= now):
                    continue
                if group.interruptible:
                    return found
                found = (speech, group)
        return found

    def _unheard(self) -> list[Speech]:
        sent = [speech for speech in self._marks.speeches if speech not in self._queue]
        unique = list(dict.fromkeys(sent))
        return [speech for speech in (*unique, *self._queue) if not speech.over.is_set()]

    def _drop_after(self, keep: tuple[Speech, Group]) -> None:
        speech, last = keep
        later = speech.groups[last.number + 1 :]
        dropped = [group for group in later if group.start_ms is None]
        speech.groups = [group for group in speech.groups if group not in dropped]
        speech.dropped += dropped
        speech.finished = True
        while self._queue and self._queue[-1] is not speech and speech in self._queue:
            unheard = self._queue.pop()
            unheard.cut_ms = 0.0
            unheard.over.set()
        self._wake.set()
