"""Lead one call's conversation: when to listen, when to answer, when to stop, when to end.

One task takes everything that happens, in order. An answer is decided and synthesised at the
first hint of a pause, as a fork of the conversation, and held; silence and words confirm it. If
the lead goes on, nothing of it remains.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from pipecat.frames.frames import (
    CancelFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    StartFrame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agents.interface import (
    Action,
    ActionDone,
    ConversationProtocol,
    Event,
    ForeignLanguage,
    KeyPress,
    MachineAnswered,
    Silence,
    TransferReady,
    Unheard,
    WrapUp,
)
from calls.services.streams import LiveCall
from voice.clerk import Clerk
from voice.clock import StreamClock
from voice.engines.interface import Partial, Transcript
from voice.frames import (
    CallerSound,
    KeyPressed,
    LineLost,
    NoticeArrived,
    StreamClosed,
    TurnVerdict,
    VoiceFading,
    VoiceGoesOn,
    VoicePaused,
    VoiceStarted,
)
from voice.languages import LanguageWatch
from voice.listening import Listening
from voice.playout import Playout
from voice.recorder import Recorder
from voice.session import Notice
from voice.speaking import Speaking
from voice.turns import Patience, silence_needed_ms
from voice.usage import Usage
from voice.wording import is_back_channel, is_greeting, words_of

BARGE_IN_MS = 280.0
"""Voice over the agent that is no longer a cough or a "mm-hm"."""
GREETING_MS = 900.0
"""The same while the agent opens the call: people say "hello?" when they pick up."""
BARGE_IN_WORDS_MS = 160.0
"""Voice after which recognised words are believed."""
SILENCE_MS = 6000.0
"""Silence after which the agent asks whether the lead is still there."""
MACHINE_MS = 2500.0
"""People who pick up say less than this in one go; a machine's greeting is longer."""
MACHINE_END_MS = 1500.0
"""Silence after which even a machine's greeting is over."""
NOISE_MS = 900.0
"""Voice without a recognised word that deserves an answer nevertheless."""
ENDING_ANSWER_MS = 900.0
"""A "yes" this close to the end of the agent's words answers them."""
MOST_EVENTS = 2000


