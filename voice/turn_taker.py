"""The lead's voice and words, and whose turn it is.

An answer is decided and synthesised at the first hint of a pause, as a fork of the conversation,
and held; silence and words confirm it. If the lead goes on, nothing of it remains.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agents.interface import Event, ForeignLanguage, Silence, Unheard
from calls.services.streams import LiveCall
from voice.clock import StreamClock
from voice.engines.interface import Partial, Transcript
from voice.floor import Floor
from voice.frames import TurnVerdict, VoicePaused, VoiceStarted
from voice.languages import LanguageWatch
from voice.listening import Listening
from voice.playout import Playout
from voice.speaking import Speaking
from voice.turn_end import TurnEnd

SILENCE_MS = 6000.0
"""Silence after which the agent asks whether the lead is still there."""
MACHINE_MS = 2500.0
"""People who pick up say less than this in one go; a machine's greeting is longer."""
MACHINE_END_MS = 1500.0
"""Silence after which even a machine's greeting is over."""
NOISE_MS = 900.0
"""Voice without a recognised word that deserves an answer nevertheless."""
LAST_WORDS_MS = 5000.0
"""How long a lead who is still speaking when the goodbye has been heard is listened to."""
ENDING_ANSWER_MS = 900.0
"""A "yes" this close to the end of the agent's words answers them."""

Answer = Callable[[Event], Awaitable[None]]


