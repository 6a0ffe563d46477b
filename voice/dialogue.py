"""Lead one call's conversation: when to listen, when to answer, when to stop, when to end.

One task takes everything that happens, in order. An answer is decided and synthesised at the
first pause of the lead, as a fork of the conversation, and held; silence and words confirm it. If
the lead goes on, nothing of it remains.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from pipecat.frames.frames import (
    CancelFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    StartFrame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agents.interface import (
    Action,
    ActionDone,
    ConversationProtocol,
    Event,
    KeyPress,
    MachineAnswered,
    Silence,
    Utterance,
    WrapUp,
)
from calls.services.streams import LiveCall
from voice import actions
from voice.clerk import Clerk
from voice.clock import StreamClock
from voice.engines.interface import Partial, Transcript
from voice.frames import (
    KeyPressed,
    NoticeArrived,
    StreamClosed,
    TurnVerdict,
    VoiceFading,
    VoiceGoesOn,
    VoicePaused,
    VoiceStarted,
)
from voice.playout import Playout
from voice.recorder import Recorder
from voice.reply import LeadTurn, Reply
from voice.session import Notice
from voice.transcript import NotesTaker, TurnLog, observe_latency
from voice.turns import (
    Patience,
    is_back_channel,
    is_greeting,
    silence_needed_ms,
    words_of,
)

BARGE_IN_MS = 280.0
"""Voice over the agent that is no longer a cough or a "mm-hm"."""
GREETING_MS = 900.0
"""The same while the agent opens the call: people say "hello?" when they pick up."""
BARGE_IN_WORDS_MS = 160.0
"""Voice after which a recognised word is believed."""
PROVISIONAL_MS = 500.0
"""A lead who goes on this soon after our first word had not finished."""
SILENCE_MS = 6000.0
"""Silence after which the agent asks whether the lead is still there."""
FINAL_WITHIN_MS = 2500.0
"""How long the final words may take before the agent answers what it has understood by then."""
NOISE_MS = 900.0
"""Voice without a recognised word that deserves an answer nevertheless."""
ENDING_ANSWER_MS = 900.0
"""A "yes" this close to the end of the agent's words answers them."""
HANG_UP_GUARD_MS = 30_000.0
LAST_WORD_S = 2.0
MOST_EVENTS = 2000


