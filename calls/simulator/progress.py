"""The life of one call on the network: queued, ringing, answered, over, with its callbacks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from calls.simulator.amd import verdict
from calls.simulator.call import SimulatedCall, rfc2822
from calls.simulator.lead import SimulatedLead
from calls.simulator.line import Line
from calls.simulator.recordings import Recording
from calls.simulator.verbs import Program, Source
from calls.simulator.webhooks import CallbackQueue

if TYPE_CHECKING:
    from calls.simulator.switchboard import Switchboard

log = structlog.get_logger(__name__)

SIP_CODES = {"busy": "486", "no-answer": "480", "failed": "404", "canceled": "487"}
DRAIN_S = 60


class Leg:
    """Runs one call; the only writer of its status."""

    def __init__(self, call: SimulatedCall, board: Switchboard) -> None:
        self.call = call
        self.board = board
        self.callbacks = CallbackQueue(board.webhooks, board.faults, lambda: self.scopes, call.note)
        self._sequence = 0
        self._over = asyncio.Event()
        self._redirected = asyncio.Event()
        self._source: Source | None = None
        self._task: asyncio.Task[None] | None = None
        self._created = asyncio.get_running_loop().time()
        self._limit: asyncio.TimerHandle | None = None
        self._whisper: Source | None = None
        self._connectable = asyncio.Event()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the names under which faults may be set for this call."""
        person = self.call.from_ if self.call.direction == "inbound" else self.call.to
        return (person, self.call.persona.name)

    # From outside

    def start(self, *, inbound_source: Source | None = None) -> None:
        """Place the call, or take it to the application when it comes from a person.

        Does nothing for a call that was cancelled while it waited.
        """
        if self._task is not None:
            return
        waited = asyncio.get_running_loop().time() - self._created
        self.call.queue_time_ms = round(waited * 1000)
        self._source = inbound_source
        self._task = asyncio.create_task(self._run(self._outbound_or_inbound))

    def start_bridged(self, whisper: Source | None) -> None:
        """Ring a telephone dialled from another call; whoever dialled connects the sound.

        Args:
            whisper: instructions followed with whoever answers before they are connected.
        """
        self._whisper = whisper
        self._task = asyncio.create_task(self._run(self._bridged))

    async def connectable(self) -> bool:
        """Wait until whoever answered may be connected; False when the call ended before."""
        over = asyncio.create_task(self.call.finished.wait())
        ready = asyncio.create_task(self._connectable.wait())
        try:
            await asyncio.wait({over, ready}, return_when=asyncio.FIRST_COMPLETED)
            return self._connectable.is_set()
        finally:
            over.cancel()
            ready.cancel()

    def hang_up(self, by: str) -> None:
        """End the call; safe to repeat."""
        if not self._over.is_set():
            self.call.note("hang_up", by=by)
            self._over.set()
        if self._task is None and not self.call.is_over:
            self._task = asyncio.create_task(self._run(_nothing))  # still queued

    def redirect(self, source: Source) -> None:
        """Leave the running instructions and follow others."""
        self._source = source
        self._redirected.set()

    async def abort(self) -> None:
        """Stop at once, as when the carrier is switched off."""
        self.callbacks.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.call.line is not None:
            await self.call.line.stop()

    # The course of the call

    async def _run(self, course: Callable[[], Awaitable[None]]) -> None:
        try:
            await course()
        except Exception:
            # A fault of the simulator itself: the call ends as failed and the log says why.
            log.exception("simulated_call_broke", call_id=self.call.sid)
            self.call.note("simulator_error")
        await self._finish()

    async def _outbound_or_inbound(self) -> None:
        call = self.call
        if call.direction == "inbound":
            call.set_status("ringing")
            await self._follow(self._source or Source())
            return
        if not await self.ring():
            return
        self.answer()
        request = call.request
        if self._source is None:
            self._source = Source(
                request.url,
                request.method,
                "" if request.url else request.twiml,
                request.fallback_url,
                request.fallback_method,
            )
        detection = asyncio.create_task(self._detect()) if request.machine_detection else None
        try:
            if detection is not None and not request.async_amd:
                over = asyncio.create_task(self._over.wait())
                await asyncio.wait({detection, over}, return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
            await self._follow(self._source)
        finally:
            if detection is not None:
                detection.cancel()

    async def _bridged(self) -> None:
        if not await self.ring():
            return
        self.answer()
        if self._whisper is not None:
            await self._follow(self._whisper)
        if not self._over.is_set():
            self._connectable.set()
            await self._over.wait()

    async def ring(self) -> bool:
        """Ring until somebody or something answers; return whether it was answered."""
        call, persona = self.call, self.call.persona
        if self._over.is_set():
            return False
        self._report("initiated", status="initiated")
        if persona.answer == "failed":
            call.set_status("failed")
            return False
        call.set_status("ringing")
        self._report("ringing")
        patience_s = self.board.network_s(call.request.timeout_s)
        ring_s = persona.ring_ms / 1000
        if persona.answer != "no_answer":
            ring_s = ring_s or self.board.network_s(self.board.ring_s)
        try:
            async with asyncio.timeout(min(ring_s or patience_s, patience_s)):
                await self._over.wait()
            return False
        except TimeoutError:
            pass
        if persona.answer == "no_answer" or ring_s > patience_s:
            call.set_status("no-answer")
        elif persona.answer == "busy":
            call.set_status("busy")
        else:
            return True
        return False

    def answer(self) -> None:
        """Connect the line; does nothing when it is connected already."""
        call = self.call
        if call.line is not None or call.is_over:
            return
        line = call.line = Line(lambda: self.hang_up("lead"))
        line.lead = SimulatedLead(
            call.persona, press=line.press, hang_up=line.hang_up, sound_of=self.board.sound_of
        )
        call.started = datetime.now(UTC)
        call.set_status("in-progress")
        line.start()
        call.answered.set()
        self._report("answered")
        if call.request.record:
            request = call.request
            self.record(
                source="OutboundAPI",
                channels=2 if request.recording_channels == "dual" else 1,
                callback=request.recording_status_callback,
                callback_method=request.recording_status_callback_method,
                callback_events=request.recording_status_callback_event,
                trim=request.trim,
            )

    async def _follow(self, source: Source) -> None:
        """Obey the application's instructions until they or the call are over."""
        self.limit(self.call.request.time_limit_s)
        try:
            while True:
                self._redirected.clear()
                program = asyncio.create_task(Program(self).run(source))
                over = asyncio.create_task(self._over.wait())
                moved = asyncio.create_task(self._redirected.wait())
                tasks = {program, over, moved}
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    results = await asyncio.gather(program, over, moved, return_exceptions=True)
                if self._over.is_set() or not self._redirected.is_set() or self._source is None:
                    if isinstance(results[0], Exception):
                        raise results[0]
                    return
                source = self._source
        finally:
            if self._limit is not None:
                self._limit.cancel()

    def limit(self, seconds: int) -> None:
        """End the call that long after its answer."""
        self.call.request.time_limit_s = seconds
        if self._limit is not None:
            self._limit.cancel()
        passed = 0.0
        if self.call.started is not None:
            passed = (datetime.now(UTC) - self.call.started).total_seconds()
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(max(0.0, seconds - passed), self.hang_up, "time_limit")

    async def _detect(self) -> None:
        call, request = self.call, self.call.request
        timeout_s = request.machine_detection_timeout_s
        found = verdict(call.persona, request.machine_detection, timeout_s, self.board.sound_of)
        await asyncio.sleep(found.duration_ms / 1000)
        call.answered_by = found.answered_by
        call.note("amd", answered_by=found.answered_by, duration_ms=found.duration_ms)
        if request.async_amd:
            params = {
                "AccountSid": call.account_sid,
                "CallSid": call.sid,
                "AnsweredBy": found.answered_by,
                "MachineDetectionDuration": str(found.duration_ms),
            }
            method = request.async_amd_status_callback_method
            self.callbacks.post("amd", request.async_amd_status_callback, method, params)

    async def _finish(self) -> None:
        call = self.call
        if call.line is not None:
            await call.line.stop()
        for recording in call.recordings:
            self.finish_recording(recording)
        call.ended = datetime.now(UTC)
        if call.status == "in-progress":
            call.set_status("completed")
        elif not call.is_over:
            call.set_status("canceled")
        self._report("completed")
        self.board.legs.pop(call.sid, None)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.callbacks.drain()
        except TimeoutError:
            self.callbacks.cancel()
        call.finished.set()

    # Recordings and callbacks

    def record(self, *, source: str, **options: object) -> Recording:
        """Start a recording of the call."""
        recording = Recording(self.call, source, **options)  # type: ignore[arg-type]
        recording.start_byte = len(self.call.line.said) if self.call.line else 0
        self.call.recordings.append(recording)
        self._report_recording(recording)
        return recording

    def finish_recording(self, recording: Recording) -> None:
        """End a recording and tell the application; safe to repeat."""
        if recording.finish():
            self._report_recording(recording)

    def _report_recording(self, recording: Recording) -> None:
        if recording.status in recording.callback_events:
            params = recording.callback_params(self.board.base_url)
            method = recording.callback_method
            self.callbacks.post("recording", recording.callback, method, params)

    def _report(self, event: str, *, status: str = "") -> None:
        call, request = self.call, self.call.request
        if event not in request.status_callback_event:
            return
        params = call.webhook_params(status) | {
            "Timestamp": rfc2822(datetime.now(UTC)) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        if event == "completed":
            params["CallDuration"] = str(call.duration_s)
            params["Duration"] = str(math.ceil(call.duration_s / 60))
            if call.status in SIP_CODES:
                params["SipResponseCode"] = SIP_CODES[call.status]
            if call.answered_by:
                params["AnsweredBy"] = call.answered_by
            for recording in call.recordings[:1] if request.record else []:
                params["RecordingUrl"] = f"{self.board.base_url}{recording.path}"
                params["RecordingSid"] = recording.sid
                params["RecordingDuration"] = str(recording.duration_s)
        self.callbacks.post(event, request.status_callback, request.status_callback_method, params)


async def _nothing() -> None:
    """The course of a call that was hung up before it was placed."""