class TurnTaker:
    """Decides when the lead has finished, and when the agent has to.

    Its methods belong to the dialogue's task.

    Args:
        live: the call.
        speaking: the agent's side.
        playout: the caller's ear.
        heard_ms: how far the lead's sound has been listened to; ms of the stream.
        answer: answers what is no words.
        end: ends the call with a reason.
    """

    def __init__(
        self,
        *,
        live: LiveCall,
        speaking: Speaking,
        playout: Playout,
        clock: StreamClock,
        heard_ms: Callable[[], float],
        answer: Answer,
        end: Callable[[str], None],
    ) -> None:
        self._speaking = speaking
        self._playout = playout
        self._clock = clock
        self._answer = answer
        self._end = end
        self._floor = Floor(speaking=speaking, playout=playout, clock=clock, knobs=live.turn_taking)
        self._end_of_turn = TurnEnd(clock=clock, heard_ms=heard_ms, knobs=live.turn_taking)
        self.listening = Listening()
        self._languages = LanguageWatch(live.brief.script.languages)
        self._opening = True
        self._silences = 0
        self._greeting_until: float | None = None
        """Until then it is taken for a machine's greeting that goes on."""
        self._silence_at: float | None = None

    # Time

    def times(self) -> tuple[float | None, ...]:
        """Return when something is to be decided, whatever happens until then."""
        return (
            self._floor.give_back_at,
            self._end_of_turn.at,
            self.listening.give_up_at,
            self._greeting_until,
            self._silence_at,
        )

    async def on_time(self) -> None:
        """Do what is due."""

        def due(at: float | None) -> bool:
            return at is not None and self._clock.now_ms() >= at

        if due(self._floor.give_back_at):
            self._floor.give_back()
        if due(self.listening.give_up_at):
            await self._on_words_late()
        if due(self._greeting_until):
            self._greeting_until = None
            await self.words_known()
        if due(self._end_of_turn.at) and self._end_of_turn.is_heard():
            await self._confirm()
        if due(self._silence_at):
            self._silences += 1
            await self._answer(Silence(self._silences))

    def wait_for_nothing(self) -> None:
        """Something else is being answered: no moment is waited for any more."""
        self._end_of_turn.postpone()
        self._silence_at = None

    def line_lost(self) -> None:
        """Nobody hears the lead."""
        self._wait_for_more()

    def _wait_for_more(self) -> None:
        """Neither the end of a turn nor a silence is due until something happens."""
        self._end_of_turn.postpone()
        self._silence_at = self._greeting_until = None

    def is_there(self) -> None:
        """The lead has shown to be there by other means than words."""
        self._silences = 0
        self.leave_unanswered()

    def leave_unanswered(self) -> None:
        """Keep what was said until now: what has happened since is answered instead."""
        self._speaking.turns.lead(self.listening.next_turn())

    # The lead's voice

    async def on_voice_started(self, frame: VoiceStarted) -> None:
        """A voice began."""
        self._wait_for_more()
        await self._speaking.discard_ahead()
        self.listening.begin(at_ms=frame.at_ms, heard_ms=frame.heard_ms)
        await self._floor.voice_started()

    async def on_voice_goes_on(self, lasted_ms: float) -> None:
        """The voice has lasted so long."""
        self.listening.go_on(lasted_ms)
        await self._see_to_the_floor()

    async def on_voice_fading(self, last_voiced_ms: float) -> None:
        """Think of an answer while it is still open whether this is a pause."""
        self._end_of_turn.forget_verdict()
        self.listening.fade(last_voiced_ms)
        await self._guess()

    async def on_voice_paused(self, frame: VoicePaused) -> None:
        """The voice is over for now."""
        if frame.last_voiced_ms != self.listening.turn.last_voiced_ms:
            self._end_of_turn.forget_verdict()
        self.listening.pause(
            last_voiced_ms=frame.last_voiced_ms,
            voiced_ms=frame.voiced_ms,
            heard_ms=frame.heard_ms,
            now_ms=self._clock.now_ms(),
        )
        self._floor.voice_paused()
        if self._opening and self.listening.turn.lasted_ms >= MACHINE_MS:
            self._greeting_until = frame.last_voiced_ms + MACHINE_END_MS
        await self._guess()

    def on_verdict(self, verdict: TurnVerdict) -> None:
        """It is known how finished the turn sounded."""
        if verdict.last_voiced_ms == self.listening.turn.last_voiced_ms:
            self._end_of_turn.take_verdict(verdict)
            self.weigh()

    # The lead's words

    async def on_partial(self, partial: Partial) -> None:
        """More is understood of what is being said."""
        listening = self.listening
        listening.take_partial(partial, self._clock.now_ms())
        if not listening.voice or listening.fades:
            await self._guess()
        if listening.voice:
            await self._see_to_the_floor()

    async def on_final(self, transcript: Transcript) -> None:
        """A stretch of voice has its final words."""
        self._speaking.usage.recognised(transcript.audio_ms)
        stretch = self.listening.take_final(transcript, self._clock.now_ms())
        if stretch is None:
            return
        if language := self._languages.take(transcript):
            self._speaking.turns.lead(self.listening.next_turn())
            await self._answer(ForeignLanguage(language))
            return
        if stretch.turn is not self.listening.turn:
            await self._speaking.correct(stretch)
            return
        if stretch.unheard:
            stretch.turn.drop(stretch)
            if not stretch.overdue and self._speaking.free:
                self._speaking.turns.lead(self.listening.next_turn())
                await self._answer(Unheard())
                return
        await self.words_known()

    async def _on_words_late(self) -> None:
        """Answer what was understood; final words that come after all correct it."""
        for turn in self.listening.give_up(self._clock.now_ms()):
            self._speaking.note("words_late")
            if turn is not self.listening.turn:
                await self._speaking.verify(turn)
            elif turn.lags:
                await self._on_words_missing()
            else:
                await self.words_known()

    async def _on_words_missing(self) -> None:
        """Ask for them again: half a sentence may say the opposite of the whole.

        The turn stays: when its words come after all, it is they that are answered.
        """
        listening = self.listening
        if listening.voice or not self._speaking.free:
            return
        if listening.turn.text or listening.turn.lasted_ms >= NOISE_MS:
            await self._answer(Unheard())
        else:
            self.listen_on()

    async def words_known(self) -> None:
        """All that was said has its words, unless more is being said, or more words are to come."""
        turn = self.listening.turn
        if self.listening.voice or turn.is_open:
            return
        if turn.lags:
            self.listen_on()
        else:
            await self._consider()

    # Whose turn it is

    async def _see_to_the_floor(self) -> None:
        """Stop the agent if the lead means to speak."""
        listening = self.listening
        if self._floor.is_taken(listening.voice_ms, listening.latest_words):
            listening.turn = await self._floor.take(listening.turn)

    async def _guess(self) -> None:
        """Answer the words as they stand: the final ones take 100 ms more, and mostly agree."""
        if self.listening.turn.text and self._speaking.free:
            await self._think()

    async def _consider(self) -> None:
        """Decide what a pause with these words is: a turn, a back-channel, or noise."""
        speaking, listening = self._speaking, self.listening
        if self._greeting_until is not None or not listening.turn.stretches:
            return
        if speaking.is_ending:
            return  # the last reply comes before the next: `on_spoken` looks again
        text = listening.turn.text
        if speaking.speaks or speaking.is_provisional:
            if not await self._is_turn(self._floor.is_murmur(text, listening.voice_ms)):
                return
            text = listening.turn.text
        nothing = self._floor.means_nothing(text)
        if speaking.cut is not None and nothing and await speaking.resume():
            listening.next_turn()
            return
        speaking.cut = None
        if speaking.hanging_up:
            if text:
                await speaking.last_word(listening.next_turn())
            else:
                self._end(speaking.deeds.farewell)
        elif text or listening.voice_ms >= NOISE_MS:
            await self._think()
        else:
            listening.next_turn()
            self.listen_on()

    async def _is_turn(self, is_murmur: bool) -> bool:
        """Return whether what was said over the agent is answered now; else see to the rest."""
        speaking, listening, playout = self._speaking, self.listening, self._playout
        if is_murmur and (speaking.is_provisional or playout.waiting_ms > ENDING_ANSWER_MS):
            if listening.turn.text:
                speaking.note("back_channel")
            listening.next_turn()
            self._floor.give_back()
            return False
        if is_murmur or playout.must_be_heard or speaking.hanging_up or speaking.owes:
            # Answered when the agent has finished; what may be dropped until then, is.
            if not is_murmur and not speaking.hanging_up and not speaking.owes:
                await playout.interrupt()
            self._floor.give_back()
            return False
        listening.turn = await self._floor.take(listening.turn)
        return True

    async def _think(self) -> None:
        await self._speaking.prepare(self.listening.turn)
        self.weigh()

    def weigh(self) -> None:
        """Set the moment at which the turn is over, from what is known by now."""
        if self.listening.voice:
            self._end_of_turn.postpone()
            return
        self._end_of_turn.weigh(
            self.listening.turn,
            self._speaking.ahead,
            asked=self._speaking.asked,
            not_before=self._greeting_until,
        )

    async def _confirm(self) -> None:
        """The turn is over: what was prepared may be heard."""
        self._wait_for_more()
        if self._speaking.ahead is not None:
            self._silences = 0
            self.listening.next_turn()
            self._floor.first_turn_over()  # who has spoken and is answered says no more "hello?"
            await self._speaking.confirm()

    async def on_spoken(self) -> None:
        """The agent has been heard to the end, and nothing else waits to be answered."""
        listening, deeds = self.listening, self._speaking.deeds
        if listening.turn.text and not listening.voice:
            await self.words_known()
        elif not deeds.hanging_up:
            self.listen_on()
        elif listening.is_being_said and not deeds.is_hand_over:
            deeds.hang_up_within(LAST_WORDS_MS)  # `words_known` ends it sooner
        else:
            self._end(deeds.farewell)

    def first_turn_over(self) -> None:
        """The agent has opened the call."""
        self._opening = False
        self._floor.first_turn_over()

    def listen_on(self) -> None:
        """Wait for the lead to say something."""
        if not self.listening.voice and self._speaking.free:
            self._silence_at = self._clock.now_ms() + SILENCE_MS