class Dialogue(FrameProcessor):
    """The pipeline's middle: hears transcripts and times, speaks through the synthesiser.

    Args:
        live: the call.
        conversation: what decides what is said.
        playout: the caller's ear.
        clerk: keeps records.
        recorder: the recording, stopped on request.
        usage: the bill.
        finish: called once with the reason when the call is to end.
        on_listen: called when somebody wants to listen in.
    """

    def __init__(
        self,
        *,
        live: LiveCall,
        conversation: ConversationProtocol,
        playout: Playout,
        clock: StreamClock,
        clerk: Clerk,
        recorder: Recorder | None,
        usage: Usage,
        finish: Callable[[str], None],
        on_listen: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__()
        self._log = structlog.get_logger(__name__).bind(call_id=str(live.call_id))
        self._playout = playout
        self._clock = clock
        self._finish = finish
        self._patience = Patience.of(live.turn_taking)
        self._on_listen = on_listen
        self._speaking = Speaking(
            live=live,
            conversation=conversation,
            playout=playout,
            clock=clock,
            clerk=clerk,
            recorder=recorder,
            usage=usage,
            push=self.push_frame,
            post=self._post,
            on_change=self._weigh,
            on_spoken=self._on_spoken,
            on_done=self._on_action_done,
            finish=self.end,
        )
        self._events: asyncio.Queue[Callable[[], Any]] = asyncio.Queue(MOST_EVENTS)
        self._mind: asyncio.Task[None] | None = None
        self._listening = Listening()
        self._languages = LanguageWatch(live.brief.script.languages)
        self._verdict: float | None = None
        self._backlog: deque[Event] = deque()
        self._opening = True
        self._wrapping_up = False
        self._silences = 0
        self._greeting_until: float | None = None
        """Until then it is taken for a machine's greeting that goes on."""
        self._decide_at: float | None = None
        self._silence_at: float | None = None
        self._notices: set[str] = set()
        self._ended = False

    # What reaches it

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take what concerns the dialogue; pass the rest on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame | InterimTranscriptionFrame | TranscriptionFrame):
            # Heard by the ears and the recogniser; nobody further down listens.
            if isinstance(frame, CallerSound) and frame.on_heard is not None:
                frame.on_heard()
            return
        if isinstance(frame, VoiceStarted):
            self._post(self._on_voice_started, frame)
        elif isinstance(frame, VoiceGoesOn):
            self._post(self._on_voice_goes_on, frame.lasted_ms)
        elif isinstance(frame, VoiceFading):
            self._post(self._on_voice_fading, frame.last_voiced_ms)
        elif isinstance(frame, VoicePaused):
            self._post(self._on_voice_paused, frame)
        elif isinstance(frame, TurnVerdict):
            self._post(self._on_verdict, frame)
        elif isinstance(frame, KeyPressed):
            self._post(self._on_key, frame.digit)
        elif isinstance(frame, NoticeArrived) and frame.notice is not None:
            self.notice(frame.notice)
        elif isinstance(frame, LineLost):
            self._post(self._on_line_lost, frame.back)
        elif isinstance(frame, StreamClosed):
            self.end(frame.reason)
        else:
            await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame) and self._mind is None:
            self._mind = self.create_task(self._live_through(), name="dialogue")
        elif isinstance(frame, CancelFrame):
            await self._stop()

    async def cleanup(self) -> None:
        """Stop thinking."""
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat

    def on_partial(self, partial: Partial) -> None:
        """Take a partial transcript."""
        self._post(self._on_partial, partial)

    def on_final(self, transcript: Transcript) -> None:
        """Take a final transcript; empty for noise."""
        self._post(self._on_final, transcript)

    def notice(self, notice: Notice) -> None:
        """Take news of the call, once each."""
        if notice.id not in self._notices:
            self._notices.add(notice.id)
            self._post(self._on_notice, notice)

    def wrap_up(self, reason: str) -> None:
        """Have the conversation say goodbye: "budget" or "time"."""
        self._post(self._on_wrap_up, reason)

    def end(self, reason: str) -> None:
        """End the call's dialogue at once."""
        if not self._ended:
            self._ended = True
            self._finish(reason)

    @property
    def waiting(self) -> int:
        """How many events it has still to deal with."""
        return self._events.qsize()

    async def closing(self) -> None:
        """Keep what was said and heard when the end of the call cut it off."""
        await self._stop()
        await self._speaking.closing()
        self._speaking.turns.lead(self._listening.turn)

    def _post(self, handler: Callable[..., Any], *args: Any) -> None:
        try:
            self._events.put_nowait(lambda: handler(*args))
        except asyncio.QueueFull:
            self._log.error("dialogue_stalled")
            self.end("stalled")

    async def _stop(self) -> None:
        if self._mind is not None:
            mind, self._mind = self._mind, None
            if mind is not asyncio.current_task():
                await self.cancel_task(mind)

    async def _live_through(self) -> None:
        self._speaking.say(None)
        while not self._ended:
            try:
                async with asyncio.timeout(self._until_next()):
                    handler = await self._events.get()
            except TimeoutError:
                handler = self._on_time
            try:
                result = handler()
                if asyncio.iscoroutine(result):
                    await result
            except Exception as error:
                self._log.error("dialogue_failed", error=type(error).__name__, exc_info=error)
                self.end("failed")

    def _until_next(self) -> float | None:
        times = (
            self._speaking.provisional_until,
            self._speaking.filler_at,
            self._decide_at,
            self._listening.give_up_at,
            self._greeting_until,
            self._silence_at,
            self._speaking.hang_up_by,
        )
        due = min((at for at in times if at is not None), default=None)
        return None if due is None else max(0.0, (due - self._clock.now_ms()) / 1000)

    async def _on_time(self) -> None:
        def due(at: float | None) -> bool:
            return at is not None and self._clock.now_ms() >= at

        speaking = self._speaking
        if due(speaking.provisional_until) and speaking.current is not None:
            await speaking.adopt(speaking.current)
        if due(speaking.filler_at):
            await speaking.fill()
        if due(self._listening.give_up_at):
            await self._on_words_late()
        if due(self._greeting_until):
            self._greeting_until = None
            await self._words_known()
        if due(self._decide_at):
            await self._confirm()
        if due(self._silence_at):
            self._silences += 1
            await self._answer(Silence(self._silences))
        if due(speaking.hang_up_by):
            self._log.warning("hang_up_forced")
            self.end(self._speaking.farewell)

    # The lead's voice

    async def _on_voice_started(self, frame: VoiceStarted) -> None:
        self._silence_at = self._decide_at = self._greeting_until = None
        await self._speaking.discard_ahead()
        self._listening.turn = await self._speaking.recover(self._listening.turn)
        self._listening.begin(at_ms=frame.at_ms, heard_ms=frame.heard_ms)

    async def _on_voice_goes_on(self, lasted_ms: float) -> None:
        self._listening.go_on(lasted_ms)
        if lasted_ms >= (GREETING_MS if self._opening else BARGE_IN_MS):
            await self._yield_floor()

    async def _on_partial(self, partial: Partial) -> None:
        listening, text = self._listening, partial.text
        listening.take_partial(partial, self._clock.now_ms())
        if not listening.voice or listening.fades:
            await self._guess()
        enough = listening.voice and listening.voice_ms >= BARGE_IN_WORDS_MS
        if enough and len(words_of(text)) >= 2 and not self._means_nothing(text):
            await self._yield_floor()

    async def _on_voice_fading(self, last_voiced_ms: float) -> None:
        """Think of an answer while it is still open whether this is a pause."""
        self._verdict = None
        self._listening.fade(last_voiced_ms)
        await self._guess()

    async def _on_voice_paused(self, frame: VoicePaused) -> None:
        if frame.last_voiced_ms != self._listening.turn.last_voiced_ms:
            self._verdict = None
        self._listening.pause(
            last_voiced_ms=frame.last_voiced_ms,
            voiced_ms=frame.voiced_ms,
            heard_ms=frame.heard_ms,
            now_ms=self._clock.now_ms(),
        )
        if self._opening and self._listening.turn.lasted_ms >= MACHINE_MS:
            self._greeting_until = frame.last_voiced_ms + MACHINE_END_MS
        await self._guess()

    async def _guess(self) -> None:
        """Answer the words as they stand: the final ones take 100 ms more, and mostly agree."""
        if self._listening.turn.text and self._speaking.free:
            await self._think()

    async def _on_final(self, transcript: Transcript) -> None:
        self._speaking.usage.recognised(transcript.audio_ms)
        stretch = self._listening.take_final(transcript, self._clock.now_ms())
        if stretch is None:
            return
        if language := self._languages.take(transcript):
            self._speaking.turns.lead(self._listening.next_turn())
            await self._answer(ForeignLanguage(language))
            return
        if stretch.turn is self._listening.turn:
            if transcript.failed and not stretch.turn.text and self._speaking.free:
                self._listening.next_turn()
                await self._answer(Unheard())
                return
            await self._words_known()
        else:
            await self._speaking.correct(stretch)

    async def _on_words_late(self) -> None:
        """Answer what was understood; final words that come after all correct it."""
        for turn in self._listening.give_up(self._clock.now_ms()):
            self._speaking.note("words_late")
            if turn is self._listening.turn:
                await self._words_known()
            else:
                await self._speaking.verify(turn)

    async def _words_known(self) -> None:
        """All that was said has its words, unless more is being said."""
        if not self._listening.voice and not self._listening.turn.is_open:
            await self._consider()

    def _on_verdict(self, verdict: TurnVerdict) -> None:
        if verdict.last_voiced_ms == self._listening.turn.last_voiced_ms:
            self._verdict = verdict.probability
            self._weigh()

    # Whose turn it is

    async def _consider(self) -> None:
        """Decide what a pause with these words is: a turn, a back-channel, or noise."""
        speaking, listening = self._speaking, self._listening
        if self._greeting_until is not None or not listening.turn.stretches:
            return
        text = listening.turn.text
        nothing = self._means_nothing(text)
        if speaking.speaks:
            if nothing and self._playout.waiting_ms > ENDING_ANSWER_MS:
                if text:
                    speaking.note("back_channel")
                listening.next_turn()
                return
            if nothing or self._playout.must_be_heard or speaking.hanging_up:
                # Answered when the agent has finished; what may be dropped until then, is.
                if not nothing and not speaking.hanging_up:
                    await self._playout.interrupt()
                return
            await self._yield_floor()
        if speaking.cut is not None and nothing and await speaking.resume():
            listening.next_turn()
            return
        speaking.cut = None
        if speaking.hanging_up:
            await speaking.last_word(listening.next_turn())
        elif text or listening.voice_ms >= NOISE_MS:
            await self._think()
        else:
            listening.next_turn()
            self._listen_on()

    async def _think(self) -> None:
        await self._speaking.prepare(self._listening.turn)
        self._weigh()

    def _weigh(self) -> None:
        """Set the moment at which the turn is over, from what is known by now."""
        self._decide_at = None
        ahead, turn = self._speaking.ahead, self._listening.turn
        if ahead is None or self._listening.voice:
            return
        if turn.lags or (turn.is_open and not ahead.understood):
            return  # the final words may be others
        needed_ms = silence_needed_ms(
            turn.text,
            understood=ahead.understood,
            finished=self._verdict,
            patience=self._patience,
            asked=self._speaking.asked,
        )
        self._decide_at = max(turn.last_voiced_ms + needed_ms, self._greeting_until or 0.0)

    async def _confirm(self) -> None:
        """The turn is over: what was prepared may be heard."""
        self._decide_at = self._silence_at = self._greeting_until = None
        if self._speaking.ahead is not None:
            self._silences = 0
            self._listening.next_turn()
            await self._speaking.confirm()

    async def _yield_floor(self) -> None:
        """Stop the agent for the lead."""
        speaking = self._speaking
        if not speaking.speaks or speaking.hanging_up or self._playout.must_be_heard:
            return
        reply = speaking.current
        await speaking.stop()
        speaking.cut = reply
        speaking.note("barge_in")

    def _means_nothing(self, text: str) -> bool:
        return is_back_channel(text) or (self._opening and is_greeting(text))

    async def _on_spoken(self) -> None:
        """The agent has been heard to the end."""
        self._opening = False
        if self._backlog:
            await self._answer(self._backlog.popleft())
        elif self._listening.turn.text and not self._listening.voice:
            await self._words_known()
        elif self._speaking.hanging_up:
            self.end(self._speaking.farewell)
        else:
            self._listen_on()

    def _listen_on(self) -> None:
        if not self._listening.voice and self._speaking.free:
            self._silence_at = self._clock.now_ms() + SILENCE_MS

    # Everything but words

    async def _answer(self, event: Event, *, force: bool = False) -> None:
        """Answer something other than words at once, or after what must be heard."""
        speaking = self._speaking
        self._decide_at = self._silence_at = None
        if speaking.speaks:
            if not force and (self._playout.must_be_heard or speaking.hanging_up):
                self._backlog.append(event)
                if not speaking.hanging_up:
                    await self._playout.interrupt()  # drops what need not be heard
                return
            await speaking.stop(force=force)
        speaking.cut = None
        await speaking.discard_ahead()
        await speaking.tell_heard()
        speaking.say(event)

    async def _on_action_done(self, event: ActionDone) -> None:
        if self._speaking.speaks:
            self._backlog.append(event)
        else:
            await self._answer(event)

    async def _on_line_lost(self, back: asyncio.Event) -> None:
        """Wait for the line, and go on where it broke off. What else happens waits as well."""
        speaking, listening = self._speaking, self._listening
        speaking.note("line_lost")
        self._decide_at = self._silence_at = self._greeting_until = None
        await speaking.discard_ahead()
        if speaking.speaks:
            reply = speaking.current
            await speaking.stop(force=True)
            speaking.cut = reply
        await back.wait()
        speaking.note("line_back")
        if speaking.cut is not None and await speaking.resume():
            return
        speaking.cut = None
        if speaking.hanging_up:
            self.end(self._speaking.farewell)
        elif listening.turn.text:
            await self._words_known()
        elif not listening.voice:
            await self._answer(Unheard())

    async def _on_key(self, digit: str) -> None:
        self._speaking.note("key", {"digit": digit})
        self._silences = 0
        self._listening.next_turn()
        await self._answer(KeyPress(digit))

    async def _on_notice(self, notice: Notice) -> None:
        self._log.info("notice_taken", kind=notice.kind)
        if notice.kind == "machine":
            self._listening.next_turn()
            await self._answer(MachineAnswered(beep=bool(notice.data.get("beep"))), force=True)
        elif notice.kind == "wrap_up":
            await self._on_wrap_up(str(notice.data.get("reason", "budget")))
        elif notice.kind == "listen" and self._on_listen is not None:
            self._on_listen(notice.data)
        elif notice.kind == "transfer":
            await self._on_transfer(notice)
        elif notice.kind in {"hang_up", "kill"}:
            self.end(str(notice.data.get("reason", notice.kind)))

    async def _on_transfer(self, notice: Notice) -> None:
        """Somebody has taken the call, or nobody does."""
        if notice.data.get("ok"):
            await self._answer(TransferReady(str(notice.data.get("name", ""))))
        elif notice.data.get("asked"):
            await self._on_action_done(ActionDone(Action.TRANSFER, ok=False))

    async def _on_wrap_up(self, reason: str) -> None:
        if not self._wrapping_up and not self._speaking.hanging_up:
            self._wrapping_up = True
            await self._answer(WrapUp(reason))