class Dialogue(FrameProcessor):
    """The pipeline's middle: hears transcripts and times, speaks through the synthesiser.

    Args:
        live: the call.
        conversation: what decides what is said.
        playout: the caller's ear.
        clerk: keeps records.
        recorder: the recording, stopped on request.
        finish: called once with the reason when the call is to end.
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
        finish: Callable[[str], None],
        patience: Patience | None = None,
    ) -> None:
        super().__init__()
        self._log = structlog.get_logger(__name__).bind(call_id=str(live.call_id))
        self._live = live
        self._conversation = conversation
        self._playout = playout
        self._clock = clock
        self._clerk = clerk
        self._recorder = recorder
        self._finish = finish
        self._patience = patience or Patience()
        self._turns = TurnLog(live.call_id, live.voice_tier, clerk)
        self._events: asyncio.Queue[Callable[[], Any]] = asyncio.Queue(MOST_EVENTS)
        self._mind: asyncio.Task[None] | None = None
        # The lead
        self._voice = False
        self._turn = LeadTurn()
        self._heard_voice_ms = 0.0
        self._partial = ""
        self._finals_due = 0
        self._verdict: float | None = None
        # The agent
        self._ahead: Reply | None = None
        """Prepared, not confirmed."""
        self._current: Reply | None = None
        """Confirmed, being heard."""
        self._second: Reply | None = None
        """The answer to the same turn by the recogniser's final words, if they differ."""
        self._cut: Reply | None = None
        """Stopped by a voice that may turn out not to have said anything."""
        self._unheard: Reply | None = None
        """Heard in part; the conversation has still to be told."""
        self._backlog: deque[Event] = deque()
        self._opening = True
        # The clock
        self._final_by: float | None = None
        self._decide_at: float | None = None
        self._silence_at: float | None = None
        self._silences = 0
        self._hang_up_by: float | None = None
        self._hanging_up = False
        self._wrapping_up = False
        self._notices: set[str] = set()
        self._ended = False

    # What reaches it

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take what concerns the dialogue; pass the rest on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame | InterimTranscriptionFrame | TranscriptionFrame):
            return  # heard by the ears and the recogniser; nobody further down listens
        if isinstance(frame, VoiceStarted):
            self._post(self._on_voice_started, frame.at_ms)
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
        self._post(self._on_partial, partial.text)

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

    async def closing(self) -> None:
        """Keep what was heard of the reply that the end of the call cut off."""
        await self._stop()
        if self._ahead is not None:
            await self._discard_ahead()
        await self._drop_second()
        reply = self._current
        if reply is not None and not reply.speech.over.is_set():
            await reply.drop()
            await self._playout.interrupt(force=True)
            await self._adopt(reply)
            self._turns.agent(reply, at_ms=self._clock.now_ms())
            heard = _heard(reply, self._clock.now_ms())
            await self._conversation.heard(heard, interrupted=True)
        elif self._unheard is not None:
            await self._tell_heard()
        if self._turn.segments and self._ahead is None:
            self._turns.lead(self._turns.take_index(), self._turn)

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
        self._say(event=None, fork=False)
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
        provisional = self._provisional_until()
        times = (
            self._decide_at,
            self._final_by,
            self._silence_at,
            self._hang_up_by,
            provisional,
        )
        due = min((at for at in times if at is not None), default=None)
        return None if due is None else max(0.0, (due - self._clock.now_ms()) / 1000)

    async def _on_time(self) -> None:
        now = self._clock.now_ms()
        provisional = self._provisional_until()
        if provisional is not None and now >= provisional and self._current is not None:
            await self._adopt(self._current)
        if self._final_by is not None and now >= self._final_by:
            self._finals_due = 0
            self._note("words_late")
            await self._words_known(None)
        if self._decide_at is not None and now >= self._decide_at:
            self._decide_at = None
            await self._confirm()
        if self._silence_at is not None and now >= self._silence_at:
            self._silence_at = None
            self._silences += 1
            await self._answer(Silence(self._silences))
        if self._hang_up_by is not None and now >= self._hang_up_by:
            self._log.warning("hang_up_forced")
            self.end("agent_hung_up")

    # The lead's voice

    async def _on_voice_started(self, at_ms: float) -> None:
        self._voice = True
        self._heard_voice_ms = 0.0
        self._silence_at = self._decide_at = None
        if self._ahead is not None:
            await self._discard_ahead()
        if self._current is not None and self._is_provisional(self._current):
            await self._recover(self._current, at_ms)
        self._partial = ""
        if not self._turn.text and not self._finals_due:
            self._turn.started_ms = at_ms

    async def _on_voice_goes_on(self, lasted_ms: float) -> None:
        self._heard_voice_ms = lasted_ms
        if lasted_ms >= (GREETING_MS if self._opening else BARGE_IN_MS):
            await self._yield_floor()

    async def _on_partial(self, text: str) -> None:
        self._partial = text
        enough = self._heard_voice_ms >= BARGE_IN_WORDS_MS
        if enough and len(words_of(text)) >= 2 and not self._means_nothing(text):
            await self._yield_floor()

    async def _on_voice_fading(self, last_voiced_ms: float) -> None:
        """Think of an answer while it is still open whether this is a pause."""
        turn = self._turn
        if not self._partial or not self._free() or self._finals_due:
            return
        turn.last_voiced_ms = last_voiced_ms
        turn.paused_ms = turn.transcribed_ms = self._clock.now_ms()
        self._verdict = None
        await self._guess()

    async def _on_voice_paused(self, frame: VoicePaused) -> None:
        self._voice = False
        self._finals_due += 1
        self._final_by = self._clock.now_ms() + FINAL_WITHIN_MS
        turn = self._turn
        if turn.last_voiced_ms != frame.last_voiced_ms:
            self._verdict = None
        turn.last_voiced_ms = frame.last_voiced_ms
        turn.paused_ms = turn.transcribed_ms = self._clock.now_ms()
        self._heard_voice_ms = frame.voiced_ms
        turn.guessing, turn.guess = True, self._partial
        if self._partial and self._free() and self._finals_due == 1:
            await self._guess()

    async def _guess(self) -> None:
        """Answer the words as they stand: the final ones take 100 ms more, and mostly agree."""
        self._turn.guessing, self._turn.guess = True, self._partial
        await self._think()

    def _free(self) -> bool:
        """Whether nothing of the agent is being heard, or waits to be taken up again."""
        return not self._agent_speaks() and self._cut is None and not self._hanging_up

    async def _on_final(self, transcript: Transcript) -> None:
        if not self._finals_due and not self._voice:
            return  # too late: it was answered without
        # Without a pause before it, it is the first part of an utterance too long for the engine.
        self._finals_due = max(0, self._finals_due - 1)
        await self._words_known(transcript)

    async def _words_known(self, transcript: Transcript | None) -> None:
        """Take final words, or what was understood if there will be none."""
        reply = self._current
        guessed = reply is not None and _guessing(reply)
        turn = reply.turn if guessed and reply is not None and reply.turn else self._turn
        text = turn.guess if transcript is None else transcript.text
        turn.guess = ""
        if text:
            turn.segments.append(text)
            turn.confidences.append(0.0 if transcript is None else transcript.confidence)
        if self._finals_due:
            return
        self._final_by = None
        turn.guessing = False
        if guessed and reply is not None:
            await self._verify(reply)
        elif not self._voice:
            turn.transcribed_ms = self._clock.now_ms()
            await self._consider()

    def _on_verdict(self, verdict: TurnVerdict) -> None:
        if verdict.last_voiced_ms == self._turn.last_voiced_ms:
            self._verdict = verdict.probability
            self._weigh()

    # Whose turn it is

    async def _consider(self) -> None:
        """Decide what a pause with these words is: a turn, a back-channel, or noise."""
        text = self._turn.text
        if self._agent_speaks():
            if self._means_nothing(text) and self._playout.waiting_ms > ENDING_ANSWER_MS:
                if text:
                    self._note("back_channel")
                self._turn = LeadTurn()
                return
            if self._means_nothing(text) or self._playout.must_be_heard or self._hanging_up:
                # Answered when the agent has finished; what may be dropped until then, is.
                if not self._means_nothing(text) and not self._hanging_up:
                    await self._playout.interrupt()
                return
            await self._yield_floor()
        if self._cut is not None and self._means_nothing(text) and await self._resume():
            return
        self._cut = None
        if self._hanging_up:
            await self._last_word(text)
            return
        if not text and self._heard_voice_ms < NOISE_MS:
            self._turn = LeadTurn()
            self._listen_on()
            return
        await self._think()

    async def _think(self) -> None:
        """Decide and synthesise the answer to the turn as it stands, unless that is done."""
        ahead = self._ahead
        if ahead is not None:
            if words_of(ahead.answers) == words_of(self._turn.text):
                self._weigh()
                return
            await self._discard_ahead()
        await self._tell_heard()
        turn = self._turn
        self._ahead = self._make(Utterance(turn.text, turn.confidence), turn=turn, fork=True)
        self._weigh()

    async def _verify(self, reply: Reply) -> None:
        """Look whether the answer being heard still holds for the final words."""
        turn = reply.turn
        if turn is None:
            return
        if words_of(turn.text) != words_of(reply.answers) and reply.fork:
            if reply.lead_index >= 0 and turn.text:
                self._turns.lead(reply.lead_index, turn)
            if not reply.complete:
                await self._replace(reply, None)
                return
            await self._conversation.discard()
            self._second = self._make(Utterance(turn.text, turn.confidence), turn=turn, fork=True)
            return
        await self._settle(reply)

    async def _replace(self, reply: Reply, second: Reply | None) -> None:
        """Say something else: what was being said answered words that were not spoken."""
        await reply.drop()
        await self._playout.interrupt(force=True)
        heard = self._turns.agent(reply, at_ms=self._clock.now_ms())
        self._note("misheard", {"words_heard": len(words_of(heard))})
        self._current = None
        if not heard:
            self._turns.give_back(reply.index)
        if second is None:
            await self._conversation.discard()
            turn = reply.turn
            text = turn.text if turn is not None else ""
            second = self._make(Utterance(text), turn=turn, fork=True)
        second.lead_index = reply.lead_index
        second.confirmed_ms = self._clock.now_ms()
        await self._release(second)

    async def _settle(self, reply: Reply) -> None:
        """Go on with an answer that holds."""
        if reply.complete and reply.dos:
            await self._adopt(reply)
        if reply.speech.over.is_set():
            await self._on_spoken(reply)

    async def _last_word(self, text: str) -> None:
        """Hear what was said over the goodbye: only an opt-out still changes anything."""
        turn, self._turn = self._turn, LeadTurn()
        reply = self._make(Utterance(text, turn.confidence), turn=turn, fork=True)
        await asyncio.wait((reply.task,), timeout=LAST_WORD_S)
        if any(do.action is Action.OPT_OUT for do in reply.dos):
            self._turns.lead(self._turns.take_index(), turn)
            await self._adopt(reply)
            await self._release(reply)
            return
        await reply.drop()
        await self._conversation.discard()
        self.end("agent_hung_up")

    def _weigh(self) -> None:
        """Set the moment at which the turn is over, from what is known by now."""
        if self._ahead is None or self._voice:
            return
        understood = self._ahead.understood
        if self._turn.guessing and not understood:
            self._decide_at = None
            return  # the final words may be others
        needed = silence_needed_ms(
            self._turn.text,
            understood=understood,
            finished=self._verdict,
            patience=self._patience,
        )
        self._decide_at = self._turn.last_voiced_ms + needed

    async def _confirm(self) -> None:
        """The turn is over: what was prepared may be heard."""
        reply, self._ahead = self._ahead, None
        if reply is None:
            return
        reply.confirmed_ms = self._clock.now_ms()
        self._silences = 0
        if self._turn.text:
            reply.lead_index = self._turns.take_index()
            self._turns.lead(reply.lead_index, self._turn)
        self._turn = LeadTurn()
        await self._release(reply)

    async def _recover(self, reply: Reply, at_ms: float) -> None:
        """The lead goes on: fall silent, and take turn and answer back."""
        await self._drop_second()
        await reply.drop()
        await self._playout.interrupt(force=True)
        await self._conversation.discard()
        self._current = None
        heard = self._turns.agent(reply, at_ms=self._clock.now_ms())
        self._note("false_start", {"words_heard": len(words_of(heard))})
        if reply.turn is None:
            return
        if heard:  # the transcript shows it; the lead's words before it are kept already
            reply.turn.keep()
            reply.turn.started_ms = at_ms
        elif reply.lead_index >= 0:
            self._turns.give_back(reply.lead_index)
        reply.turn.segments.extend(self._turn.segments)
        self._turn = reply.turn

    async def _yield_floor(self) -> None:
        """Stop the agent for the lead."""
        reply = self._current
        if reply is None or reply.speech.over.is_set() or self._hanging_up:
            return
        if self._playout.must_be_heard:
            return
        await self._stop_speaking(reply)
        self._cut = reply
        self._note("barge_in")

    async def _drop_second(self) -> None:
        second, self._second = self._second, None
        if second is not None:
            await second.drop()

    async def _stop_speaking(self, reply: Reply, *, force: bool = False) -> None:
        await self._drop_second()
        await reply.drop()
        await self._playout.interrupt(force=force)
        await self.push_frame(InterruptionFrame())
        self._current = None
        self._unheard = reply
        await self._adopt(reply)
        self._turns.agent(reply, at_ms=self._clock.now_ms())

    async def _resume(self) -> bool:
        """Go on where a cough or a "mm-hm" stopped the agent; False if nothing is left to say."""
        reply, self._cut = self._cut, None
        if reply is None:
            return False
        left = reply.speech.left()
        if sum(len(words_of(group.text)) for group in left) < 3:
            return False
        self._turn = LeadTurn()
        self._unheard = None
        self._note("resumed")
        rest = self._make(None, turn=None, fork=False, items=actions.again(left))
        rest.heard_before = _heard(reply, self._clock.now_ms())
        await self._release(rest)
        return True

    def _means_nothing(self, text: str) -> bool:
        return is_back_channel(text) or (self._opening and is_greeting(text))

    def _agent_speaks(self) -> bool:
        return self._current is not None and not self._current.speech.over.is_set()

    # The agent's replies

    async def _answer(self, event: Event, *, force: bool = False) -> None:
        """Answer something other than words at once, or after what must be heard."""
        if self._current is not None and self._agent_speaks():
            if not force and (self._playout.must_be_heard or self._hanging_up):
                self._backlog.append(event)
                if not self._hanging_up:
                    await self._playout.interrupt()  # drops what need not be heard
                return
            await self._stop_speaking(self._current, force=force)
        self._cut = None
        if self._ahead is not None:
            await self._discard_ahead()
        await self._tell_heard()
        self._say(event=event, fork=False)

    def _say(self, *, event: Event | None, fork: bool) -> None:
        reply = self._make(event, turn=None, fork=fork)
        reply.confirmed_ms = self._clock.now_ms()
        self._start(reply)

    def _make(
        self, event: Event | None, *, turn: LeadTurn | None, fork: bool, items: Any = None
    ) -> Reply:
        if items is None:
            items = (
                self._conversation.open()
                if event is None
                else self._conversation.respond(event, speculative=fork)
            )
        return Reply(
            event=event,
            items=items,
            turn=turn,
            fork=fork,
            playout=self._playout,
            clock=self._clock,
            push=self.push_frame,
            on_change=lambda reply: self._post(self._on_reply, reply),
        )

    async def _release(self, reply: Reply) -> None:
        self._start(reply)
        await self._on_reply(reply)

    def _start(self, reply: Reply) -> None:
        self._decide_at = self._silence_at = None
        self._current = reply
        reply.index = self._turns.take_index()
        self._playout.release(reply.speech, reply.index)
        reply.watcher = self.create_task(self._watch(reply), name="spoken")

    async def _watch(self, reply: Reply) -> None:
        started = asyncio.create_task(reply.speech.started.wait())
        over = asyncio.create_task(reply.speech.over.wait())
        try:
            await asyncio.wait((started, over), return_when=asyncio.FIRST_COMPLETED)
            self._post(lambda: None)  # the time until which it is provisional is known now
            if started.done():
                observe_latency(reply)
            await over
        finally:
            started.cancel()
            over.cancel()
        self._post(self._on_spoken, reply)

    async def _on_reply(self, reply: Reply) -> None:
        """Its first words or all of it are known."""
        if reply.dropped:
            return
        if reply.error is not None:
            reply_error, reply.error = reply.error, None
            self._log.error("conversation_failed", exc_info=reply_error)
        if reply is self._ahead:
            self._weigh()
        elif reply is self._second:
            await self._compare(reply)
        elif reply is self._current and reply.complete and reply.dos and not _guessing(reply):
            await self._adopt(reply)  # an action is not taken back

    async def _compare(self, second: Reply) -> None:
        """Keep the answer being heard if the final words lead to the same one."""
        first = self._current
        if not second.complete or first is None:
            return
        self._second = None
        if second.says_as(first):
            self._playout.discard(second.speech)
            await self._settle(first)
        else:
            await self._replace(first, second)

    async def _on_spoken(self, reply: Reply) -> None:
        """All of it was heard, or it was cut."""
        if reply is not self._current or _guessing(reply) or self._second is not None:
            return
        await self._adopt(reply)
        self._current = None
        self._opening = False
        self._turns.agent(reply, at_ms=self._clock.now_ms())
        if not reply.speech.groups:
            self._turns.give_back(reply.index)
        self._unheard = reply
        await self._tell_heard()
        if self._backlog:
            await self._answer(self._backlog.popleft())
        elif self._turn.segments and not self._voice and not self._finals_due:
            await self._consider()
        elif self._hanging_up:
            self.end("agent_hung_up")
        else:
            self._listen_on()

    async def _tell_heard(self) -> None:
        reply, self._unheard = self._unheard, None
        if reply is not None and reply.speech.groups:
            heard = _heard(reply, self._clock.now_ms())
            await self._conversation.heard(heard, interrupted=reply.speech.interrupted)

    def _listen_on(self) -> None:
        if not self._voice and not self._agent_speaks() and not self._hanging_up:
            self._silence_at = self._clock.now_ms() + SILENCE_MS

    async def _discard_ahead(self) -> None:
        reply, self._ahead = self._ahead, None
        if reply is not None:
            await reply.drop()
            await self._conversation.discard()

    def _is_provisional(self, reply: Reply) -> bool:
        return reply.fork and not self._hanging_up

    def _provisional_until(self) -> float | None:
        reply = self._current
        if reply is None or not reply.fork or not reply.complete or self._second is not None:
            return None
        if _guessing(reply):
            return None
        started_ms = reply.speech.started_ms
        return None if started_ms is None else started_ms + PROVISIONAL_MS

    async def _adopt(self, reply: Reply) -> None:
        """Make a reply part of the conversation, and do what it says is to be done."""
        if reply.fork:
            reply.fork = False
            await self._conversation.commit()
        if reply.acted or not (reply.complete or reply.dropped):
            return
        reply.acted = True
        if isinstance(self._conversation, NotesTaker):
            # A process that dies leaves what was learnt until then.
            actions.keep_notes(self._clerk, self._live.call_id, self._conversation.notes())
        for do in reply.dos:
            if do.action is Action.HANG_UP:
                self._hanging_up = True
                self._hang_up_by = self._clock.now_ms() + HANG_UP_GUARD_MS
            elif do.action is Action.STOP_RECORDING:
                if self._recorder is not None:
                    self._recorder.stop()
            elif do.reports_back:
                self.create_task(self._perform(do), name="action")
            else:
                actions.note(self._clerk, self._live.call_id, do)
        if reply.dos and not reply.speech.groups and self._hanging_up:
            self.end("agent_hung_up")

    async def _perform(self, do: Any) -> None:
        began = time.monotonic()
        ok = await actions.perform(self._clerk, self._live.call_id, do)
        self._log.info(
            "action_done", action=do.action, ok=ok, ms=round((time.monotonic() - began) * 1000)
        )
        self._post(self._on_action_done, ActionDone(do.action, ok))

    async def _on_action_done(self, event: ActionDone) -> None:
        if self._agent_speaks():
            self._backlog.append(event)
            return
        await self._answer(event)

    # News

    async def _on_key(self, digit: str) -> None:
        self._note("key", {"digit": digit})
        self._silences = 0
        self._turn = LeadTurn()
        await self._answer(KeyPress(digit))

    async def _on_notice(self, notice: Notice) -> None:
        self._log.info("notice_taken", kind=notice.kind)
        if notice.kind == "machine":
            self._turn = LeadTurn()
            await self._answer(MachineAnswered(beep=bool(notice.data.get("beep"))), force=True)
        elif notice.kind == "wrap_up":
            await self._on_wrap_up(str(notice.data.get("reason", "budget")))
        elif notice.kind in {"hang_up", "kill"}:
            self.end(str(notice.data.get("reason", notice.kind)))

    async def _on_wrap_up(self, reason: str) -> None:
        if not self._wrapping_up and not self._hanging_up:
            self._wrapping_up = True
            await self._answer(WrapUp(reason))

    def _note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        actions.event(self._clerk, self._live.call_id, kind, self._clock.now_ms(), data)


def _heard(reply: Reply, at_ms: float) -> str:
    """Return all that was heard of what a reply says, before and after it was taken up again."""
    return " ".join(filter(None, (reply.heard_before, reply.speech.heard_by(at_ms))))


def _guessing(reply: Reply) -> bool:
    """Return whether a reply answers words that are not final yet."""
    return reply.turn is not None and reply.turn.guessing
