"""Two recognisers as one: the better, and one that is always there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import structlog

from voice.engines.interface import (
    EngineError,
    Partial,
    RecognitionSession,
    SpeechRecognizer,
    Transcript,
    Utterance,
)
from voice.metrics import STT_FALLBACKS

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 2.5


class _Kept:
    """An utterance that is only kept, and heard when it turns out that it has to be."""

    def __init__(self, session: RecognitionSession) -> None:
        self._session = session
        self._audio = bytearray()
        self._utterance: Utterance | None = None
        self.partial = Partial("", 0)

    def feed(self, pcm: bytes) -> None:
        """Keep audio; the session ends an utterance before it gets too long."""
        self._audio += pcm

    async def finish(self) -> Transcript:
        """Have what was kept heard."""
        self._utterance = self._session.begin()
        self._utterance.feed(bytes(self._audio))
        return await self._utterance.finish()

    def cancel(self) -> None:
        """Forget it."""
        self._audio.clear()
        if self._utterance is not None:
            self._utterance.cancel()


class FallbackUtterance:
    """One utterance, heard by both at the same time, or by the second when the first fails."""

    def __init__(
        self,
        session: FallbackSession,
        patience_s: float,
        on_partial: Callable[[Partial], None] | None,
    ) -> None:
        self._name = session.name
        self._patience_s = patience_s
        self._on_partial = on_partial
        self._partial = Partial("", 0)
        self._better_tells = False
        self._tasks: list[asyncio.Task[Transcript]] = []
        self._beside = session.beside
        self._better: Utterance = session.better.begin(self._better_partial)
        self._sure: Utterance = (
            session.sure.begin(self._sure_partial) if self._beside else _Kept(session.sure)
        )

    @property
    def partial(self) -> Partial:
        """What has been understood up to now: by the better engine, if it tells."""
        return self._partial

    def feed(self, pcm: bytes) -> None:
        """Add audio."""
        self._better.feed(pcm)
        self._sure.feed(pcm)

    async def finish(self) -> Transcript:
        """Return the better engine's transcript, or the other's if it fails or takes too long.

        Raises:
            EngineError: Both failed.
        """
        better = asyncio.ensure_future(self._better.finish())
        self._tasks = [better]
        if self._beside:
            self._tasks.append(asyncio.ensure_future(self._sure.finish()))
        try:
            await asyncio.wait({better}, timeout=self._patience_s)
            if better.done():
                try:
                    return better.result()
                except EngineError as error:
                    log.warning("stt_fell_back", error=str(error))
            else:
                log.warning("stt_fell_back", error="too slow")
            STT_FALLBACKS.labels(self._name).inc()
            if not self._beside:
                self._tasks.append(asyncio.ensure_future(self._sure.finish()))
            try:
                return await self._tasks[-1]
            except EngineError:
                return await better
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Forget the utterance."""
        for task in self._tasks:
            task.cancel()
            task.add_done_callback(_look)
        self._better.cancel()
        self._sure.cancel()

    def _better_partial(self, partial: Partial) -> None:
        self._better_tells = True
        self._tell(partial)

    def _sure_partial(self, partial: Partial) -> None:
        if not self._better_tells:
            self._tell(partial)

    def _tell(self, partial: Partial) -> None:
        self._partial = partial
        if self._on_partial is not None:
            self._on_partial(partial)


def _look(task: asyncio.Task[Transcript]) -> None:
    """See the error of a task that nobody waits for any more."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()


class FallbackSession:
    """One call, with a session of each engine."""

    def __init__(
        self,
        name: str,
        better: RecognitionSession,
        sure: RecognitionSession,
        patience_s: float,
        beside: bool,
    ) -> None:
        self.name = name
        self.beside = beside
        self.better = better
        self.sure = sure
        self.longest_utterance_ms = min(better.longest_utterance_ms, sure.longest_utterance_ms)
        self._patience_s = patience_s

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> FallbackUtterance:
        """Start an utterance."""
        return FallbackUtterance(self, self._patience_s, on_partial)


class FallbackRecognizer:
    """An engine that may fail beside one that does not.

    Beside each other, both hear everything: the partial text of the one that streams comes while
    the other is silent, and no time is lost when the better one fails. Where the better one tells
    its partial texts itself, the other only hears what was kept of an utterance it failed at.

    Args:
        better: Whose transcripts are wanted.
        sure: Who answers if there is none.
        patience_s: How long after the end of an utterance the better one is waited for.
        beside: Whether the sure one hears everything too.
    """

    def __init__(
        self,
        better: SpeechRecognizer,
        sure: SpeechRecognizer,
        *,
        patience_s: float = PATIENCE_S,
        beside: bool = True,
    ) -> None:
        self.name = better.name
        self.final_latency_s = min(better.final_latency_s, patience_s)
        self._engines: tuple[Any, Any] = (better, sure)
        self._beside = beside
        self._patience_s = patience_s

    def preload(self) -> None:
        """Load both. Blocks; does nothing twice.

        Raises:
            EngineError: One of them does not start.
        """
        for engine in self._engines:
            engine.preload()

    def session(self, sample_rate: int, languages: tuple[str, ...] = ("en",)) -> FallbackSession:
        """Return the recognition state of a new call. See `SpeechRecognizer.session`.

        Raises:
            ValueError: One of the engines does not take that rate.
        """
        better, sure = self._engines
        return FallbackSession(
            self.name,
            better.session(sample_rate, languages),
            sure.session(sample_rate, languages),
            self._patience_s,
            self._beside,
        )
