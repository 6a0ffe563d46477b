"""Streaming speech recognition as a Pipecat service, for any of our recognisers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import structlog
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterimTranscriptionFrame,
    StartFrame,
    STTMuteFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.turns.eager_end_of_turn_mixin import EagerEndOfTurnSTTServiceMixin
from pipecat.utils.time import time_now_iso8601

from voice.engines.interface import (
    EngineError,
    Partial,
    RecognitionSession,
    SpeechRecognizer,
    Transcript,
    Utterance,
)
from voice.metrics import STT_FAILURES

log = structlog.get_logger(__name__)

PRE_ROLL_MS: Final = 500
"""Audio from before speech was noticed: 200 ms until the VAD is sure, and the soft start of a
word before that."""
UNFINISHED_UTTERANCES: Final = 8
"""More than these waiting for their final transcript means that recognition has stopped: those that
come after them are given up unheard, and say so when it is their turn."""


class StreamingSTTService(EagerEndOfTurnSTTServiceMixin, STTService):
    """Recognise while the caller speaks.

    Between `VADUserStartedSpeakingFrame` and `VADUserStoppedSpeakingFrame` the audio, with what
    came just before it, goes to the recogniser. `InterimTranscriptionFrame` follows every change
    of the partial text; one `TranscriptionFrame` (finalized, `result` is the `Transcript`) ends
    the utterance, unless it was noise: then there is none. Transcripts keep the order of the
    speech. Audio frames pass downstream.

    A turn controller can read `partial` at any moment and be told by `on_partial` and `on_final`
    on the event loop, ahead of the frames, noise included.

    Args:
        recognizer: The process's engine.
        on_partial: Called with every new partial.
        on_final: Called with every final transcript; its text is empty for noise.
        languages: What the caller may be expected to speak; see `SpeechRecognizer.session`.
        enable_eager_end_of_turn: Let `predict_end_of_turn` push Pipecat's eager frames.
    """

    def __init__(
        self,
        recognizer: SpeechRecognizer,
        *,
        on_partial: Callable[[Partial], None] | None = None,
        on_final: Callable[[Transcript], None] | None = None,
        languages: tuple[str, ...] = ("en",),
        **options: Any,
    ) -> None:
        options.setdefault("ttfs_p99_latency", recognizer.final_latency_s)
        super().__init__(
            settings=STTSettings(model=recognizer.name, language=Language.EN_US), **options
        )
        self.on_partial = on_partial
        self.on_final = on_final
        self._recognizer = recognizer
        self._languages = languages
        self._session: RecognitionSession | None = None
        self._utterance: Utterance | None = None
        self._begun = 0
        """How many utterances there have been."""
        self._unsettled = 0
        self._speech_ms = 0.0
        self._pre_roll = bytearray()
        self._partial = Partial("", 0)
        self._shown = ""
        self._partial_changed = asyncio.Event()
        self._ended: asyncio.Queue[Utterance | None] = asyncio.Queue()
        """In the order of the speech; None for one that was given up."""
        self._tasks: list[asyncio.Task[None]] = []

    def can_generate_metrics(self) -> bool:
        """Report time from the end of speech to the final transcript."""
        return True

    @property
    def session(self) -> RecognitionSession | None:
        """The call's recognition session; None before the start."""
        return self._session

    @property
    def partial(self) -> Partial:
        """What has been understood of the utterance now being spoken, or of the last one."""
        return self._partial

    @property
    def is_hearing(self) -> bool:
        """Whether an utterance is being spoken."""
        return self._utterance is not None

    @property
    def is_deciding(self) -> bool:
        """Whether an utterance has ended whose final transcript is still to come."""
        return self._unsettled > 0

    async def predict_end_of_turn(self) -> None:
        """Push the partial text as an `EagerTranscriptionFrame`, if that is enabled."""
        if self._partial.text:
            await self._push_eager_end_of_turn(
                self._partial.text, user_id=self._user_id, language=Language.EN_US
            )

    async def withdraw_end_of_turn(self) -> None:
        """Take the last prediction back: the caller goes on."""
        await self._cancel_eager_end_of_turn()  # type: ignore[no-untyped-call]

    async def start(self, frame: StartFrame) -> None:
        """Open the call's recognition session."""
        await super().start(frame)
        self._session = self._recognizer.session(self.sample_rate, self._languages)
        self._tasks = [
            self.create_task(self._push_partials(), name="stt_partials"),
            self.create_task(self._push_finals(), name="stt_finals"),
        ]

    async def stop(self, frame: EndFrame) -> None:
        """Let what was said before the end be transcribed, then stop."""
        self._end_utterance()
        await self._ended.join()
        await self._close()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """Stop at once."""
        await super().cancel(frame)
        await self._close()

    async def cleanup(self) -> None:
        """Free decoders and tasks."""
        await self._close()
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Forget the utterance when the caller is muted; all else as the base class does."""
        if isinstance(frame, STTMuteFrame) and frame.mute and self._utterance is not None:
            self._utterance.cancel()
            self._utterance = None
            self._pre_roll.clear()
        await super().process_frame(frame, direction)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Pass audio to the recogniser, or keep the latest of it; results come by themselves."""
        if self._utterance is not None:
            self._hear(self._utterance, audio)
        else:
            self._pre_roll += audio
            excess = len(self._pre_roll) - self.sample_rate * PRE_ROLL_MS // 1000 * 2
            if excess > 0:
                del self._pre_roll[:excess]
        yield None

    async def _handle_vad_user_started_speaking(self, frame: VADUserStartedSpeakingFrame) -> None:
        await super()._handle_vad_user_started_speaking(frame)
        await self._cancel_eager_end_of_turn()  # type: ignore[no-untyped-call]
        if self._utterance is None and not self._muted:
            self._begin_utterance(bytes(self._pre_roll))
            self._pre_roll.clear()

    async def _handle_vad_user_stopped_speaking(self, frame: VADUserStoppedSpeakingFrame) -> None:
        await super()._handle_vad_user_stopped_speaking(frame)
        self._end_utterance()

    def _begin_utterance(self, pre_roll: bytes = b"") -> None:
        if self._session is None:
            return
        self._partial = Partial("", 0)
        self._speech_ms = 0.0
        self._begun += 1
        self._utterance = self._session.begin(functools.partial(self._on_partial, self._begun))
        if pre_roll:
            self._hear(self._utterance, pre_roll)

    def _hear(self, utterance: Utterance, audio: bytes) -> None:
        utterance.feed(audio)
        self._speech_ms += len(audio) * 500 / self.sample_rate
        if self._session and self._speech_ms >= self._session.longest_utterance_ms:
            self._end_utterance()
            self._begin_utterance()

    def _end_utterance(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        self._unsettled += 1
        if self._unsettled > UNFINISHED_UTTERANCES:
            log.error("stt_stalled", unfinished=UNFINISHED_UTTERANCES)
            utterance.cancel()
            self._ended.put_nowait(None)
        else:
            self._ended.put_nowait(utterance)

    def _on_partial(self, number: int, partial: Partial) -> None:
        """Take what is understood of an utterance, unless another has begun: it would be taken for
        that one's, and for covering all of it."""
        if number != self._begun:
            return
        self._partial = partial
        self._partial_changed.set()
        if self.on_partial is not None:
            self.on_partial(partial)

    async def _push_partials(self) -> None:
        """Push the newest partial; those that were overtaken meanwhile are left out."""
        while True:
            await self._partial_changed.wait()
            self._partial_changed.clear()
            text = self._partial.text
            if text and text != self._shown and self._utterance is not None:
                self._shown = text
                await self.push_frame(
                    InterimTranscriptionFrame(
                        text, self._user_id, time_now_iso8601(), Language.EN_US
                    )
                )

    async def _push_finals(self) -> None:
        while True:
            utterance = await self._ended.get()
            try:
                await self._settle(utterance)
            finally:
                self._unsettled -= 1
                self._ended.task_done()

    async def _settle(self, utterance: Utterance | None) -> None:
        """Push the final transcript of an utterance, or say why there is none."""
        transcript = await self._final_of(utterance)
        self._clear_eager_end_of_turn()  # type: ignore[no-untyped-call]
        self._shown = ""
        if self._utterance is None:
            self._partial = Partial(transcript.text, transcript.audio_ms)
        if self.on_final is not None:
            self.on_final(transcript)
        await self.emit_stt_usage_metrics()  # type: ignore[no-untyped-call]
        if not transcript.text:
            log.debug("stt_noise", audio_ms=transcript.audio_ms, confidence=transcript.confidence)
            return
        await self.push_frame(
            TranscriptionFrame(
                transcript.text,
                self._user_id,
                time_now_iso8601(),
                Language.EN_US,
                result=transcript,
                finalized=True,
            )
        )

    async def _final_of(self, utterance: Utterance | None) -> Transcript:
        if utterance is None:
            STT_FAILURES.inc()
            return Transcript("", 0.0, 0, failed=True)
        partial = utterance.partial
        try:
            # Off the frame loop, so that audio goes on being heard meanwhile.
            return await asyncio.ensure_future(utterance.finish())
        except asyncio.CancelledError:
            utterance.cancel()
            raise
        except EngineError as error:
            STT_FAILURES.inc()
            await self.push_error(f"speech recognition failed: {error}", exception=error)
            # What was understood before the failure is better than nothing.
            return Transcript(partial.text, 0.0, partial.audio_ms, failed=True)

    async def _close(self) -> None:
        if self._utterance is not None:
            self._utterance.cancel()
            self._utterance = None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await self.cancel_task(task)
        while not self._ended.empty():
            utterance = self._ended.get_nowait()
            if utterance is not None:
                utterance.cancel()
            self._ended.task_done()
