"""Lead one call's conversation: what reaches it, and who deals with it.

One task takes everything that happens, in order (`mind`): the lead's voice and words
(`turn_taker`), and whatever else there is (`occasions`). The agent's side is in `speaking`.
"""

from __future__ import annotations

import asyncio
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

from agents.interface import ActionDone, ConversationProtocol, Event
from calls.services.streams import LiveCall
from voice.clerk import Clerk
from voice.clock import StreamClock
from voice.engines.interface import Partial, Transcript
from voice.frames import (
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
from voice.mind import Mind
from voice.occasions import Occasions
from voice.playout import Playout
from voice.recorder import Recorder
from voice.session import Notice
from voice.speaking import Speaking
from voice.turn_taker import TurnTaker
from voice.usage import Usage


class Dialogue(FrameProcessor):
    """The pipeline's middle: hears transcripts and times, speaks through the synthesiser.

    Args:
        live: the call.
        conversation: what decides what is said.
        playout: the caller's ear.
        clerk: keeps records.
        recorder: the recording, stopped on request.
        usage: the bill.
        heard_ms: how far the lead's sound has been listened to; ms of the stream.
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
        heard_ms: Callable[[], float],
        finish: Callable[[str], None],
        on_listen: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__(enable_direct_mode=True)  # it only takes note: its own task does the rest
        self._log = structlog.get_logger(__name__).bind(call_id=str(live.call_id))
        self._clock = clock
        self._finish = finish
        self._mind = Mind(
            times=self._times,
            now_ms=clock.now_ms,
            on_time=self._on_time,
            on_failure=self._on_failure,
        )
        self._speaking = Speaking(
            live=live,
            conversation=conversation,
            playout=playout,
            clock=clock,
            clerk=clerk,
            recorder=recorder,
            usage=usage,
            push=self.push_frame,
            post=self._mind.post,
            on_change=self._on_change,
            on_spoken=self._on_spoken,
            on_done=self._on_done,
            finish=self.end,
        )
        self._turns = TurnTaker(
            live=live,
            speaking=self._speaking,
            playout=playout,
            clock=clock,
            heard_ms=heard_ms,
            answer=self._answer,
            end=self.end,
        )
        self._occasions = Occasions(
            speaking=self._speaking,
            playout=playout,
            turn_taker=self._turns,
            end=self.end,
            on_listen=on_listen,
        )
        self._living: asyncio.Task[None] | None = None
        self._notices: set[str] = set()
        self._ended = False

    # What its parts tell each other: each was made before the next

    def _on_change(self) -> None:
        self._turns.weigh()

    async def _on_spoken(self) -> None:
        await self._occasions.on_spoken()

    async def _on_done(self, done: ActionDone) -> None:
        await self._occasions.on_action_done(done)

    async def _answer(self, event: Event) -> None:
        await self._occasions.answer(event)

    # What reaches it

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take what concerns the dialogue; pass the rest on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame | InterimTranscriptionFrame | TranscriptionFrame):
            return  # heard by the ears and the recogniser; nobody further down listens
        if isinstance(frame, VoiceStarted):
            self._mind.post(self._turns.on_voice_started, frame)
        elif isinstance(frame, VoiceGoesOn):
            self._mind.post(self._turns.on_voice_goes_on, frame.lasted_ms)
        elif isinstance(frame, VoiceFading):
            self._mind.post(self._turns.on_voice_fading, frame.last_voiced_ms)
        elif isinstance(frame, VoicePaused):
            self._mind.post(self._turns.on_voice_paused, frame)
        elif isinstance(frame, TurnVerdict):
            self._mind.post(self._turns.on_verdict, frame)
        elif isinstance(frame, KeyPressed):
            self._mind.post(self._occasions.on_key, frame.digit)
        elif isinstance(frame, NoticeArrived) and frame.notice is not None:
            self.notice(frame.notice)
        elif isinstance(frame, LineLost):
            self._mind.post(self._occasions.on_line_lost, frame.back)
        elif isinstance(frame, StreamClosed):
            self.end(frame.reason)
        else:
            await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame) and self._living is None:
            self._living = self.create_task(self._live_through(), name="dialogue")
        elif isinstance(frame, CancelFrame):
            await self._stop()

    async def cleanup(self) -> None:
        """Stop thinking."""
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat

    def on_partial(self, partial: Partial) -> None:
        """Take a partial transcript."""
        self._mind.post(self._turns.on_partial, partial)

    def on_final(self, transcript: Transcript) -> None:
        """Take a final transcript; empty for noise."""
        self._mind.post(self._turns.on_final, transcript)

    def notice(self, notice: Notice) -> None:
        """Take news of the call, once each."""
        if notice.id not in self._notices:
            self._notices.add(notice.id)
            self._mind.post(self._occasions.on_notice, notice)

    def wrap_up(self, reason: str) -> None:
        """Have the conversation say goodbye: "budget" or "time"."""
        self._mind.post(self._occasions.on_wrap_up, reason)

    def end(self, reason: str) -> None:
        """End the call's dialogue at once."""
        if not self._ended:
            self._ended = True
            self._finish(reason)

    @property
    def waiting(self) -> int:
        """How many events it has still to deal with."""
        return self._mind.waiting

    async def closing(self) -> None:
        """Keep what was said and heard when the end of the call cut it off."""
        await self._stop()
        await self._speaking.closing()
        self._speaking.turns.lead(self._turns.listening.turn)

    async def _live_through(self) -> None:
        self._speaking.say(None)
        await self._mind.run()

    async def _stop(self) -> None:
        if self._living is not None:
            living, self._living = self._living, None
            if living is not asyncio.current_task():
                await self.cancel_task(living)

    def _times(self) -> tuple[float | None, ...]:
        speaking = self._speaking
        return (
            speaking.provisional_until,
            speaking.filler_at,
            speaking.deeds.hang_up_by,
            *self._turns.times(),
        )

    async def _on_time(self) -> None:
        def due(at: float | None) -> bool:
            return at is not None and self._clock.now_ms() >= at

        speaking = self._speaking
        if due(speaking.provisional_until) and speaking.current is not None:
            await speaking.adopt(speaking.current)
        if due(speaking.filler_at):
            await speaking.fill()
        await self._turns.on_time()
        if due(speaking.deeds.hang_up_by):
            self._log.warning("hang_up_forced")
            self.end(speaking.deeds.farewell)

    def _on_failure(self, error: Exception | None) -> None:
        if error is None:
            self._log.error("dialogue_stalled")
            self.end("stalled")
        else:
            self._log.error("dialogue_failed", error=type(error).__name__, exc_info=error)
            self.end("failed")
