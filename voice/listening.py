"""What the lead says: stretches of voice, and their words as they become known.

Words come late and may change: a partial transcript covers the sound up to some moment, the final
one comes when it comes. Every stretch of voice therefore stays with its turn, so that words find
their turn however late they are. Pure: no tasks, no frames, `now_ms` is an argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from voice.engines.interface import Partial, Transcript
from voice.engines.stt_service import PRE_ROLL_MS

NEAR_MS = 60.0
"""Words that cover the voice but for this much cover it: no word is as short."""
FINAL_WITHIN_MS = 1200.0
"""How long after the pause the agent answers without the final words, if those that it has cover
all that was said."""
ANY_WITHIN_MS = 2500.0
"""How long after the pause a recogniser that is behind may take to catch up."""


@dataclass(slots=True, eq=False)
class Stretch:
    """Voice without a pause. Times in ms of the stream."""

    turn: LeadTurn
    started_ms: float
    audio_ms: float
    """Where the sound that the recogniser has of it begins."""
    last_voiced_ms: float
    known_ms: float = 0.0
    """When its words were known as they stand."""
    decoded_ms: float = 0.0
    """How far the recogniser has come in it."""
    paused_ms: float | None = None
    """When the pause after it was noticed."""
    words: str = ""
    confidence: float | None = None
    settled: bool = False
    """Its final words are there."""
    overdue: bool = False
    """Its final words are no longer waited for."""
    unheard: bool = False
    """The recogniser failed before it had heard all of it: there will be no words."""
    row: int = -1
    """Index of the turn in the transcript that has it."""

    @property
    def is_open(self) -> bool:
        """Whether its final words are waited for."""
        return not self.settled and not self.overdue

    @property
    def lags(self) -> bool:
        """Whether the words do not cover the voice yet: what there is may be half a sentence."""
        return not self.settled and self.decoded_ms < self.last_voiced_ms - NEAR_MS


@dataclass(frozen=True, slots=True)
class Timing:
    """When the turn that an answer answers was over. Ms of the stream, in this order."""

    last_voiced_ms: float
    paused_ms: float
    known_ms: float


@dataclass(slots=True, eq=False)
class LeadTurn:
    """What the lead says until the agent answers."""

    stretches: list[Stretch] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All its words, as far as they are known."""
        return _joined(self.stretches)

    @property
    def fresh(self) -> list[Stretch]:
        """What of it is not in the transcript."""
        return [stretch for stretch in self.stretches if stretch.row < 0]

    @property
    def fresh_text(self) -> str:
        """The words that are not in the transcript."""
        return _joined(self.fresh)

    @property
    def is_open(self) -> bool:
        """Whether final words are waited for."""
        return any(stretch.is_open for stretch in self.stretches)

    @property
    def lags(self) -> bool:
        """Whether its words do not cover its voice yet."""
        return any(stretch.lags for stretch in self.stretches)

    @property
    def last_voiced_ms(self) -> float:
        """When its last sound, other than noise, ended; 0 without any."""
        return self._last.last_voiced_ms if self.stretches else 0.0

    @property
    def lasted_ms(self) -> float:
        """From the beginning of its first sound to the end of its last."""
        return self.last_voiced_ms - self.stretches[0].started_ms if self.stretches else 0.0

    @property
    def confidence(self) -> float | None:
        """The recogniser's confidence in the least sure part."""
        known = (stretch.confidence for stretch in self.stretches if stretch.words)
        return min((one for one in known if one is not None), default=None)

    def timing(self) -> Timing | None:
        """Return when it was over, by what is known now; None if nothing was said."""
        if not self.stretches:
            return None
        last = self._last
        paused_ms = max(last.last_voiced_ms, last.paused_ms or 0.0)
        return Timing(last.last_voiced_ms, paused_ms, max(paused_ms, last.known_ms))

    def take(self, later: LeadTurn) -> None:
        """Go on with what was taken for a turn of its own."""
        for stretch in later.stretches:
            stretch.turn = self
        self.stretches += later.stretches
        later.stretches = []

    def drop(self, stretch: Stretch) -> None:
        """Go on as if it had not been said."""
        self.stretches.remove(stretch)

    def row(self, index: int) -> list[Stretch]:
        """Return what one turn of the transcript has of it."""
        return [stretch for stretch in self.stretches if stretch.row == index]

    @property
    def _last(self) -> Stretch:
        """The last stretch that is not known to be noise."""
        voiced = (one for one in reversed(self.stretches) if one.words or not one.settled)
        return next(voiced, self.stretches[-1])


def _joined(stretches: list[Stretch]) -> str:
    return " ".join(stretch.words for stretch in stretches if stretch.words)


def row_of(stretches: list[Stretch]) -> tuple[str, float, float]:
    """Return the words of stretches, and when they began and ended (ms)."""
    worded = [stretch for stretch in stretches if stretch.words] or stretches
    return _joined(worded), worded[0].started_ms, worded[-1].last_voiced_ms


