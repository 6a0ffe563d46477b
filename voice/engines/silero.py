"""Silero voice activity for all calls of a process, heard together.

A window of 32 ms takes the model 0.09 ms, and waking a thread for it and coming back three times as
much. So windows that arrive while the model is at work wait for each other, and go through it in
one run: eight calls then cost what three would one by one. The results are the same.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from voice.audio import TELEPHONE_RATE, whole_samples
from voice.engines.vad import SharedSileroVAD, silero_session

log = structlog.get_logger(__name__)

CONTEXT: Final = 32
"""Samples of the window before that the model looks at, at 8 kHz."""
MOST_AT_ONCE: Final = 64

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Window:
    """One call's window and state, and where the result goes."""

    sound: Samples
    state: Samples
    loop: asyncio.AbstractEventLoop
    result: asyncio.Future[tuple[float, Samples]]


class Together:
    """A thread that runs the model on whatever windows wait. Each call has one at most.

    Args:
        session: of onnxruntime.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._rate = np.array(TELEPHONE_RATE, dtype="int64")
        self._waiting: list[_Window] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="silero", daemon=True).start()

    async def run(self, sound: Samples, state: Samples) -> tuple[float, Samples]:
        """Return the confidence for a window with its context, and the state after it."""
        loop = asyncio.get_running_loop()
        window = _Window(sound, state, loop, loop.create_future())
        with self._changed:
            self._waiting.append(window)
            self._changed.notify()
        return await window.result

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                windows = self._waiting[:MOST_AT_ONCE]
                del self._waiting[:MOST_AT_ONCE]
            by_loop: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
            for window, told in zip(windows, self._hear(windows), strict=True):
                by_loop.setdefault(window.loop, []).append(told)
            for loop, told_all in by_loop.items():
                try:
                    loop.call_soon_threadsafe(_all, told_all)
                except RuntimeError:  # its calls are over, and so is the loop
                    log.debug("heard_for_nobody")

    def _hear(self, windows: list[_Window]) -> list[Callable[[], None]]:
        """Return what tells each window's call its result."""
        try:
            out, states = self._session.run(
                None,
                {
                    "input": np.concatenate([window.sound for window in windows]),
                    "state": np.concatenate([window.state for window in windows], axis=1),
                    "sr": self._rate,
                },
            )
        except Exception as error:  # onnxruntime's own kinds are not public
            return [_failed(window, error) for window in windows]
        return [
            _heard(window, float(out[at, 0]), states[:, at : at + 1])
            for at, window in enumerate(windows)
        ]


def _all(told: list[Callable[[], None]]) -> None:
    for tell in told:
        tell()


def _heard(window: _Window, confidence: float, state: Samples) -> Callable[[], None]:
    def tell() -> None:
        if not window.result.done():
            window.result.set_result((confidence, state))

    return tell


def _failed(window: _Window, error: Exception) -> Callable[[], None]:
    def tell() -> None:
        if not window.result.done():
            window.result.set_exception(error)

    return tell


@cache
def together() -> Together:
    """Return the process's one."""
    return Together(silero_session())


class SileroDetector:
    """One call's voice activity: its state is its own, the model and its thread are shared.

    When the model's memory is cleared is left to Pipecat's analyzer, which knows why.
    """

    def __init__(self) -> None:
        self._analyzer = SharedSileroVAD(sample_rate=TELEPHONE_RATE)
        self._analyzer.set_sample_rate(TELEPHONE_RATE)
        self._together = together()

    async def confidence(self, pcm: bytes) -> float:
        """Return how surely a window of 32 ms (256 samples) holds a voice, 0-1."""
        model = self._analyzer._model
        window = whole_samples(pcm).astype(np.float32).reshape(1, -1) / 32768.0
        context = model._context
        if not context.shape[1]:  # it was reset
            context = np.zeros((1, CONTEXT), dtype=np.float32)
        sound = np.concatenate((context, window), axis=1)
        confidence, model._state = await self._together.run(sound, model._state)
        model._context = sound[:, -CONTEXT:]
        self._analyzer._maybe_reset_model(confidence)
        return confidence
