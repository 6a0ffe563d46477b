"""The built-in recogniser: CMU pocketsphinx, streaming, on the processor, with no network.

It takes US English only. On 8 kHz µ-law speech its word error rate is 3 to 25 % on what is said in
this trade, depending on the voice, and a third on anything else, so what it returns has to be
understood leniently.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any, Final

import structlog

from voice.audio import duration_ms
from voice.engines import pocketsphinx_worker as wire
from voice.engines.decoder_pool import DecoderLink, DecoderPool
from voice.engines.interface import EngineBusyError, EngineError, Partial, Transcript, Word
from voice.engines.noise import judge

log = structlog.get_logger(__name__)

LONGEST_UTTERANCE_MS: Final = 20_000
ATTEMPTS: Final = 3
"""How often an utterance is decoded when decoders die under it."""
FINISH_TIMEOUT_S: Final = 5.0

# Utterances are numbered across all calls: a decoder's late words on one that was cancelled must
# not be taken for those of the next.
_numbers = itertools.count(1)


class PocketsphinxUtterance:
    """One utterance; its audio is kept until the end, so that a lost decoder costs no words."""

    def __init__(
        self,
        session: PocketsphinxSession,
        pool: DecoderPool,
        number: int,
        on_partial: Callable[[Partial], None] | None,
    ) -> None:
        self._session = session
        self._pool = pool
        self._number = number
        self._on_partial = on_partial
        self._partial = Partial("", 0)
        self._audio = bytearray()
        self._link: DecoderLink | None = None
        self._attempts = 0
        self._ended = False
        self._done = False
        self._final: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        pool.lease(self._granted)

    @property
    def partial(self) -> Partial:
        """What has been understood up to now."""
        return self._partial

    @property
    def audio(self) -> bytes:
        """The audio fed so far, as PCM16 at the session's rate."""
        return bytes(self._audio)

    def feed(self, pcm: bytes) -> None:
        """Add audio; what exceeds `LONGEST_UTTERANCE_MS` is dropped.

        Raises:
            ValueError: `pcm` is not a whole number of 16-bit samples.
        """
        if len(pcm) % 2:
            raise ValueError(f"PCM16 audio has an even number of bytes, got {len(pcm)}")
        room = self._session.longest_utterance_bytes - len(self._audio)
        if self._ended or self._done or room <= 0:
            return
        pcm = pcm[:room]
        self._audio += pcm
        if self._link is not None:
            self._link.send(wire.AUDIO, self._number, pcm)

    async def finish(self) -> Transcript:
        """Return the final transcript.

        Raises:
            EngineBusyError: No decoder became free in `FINISH_TIMEOUT_S`.
            EngineError: Decoders died repeatedly, or did not answer.
        """
        if not self._ended:
            self._ended = True
            if self._link is not None:
                self._link.send(wire.END, self._number)
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                return await asyncio.shield(self._final)
        except TimeoutError:
            if self._link is None:
                raise EngineBusyError("no speech decoder became free in time") from None
            self._link.close()  # it may be stuck: do not lease it again
            raise EngineError("the speech decoder did not answer in time", retryable=True) from None
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Forget the utterance and free its decoder."""
        if self._done:
            return
        self._done = True
        self._final.cancel()
        self._pool.withdraw(self._granted)
        if self._link is not None:
            self._link.send(wire.CANCEL, self._number)
            self._release()

    def _granted(self, link: DecoderLink) -> None:
        if self._done:
            self._pool.give_back(link)
            return
        self._link = link
        self._attempts += 1
        link.attach(self._message, self._lost)
        options = {"rate": self._session.sample_rate, "mean": self._session.mean}
        link.send(wire.START, self._number, json.dumps(options).encode())
        if self._audio:
            link.send(wire.AUDIO, self._number, bytes(self._audio))
        if self._ended:
            link.send(wire.END, self._number)

    def _message(self, kind: bytes, number: int, payload: bytes) -> None:
        if number != self._number or self._done:
            return  # left over from an utterance that was cancelled
        content: dict[str, Any] = json.loads(payload)
        if kind == wire.PARTIAL:
            self._partial = Partial(content["text"], content["audio_ms"])
            if self._on_partial is not None:
                self._on_partial(self._partial)
            return
        self._done = True
        self._release()
        self._session.mean = content["mean"]
        words = tuple(Word(*word) for word in content["words"])
        transcript = judge(
            words,
            audio_ms=duration_ms(self._audio, self._session.sample_rate),
            voiced_ms=content["voiced_ms"],
        )
        self._partial = Partial(transcript.text, transcript.audio_ms)
        self._final.set_result(transcript)

    def _lost(self) -> None:
        """Start again on another decoder with the audio kept."""
        self._release()
        if self._done:
            return
        log.warning("stt_decoder_lost", attempt=self._attempts)
        if self._attempts >= ATTEMPTS:
            self._done = True
            self._final.set_exception(
                EngineError("the speech decoder died repeatedly", retryable=True)
            )
            self._final.exception()  # seen, even if nobody waits for the result
            return
        self._pool.lease(self._granted)

    def _release(self) -> None:
        if self._link is not None:
            link, self._link = self._link, None
            self._pool.give_back(link)


class PocketsphinxSession:
    """One call: what was learnt about the line (`mean`) carries over between utterances."""

    longest_utterance_ms = LONGEST_UTTERANCE_MS

    def __init__(self, pool: DecoderPool, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.mean: list[float] | None = None
        self.longest_utterance_bytes = LONGEST_UTTERANCE_MS * sample_rate // 1000 * 2
        self._pool = pool

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> PocketsphinxUtterance:
        """Start an utterance. It waits, keeping its audio, if all decoders are busy."""
        return PocketsphinxUtterance(self, self._pool, next(_numbers) & 0xFFFFFFFF, on_partial)


class PocketsphinxRecognizer:
    """The engine of a process; its sessions are the calls' ears."""

    name = "pocketsphinx"
    final_latency_s = 0.25

    def __init__(self, pool: DecoderPool | None = None) -> None:
        self.pool = pool or DecoderPool()

    def preload(self) -> None:
        """Load the models; blocks, see `DecoderPool.preload`."""
        self.pool.preload()

    def session(
        self, sample_rate: int, languages: tuple[str, ...] = ("en",)
    ) -> PocketsphinxSession:
        """Return the recognition state of a new call. Hears English, whatever is asked for.

        Raises:
            ValueError: `sample_rate` is not between 8 000 and 48 000 Hz.
        """
        if not 8000 <= sample_rate <= 48000:
            raise ValueError(f"sample_rate must be 8000 to 48000 Hz, got {sample_rate}")
        return PocketsphinxSession(self.pool, sample_rate)

    def close(self) -> None:
        """End the decoder processes."""
        self.pool.close()
