"""The two ends of the pipeline: sound from the caller, and sound to the caller's ear."""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    StartFrame,
    TTSAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from voice.audio import TELEPHONE_RATE, mulaw_decode, mulaw_encode
from voice.ears import WINDOW
from voice.frames import (
    CallerSound,
    GroupBegins,
    GroupEnds,
    KeyPressed,
    LineLost,
    NoticeArrived,
    SpeechEnds,
    StreamClosed,
)
from voice.playout import Playout
from voice.recorder import Recorder
from voice.session import Closed, MediaSession, Notice, SocketLost
from voice.speech import Group, Speech
from voice.tap import Tap
from voice.wire import Dtmf, Mark, Media

MOST_SKEW_MS = 1000
"""A carrier's timestamp further than this from our clock is not believed, unless more sound waits
behind it: then it is we who are late, and by our clock it would lie on top of itself."""


def transport_params() -> TransportParams:
    """Return how telephone sound travels: 8 kHz both ways, 20 ms frames out."""
    return TransportParams(
        audio_in_enabled=True,
        audio_out_enabled=True,
        audio_in_sample_rate=TELEPHONE_RATE,
        audio_out_sample_rate=TELEPHONE_RATE,
        audio_out_10ms_chunks=2,
    )


class MediaInput(BaseInputTransport):
    """Reads a media session: sound becomes frames, marks go to the playout.

    Ears and recogniser behind it take frames without queues of their own, so what they have no
    time for waits in the session, which has an end.
    """

    def __init__(
        self, session: MediaSession, playout: Playout, recorder: Recorder | None, tap: Tap
    ) -> None:
        super().__init__(transport_params())
        self._session = session
        self._playout = playout
        self._recorder = recorder
        self._tap = tap
        self._reader: asyncio.Task[None] | None = None
        self._block = bytearray()
        self._block_at_ms = 0.0
        self._window_at = 0

    async def start(self, frame: StartFrame) -> None:
        """Begin to read."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        if self._reader is None:
            self._reader = self.create_task(self._read(), name="media-input")

    async def stop(self, frame: EndFrame) -> None:
        """Stop reading."""
        await self._stop_reading()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """Stop reading."""
        await self._stop_reading()
        await super().cancel(frame)

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            await self.cancel_task(reader)

    async def _read(self) -> None:
        while True:
            item = await self._session.get()
            if isinstance(item, Media):
                await self._hear(item)
            elif isinstance(item, Mark):
                self._playout.mark_returned(item.name)
            elif isinstance(item, Dtmf):
                await self.push_frame(KeyPressed(digit=item.digit))
            elif isinstance(item, Notice):
                await self.push_frame(NoticeArrived(notice=item))
            elif isinstance(item, SocketLost):
                await self.push_frame(LineLost(back=item.back))
            elif isinstance(item, Closed):
                await self.push_frame(StreamClosed(reason=item.reason))
                return

    async def _hear(self, media: Media) -> None:
        now = self._session.clock.now_ms()
        length_ms = len(media.ulaw) * 1000 / TELEPHONE_RATE
        at_ms = float(media.timestamp_ms)
        late_ms = now - length_ms - at_ms
        if abs(late_ms) > MOST_SKEW_MS and not (late_ms > 0 and self._session.waiting):
            at_ms = max(0.0, now - length_ms)
        self._tap.lead(at_ms, media.ulaw)
        if self._recorder is not None:
            self._recorder.lead(at_ms, media.ulaw)
        until_ms = self._block_at_ms + len(self._block) * 1000 / TELEPHONE_RATE
        if self._block and abs(at_ms - until_ms) > length_ms:
            await self._push_block()  # there is a hole between them
        if not self._block:
            self._block_at_ms = at_ms
        self._block += media.ulaw
        # Nobody looks at less than a window: sound goes on its way when it completes one, which
        # is no later than if it came alone, and costs a third less.
        if self._window_at + len(self._block) >= WINDOW:
            await self._push_block()

    async def _push_block(self) -> None:
        """Send the sound gathered so far down the pipeline."""
        ulaw = bytes(self._block)
        self._block.clear()
        self._window_at = (self._window_at + len(ulaw)) % WINDOW
        frame = CallerSound(audio=mulaw_decode(ulaw), sample_rate=TELEPHONE_RATE, num_channels=1)
        frame.pts = round(self._block_at_ms * 1_000_000)
        await self.push_frame(frame)


class MediaOutput(BaseOutputTransport):
    """Hands synthesised sound to the playout, which paces, holds, marks and stops it.

    Pipecat's own sender queues sound without knowing when it is heard; here one object knows.
    """

    def __init__(self, playout: Playout) -> None:
        super().__init__(transport_params())
        self._playout = playout
        self._current: tuple[Speech, Group] | None = None

    async def start(self, frame: StartFrame) -> None:
        """Begin to take sound."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the sound of word groups; pass everything else on."""
        if isinstance(frame, TTSAudioRawFrame):
            if self._current is not None:
                self._playout.feed(*self._current, mulaw_encode(frame.audio))
        elif isinstance(frame, GroupBegins):
            self._current = (frame.speech, frame.group)
        elif isinstance(frame, GroupEnds):
            self._playout.end_group(frame.group)
            self._current = None
        elif isinstance(frame, SpeechEnds):
            self._playout.finish(frame.speech)
        else:
            await super().process_frame(frame, direction)
