"""One call from the opening of its stream to the last line of its record."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from agents.conversation import Conversation
from agents.interface import Brief, ConversationProtocol
from agents.llm.process import call_model
from calls.recording_files import recording_put
from calls.services.ending import carrier_end, hang_up_begin
from calls.services.metering import call_meter
from calls.services.record import event_record, notes_record, recording_store
from calls.services.streams import LiveCall, stream_closed
from calls.services.transfers import transfer_connect
from voice import metrics
from voice.agent_voice import AgentVoice
from voice.audio import TELEPHONE_RATE
from voice.call_voice import live_voice
from voice.call_watch import CallWatch
from voice.clerk import Clerk, in_database
from voice.deeds import HANDED_OVER
from voice.dialogue import Dialogue
from voice.ears import Ears, SmartTurn
from voice.engines import registry
from voice.engines.silero import SileroDetector
from voice.live_calls import live_calls
from voice.playout import Playout
from voice.recorder import Recorder
from voice.session import MediaSession
from voice.tap import Tap
from voice.transport import MediaInput, MediaOutput
from voice.usage import Usage
from voice.wire import FRAME_MS

MOST_FRAMES_AT_ONCE = 3
CALLS_PER_FRAME = 8
SETTLE_S = 30.0
"""How long the end of a call waits for the database."""


QUEUES = ("messages", "events", "speech", "records")
"""A call's queues: from the carrier, to the dialogue, to the caller's ear, to the database.
`docs/voice.md` says what each does when it is full."""

_runs: set[CallRun] = set()


def _deepest(queue: str) -> float:
    return max((run.waiting()[queue] for run in tuple(_runs)), default=0.0)


for _queue in QUEUES:
    metrics.QUEUE_DEPTH.labels(_queue).set_function(functools.partial(_deepest, _queue))


def make_conversation(brief: Brief) -> ConversationProtocol:
    """Return the agents' conversation for a call."""
    return Conversation(brief, model=call_model(brief))


