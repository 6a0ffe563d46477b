"""What becomes of the agent's words while the lead makes a sound over them."""

from __future__ import annotations

from agents.playbook import TurnTaking
from voice.clock import StreamClock
from voice.insistence import OPENING, Insistence, takes_floor
from voice.listening import LeadTurn
from voice.playout import Playout
from voice.speaking import Speaking
from voice.wording import is_back_channel, is_greeting, words_said

OPENING_MS = 2500.0
"""How long after the agent's first sound a lead who has just picked up may still say "hello?"."""
ENDING_MS = 350.0
"""The agent finishes what is no longer than this: the lead answers over its last words."""
SHORT_MS = 900.0
"""Voice of which more than "the" or "in a" would have been understood, had it been words."""
GIVE_BACK_MS = 600.0
"""Silence after a sound without known words until the agent speaks on."""


class Floor:
    """Lends the floor to whoever makes a sound, and gives it to whoever means to speak.

    The agent holds its breath as soon as a voice begins: what it has sent is heard for another
    moment, and a sound that short changes nothing. Words, or a voice that goes on, take the floor;
    a murmur or a cough gives it back, and the agent speaks on with the very next sample.
    """

    def __init__(
        self, *, speaking: Speaking, playout: Playout, clock: StreamClock, knobs: TurnTaking
    ) -> None:
        self._speaking = speaking
        self._playout = playout
        self._clock = clock
        self._insistence = Insistence.of(knobs)
        self._is_first_turn = True
        self.give_back_at: float | None = None
        """When the agent speaks on unless words become known; ms of the stream."""

    def means_nothing(self, text: str) -> bool:
        """Return whether words say no more than "I am listening", or "hello?" at the beginning."""
        return is_back_channel(text) or (self._is_first_turn and is_greeting(text))

    def is_murmur(self, text: str, voice_ms: float) -> bool:
        """Return whether a sound over the agent, which is over, meant nothing."""
        if voice_ms < SHORT_MS and not words_said(text):
            return True
        return self.means_nothing(text)

    def first_turn_over(self) -> None:
        """The agent has opened the call."""
        self._is_first_turn = False

    async def voice_started(self) -> None:
        """A voice has begun."""
        self.give_back_at = None
        if self._speaking.is_provisional:
            # The lead may have paused only, and hears two voices until the agent is silent.
            await self._playout.pause()
        else:
            self._hold(0.0)

    def is_taken(self, voice_ms: float, text: str) -> bool:
        """Return whether a voice that goes on over the agent has taken the floor by now."""
        if not self._speaking.speaks and not self._speaking.is_provisional:
            return False
        self._hold(voice_ms)
        return takes_floor(
            voice_ms,
            text,
            means_nothing=self.means_nothing(text),
            is_afterthought=self._speaking.is_provisional,
            needed=self._needed,
        )

    async def take(self, turn: LeadTurn) -> LeadTurn:
        """Stop the agent for the lead, and return the turn that the lead's words belong to."""
        speaking = self._speaking
        self.give_back_at = None
        if speaking.is_provisional:
            return await speaking.recover(turn)
        spared = speaking.hanging_up or speaking.owes or self._playout.must_be_heard
        if speaking.speaks and not spared:
            reply = speaking.current
            await speaking.stop()
            speaking.cut = reply
            speaking.note("barge_in")
        return turn

    def voice_paused(self) -> None:
        """The voice is over, its words may still come."""
        if self._playout.paused:
            self.give_back_at = self._clock.now_ms() + GIVE_BACK_MS

    def give_back(self) -> None:
        """Let the agent speak on: nothing was said."""
        self.give_back_at = None
        self._playout.go_on()

    def _hold(self, voice_ms: float) -> None:
        speaking = self._speaking
        if not speaking.speaks or speaking.hanging_up or voice_ms < self._needed.held_ms:
            return
        if self._playout.waiting_ms > ENDING_MS:
            self._playout.hold()

    @property
    def _needed(self) -> Insistence:
        """How much a lead has to say now."""
        reply = self._speaking.current
        if not self._is_first_turn or reply is None:
            return self._insistence
        began_ms = reply.speech.started_ms
        is_opening = began_ms is None or self._clock.now_ms() < began_ms + OPENING_MS
        return OPENING if is_opening else self._insistence