class Listening:
    """One call's ear for turns: what is being said, and which final words are still to come.

    The recogniser gives one final transcript per stretch, in order (see `StreamingSTTService`).
    """

    def __init__(self) -> None:
        self.turn = LeadTurn()
        """What has been said since the agent last answered."""
        self.voice = False
        self.voice_ms = 0.0
        """How long the present voice, or the last one, has lasted."""
        self.fades = False
        """The voice may just have ended."""
        self._latest: Stretch | None = None
        self._due: deque[Stretch] = deque()
        self._paused_at_ms = 0.0

    @property
    def is_being_said(self) -> bool:
        """Whether the lead speaks, or has spoken and the final words are still to come."""
        return self.voice or self.turn.is_open

    @property
    def latest_words(self) -> str:
        """What is understood of the present voice, or of the last one."""
        return self._latest.words if self._latest is not None else ""

    def begin(self, *, at_ms: float, heard_ms: float) -> None:
        """A voice began at `at_ms`; the sound until `heard_ms` has been taken in."""
        self.voice, self.fades = True, False
        self.voice_ms = 0.0
        audio_ms = max(heard_ms - PRE_ROLL_MS, self._paused_at_ms, 0.0)
        self._add(at_ms, audio_ms)

    def go_on(self, lasted_ms: float) -> None:
        """The voice has lasted so long."""
        self.voice_ms = lasted_ms
        if self._latest is not None:
            self._latest.last_voiced_ms = max(
                self._latest.last_voiced_ms, self._latest.started_ms + lasted_ms
            )

    def fade(self, last_voiced_ms: float) -> None:
        """The voice may have ended at `last_voiced_ms`."""
        self.fades = True
        if self._latest is not None:
            self._latest.last_voiced_ms = last_voiced_ms

    def pause(
        self, *, last_voiced_ms: float, voiced_ms: float, heard_ms: float, now_ms: float
    ) -> None:
        """The voice has ended; its final words are due."""
        self.voice, self.voice_ms = False, voiced_ms
        self._paused_at_ms = heard_ms
        if self._latest is not None:
            self._latest.last_voiced_ms = last_voiced_ms
            self._latest.paused_ms = now_ms
            self._due.append(self._latest)

    def take_partial(self, partial: Partial, now_ms: float) -> None:
        """Take what has been understood so far of the latest stretch."""
        stretch = self._latest
        if stretch is None or stretch.settled:
            return
        if stretch.words != partial.text:
            stretch.words, stretch.known_ms = partial.text, now_ms
        lagged = stretch.lags
        stretch.decoded_ms = max(stretch.decoded_ms, stretch.audio_ms + partial.audio_ms)
        if lagged and not stretch.lags:
            stretch.known_ms = now_ms

    def take_final(self, transcript: Transcript, now_ms: float) -> Stretch | None:
        """Take final words, empty for noise, and return the stretch whose they are."""
        if self._due:
            stretch = self._due.popleft()
        elif self.voice and self._latest is not None:
            # Without a pause before it, it is the first part of what is too long for the engine.
            stretch = self._latest
            stretch.paused_ms = now_ms
            self._add(stretch.last_voiced_ms, stretch.audio_ms + transcript.audio_ms)
        else:
            return None
        if stretch.lags or stretch.words != transcript.text or stretch.overdue:
            stretch.known_ms = now_ms
        words = "" if transcript.failed and stretch.lags else transcript.text
        stretch.words, stretch.confidence = words, transcript.confidence
        stretch.unheard = transcript.failed and not words
        stretch.settled = True
        return stretch

    @property
    def give_up_at(self) -> float | None:
        """When the next final words stop being waited for; None if none are due."""
        return min((_give_up_at(one) for one in self._due if one.is_open), default=None)

    def give_up(self, now_ms: float) -> list[LeadTurn]:
        """Stop waiting for what has been due for too long; return the turns concerned."""
        late = [one for one in self._due if one.is_open and now_ms >= _give_up_at(one)]
        for stretch in late:
            stretch.overdue = True
            stretch.known_ms = now_ms
            stretch.confidence = 0.0
        return list(dict.fromkeys(stretch.turn for stretch in late))

    def next_turn(self) -> LeadTurn:
        """Return the turn, which is over, and begin another."""
        turn, self.turn = self.turn, LeadTurn()
        return turn

    def _add(self, at_ms: float, audio_ms: float) -> None:
        self._latest = Stretch(self.turn, at_ms, audio_ms, at_ms, known_ms=at_ms)
        self.turn.stretches.append(self._latest)


def _give_up_at(stretch: Stretch) -> float:
    paused_ms = stretch.paused_ms or stretch.last_voiced_ms
    return paused_ms + (ANY_WITHIN_MS if stretch.lags else FINAL_WITHIN_MS)