def frames_at_once() -> int:
    """Return how many frames of 20 ms go in one message to the carrier.

    A message costs the same however much is in it: with many calls, the time is better spent. The
    carrier plays what it gets in whatever pieces it comes.
    """
    return min(MOST_FRAMES_AT_ONCE, 1 + len(live_calls) // CALLS_PER_FRAME)


async def carry_call(
    session: MediaSession,
    live: LiveCall,
    conversation: ConversationProtocol,
    *,
    clerk: Clerk | None = None,
) -> None:
    """Carry a call until it is over, and finish its record. Raises nothing the line could cause.

    With a clerk of its own there is no record and no carrier: see `voice.playground`.
    """
    await CallRun(session, live, conversation, clerk=clerk).run()


class CallRun:
    """The parts of one live call and their life together."""

    def __init__(
        self,
        session: MediaSession,
        live: LiveCall,
        conversation: ConversationProtocol,
        *,
        clerk: Clerk | None = None,
    ) -> None:
        self._log = structlog.get_logger(__name__).bind(call_id=str(live.call_id))
        self._session = session
        self._live = live
        self._conversation = conversation
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_a_carrier = clerk is None
        self._clerk = clerk or Clerk(str(live.call_id))
        self._usage = Usage(live.call_id, self._clerk)
        self._usage.thinks(conversation)
        self._voice = live_voice(live, self._clerk, self._usage)
        path = live.recording_path
        self._recorder = None if path is None else Recorder(path, session.clock)
        self._tap = Tap(live.call_id, session.clock)
        self._playout = Playout(
            session.clock,
            send_sound=session.send_sound,
            send_mark=session.send_mark,
            send_clear=session.send_clear,
            on_sent=self._sent,
            on_cut=self._was_cut,
            frames_at_once=frames_at_once,
        )
        ears = Ears(SileroDetector(), SmartTurn())
        self._dialogue = Dialogue(
            live=live,
            conversation=conversation,
            playout=self._playout,
            clock=session.clock,
            clerk=self._clerk,
            recorder=self._recorder,
            usage=self._usage,
            heard_ms=lambda: ears.heard_ms,
            finish=self._finish,
            on_listen=self._tap.open,
        )
        recogniser = registry.create_stt(
            settings.ENV.stt_engine,
            on_partial=self._dialogue.on_partial,
            on_final=self._dialogue.on_final,
            languages=live.brief.script.languages,
            enable_direct_mode=True,  # recognition runs elsewhere: this only hands sound over
            audio_passthrough=False,
        )
        self._usage.listens(recogniser)
        self._worker = PipelineWorker(
            Pipeline(
                [
                    MediaInput(session, self._playout, self._recorder, self._tap),
                    ears,
                    recogniser,
                    self._dialogue,
                    AgentVoice(self._voice, self._usage),
                    MediaOutput(self._playout),
                ]
            ),
            params=PipelineParams(
                audio_in_sample_rate=TELEPHONE_RATE,
                audio_out_sample_rate=TELEPHONE_RATE,
                send_initial_empty_metrics=False,
            ),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )

    def waiting(self) -> dict[str, float]:
        """Return how much waits in each of the call's queues; `QUEUES` has their names."""
        depths = (
            self._session.waiting,
            self._dialogue.waiting,
            self._playout.waiting_ms / FRAME_MS,
            self._clerk.waiting,
        )
        return dict(zip(QUEUES, depths, strict=True))

    async def run(self) -> None:
        """Talk, then settle."""
        _runs.add(self)
        try:
            await self._run()
        finally:
            _runs.discard(self)

    async def _run(self) -> None:
        self._log.info("call_started")
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        watch = CallWatch(self._live, clerk=self._clerk, dialogue=self._dialogue, voice=self._voice)
        parts: list[Coroutine[Any, Any, None]] = [
            self._clerk.run(),
            self._playout.run(),
            watch.meter(),
            watch.time(),
            self._tap.run(),
        ]
        if self._recorder is not None:
            parts.append(self._recorder.run())
        tasks = [asyncio.create_task(part) for part in parts]
        talking = asyncio.create_task(runner.run())
        reason = "cancelled"
        try:
            ends: list[asyncio.Future[Any]] = [self._ended, talking]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            reason = self._ended.result() if self._ended.done() else "failed"
        finally:
            await self._close(reason, runner, talking, tasks)

    def _sent(self, at_ms: float, ulaw: bytes) -> None:
        self._tap.agent(at_ms, ulaw)
        if self._recorder is not None:
            self._recorder.agent(at_ms, ulaw)

    def _was_cut(self, at_ms: float) -> None:
        self._tap.cut(at_ms)
        if self._recorder is not None:
            self._recorder.cut(at_ms)

    def _finish(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def _close(
        self,
        reason: str,
        runner: WorkerRunner,
        talking: asyncio.Task[None],
        tasks: list[asyncio.Task[None]],
    ) -> None:
        clerk_task, *others = tasks
        await self._attempt("dialogue", self._dialogue.closing())
        ours = reason not in {"stream_stopped", "socket_lost", "call_over"}
        if reason == HANDED_OVER:
            await self._attempt("hand_over", self._hand_over())
        elif ours and self._on_a_carrier:
            await self._attempt("hang_up", self._hang_up(reason))
        for task in others:
            task.cancel()
        self._session.lose(reason)
        await self._session.close()
        await self._attempt("pipeline", self._stop_talking(runner, talking))
        await self._attempt("notes", self._keep_notes())
        self._keep_usage()  # the conversation's last is known now
        await self._attempt("recording", self._keep_recording())
        self._clerk.note(call_meter, call_id=self._live.call_id, now=timezone.now())
        self._clerk.note(
            stream_closed, call_id=self._live.call_id, reason=reason, now=timezone.now()
        )
        await self._clerk.settle(SETTLE_S)
        clerk_task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._log.info("call_closed", reason=reason)

    async def _stop_talking(self, runner: WorkerRunner, talking: asyncio.Task[None]) -> None:
        await runner.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(talking, return_exceptions=True)

    async def _hand_over(self) -> None:
        """Send the lead to the human who has taken the call; end it when that one is gone."""
        call_id = self._live.call_id
        if not await in_database(transfer_connect, call_id=call_id, now=timezone.now()):
            await self._hang_up("human_gone")

    async def _hang_up(self, reason: str) -> None:
        """Do what `calls.services.ending.call_hang_up` does, on the threads of calls' rows.

        That one's are the pages' too: the lead would hear silence until a slow page is done.
        """
        call_id = self._live.call_id
        sid: str = await in_database(hang_up_begin, call_id=call_id, reason=reason)
        if sid:
            await asyncio.to_thread(carrier_end, str(call_id), sid)

    def _keep_usage(self) -> None:
        """Charge what was used since the last turn, and keep what the speech cache spared."""
        self._usage.charge(all_over=True)
        if saved := dict(self._voice.characters_saved):
            self._clerk.note(
                event_record,
                call_id=self._live.call_id,
                kind="speech_saved",
                data=saved,
                now=timezone.now(),
            )

    async def _keep_notes(self) -> None:
        notes = await self._conversation.close()
        self._clerk.note(notes_record, call_id=self._live.call_id, notes=notes, now=timezone.now())

    async def _keep_recording(self) -> None:
        recorded = None if self._recorder is None else await self._recorder.finish()
        if recorded is not None:
            name = str(recorded.path.relative_to(settings.MEDIA_ROOT))
            await asyncio.to_thread(recording_put, recorded.path, name=name, sha256=recorded.sha256)
            self._clerk.note(
                recording_store,
                call_id=self._live.call_id,
                path=recorded.path,
                duration_ms=recorded.duration_ms,
                sha256=recorded.sha256,
                now=timezone.now(),
            )

    async def _attempt(self, step: str, work: Coroutine[Any, Any, None]) -> None:
        """Run one step of the end; the steps after it are owed whatever becomes of it."""
        try:
            await work
        except Exception as error:
            self._log.error(
                "close_step_failed", step=step, error=type(error).__name__, exc_info=error
            )
