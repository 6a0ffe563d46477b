"""When the lead's turn is over: the moment that words, voice and silence give, heard and not only
passed."""

from __future__ import annotations

from collections.abc import Callable

from agents.playbook import TurnTaking
from voice.clock import StreamClock
from voice.frames import TurnVerdict
from voice.listening import LeadTurn
from voice.reply import Reply
from voice.turns import Patience, silence_needed_ms

UNHEARD_MS = 100.0
"""Sound that may be on its way to our ears while all is well."""
LOOK_EVERY_MS = 20.0


class TurnEnd:
    """Weighs what is known of a turn that may be over.

    Args:
        clock: the stream's.
        heard_ms: how far the lead's sound has been listened to; ms of the stream.
        knobs: the playbook's or campaign's patience.
    """

    def __init__(
        self, *, clock: StreamClock, heard_ms: Callable[[], float], knobs: TurnTaking
    ) -> None:
        self._clock = clock
        self._heard_ms = heard_ms
        self._patience = Patience.of(knobs)
        self._verdict: float | None = None
        self._quiet_until = 0.0
        self.at: float | None = None
        """When to look whether it is over; None while it is not to be, whatever happens."""

    def forget_verdict(self) -> None:
        """How finished the last voice sounded tells nothing any more."""
        self._verdict = None

    def take_verdict(self, verdict: TurnVerdict) -> None:
        """It is known how finished the turn sounded."""
        self._verdict = verdict.probability

    def postpone(self) -> None:
        """Wait for more to happen."""
        self.at = None

    def weigh(
        self, turn: LeadTurn, answer: Reply | None, *, asked: str, not_before: float | None
    ) -> None:
        """Set the moment from what is known by now.

        Args:
            turn: what the lead has said, and is silent after.
            answer: what would be answered, if that is being prepared.
            asked: what kind of answer was asked for; see `Say.expects`.
            not_before: a moment before which it is not over, if there is one.
        """
        self.at = None
        if answer is None or turn.lags:
            return
        if turn.is_open and not answer.understood:
            return  # the final words may be others
        needed_ms = silence_needed_ms(
            turn.text,
            understood=answer.understood,
            finished=self._verdict,
            patience=self._patience,
            asked=asked,
        )
        self.at = self._quiet_until = max(turn.last_voiced_ms + needed_ms, not_before or 0.0)

    def is_heard(self) -> bool:
        """Return whether the silence was heard, once its time has passed; else look again soon.

        The sound may be behind the time. A line without sound is noticed elsewhere: see
        `MediaSession`.
        """
        if self._heard_ms() >= self._quiet_until - UNHEARD_MS:
            return True
        self.at = self._clock.now_ms() + LOOK_EVERY_MS
        return False
