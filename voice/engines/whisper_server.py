"""Whisper on a server of one's own: one GPU for many voice processes, and none in this one.

The server speaks OpenAI's transcription endpoint, as speaches, vLLM, LocalAI and whisper.cpp do. It
is near and costs nothing by the second, so the growing utterance is heard again and again as by a
model in this process (`voice.engines.whisper`), where the stable partial texts come from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import requests
from numpy.typing import NDArray

from agents.circuit import Circuit
from voice.engines.interface import EngineError
from voice.engines.openai_whisper_wire import ServiceError, fields_of, file_of, parse
from voice.engines.whisper_guard import NOTHING, Hypothesis
from voice.engines.whisper_model import SHORTEST_S, WHISPER_RATE, Languages

CONNECT_S: Final = 0.5
"""The server is near: one that does not take a connection by then is not there."""
PARTIAL_S: Final = 1.0
FINAL_S: Final = 2.0
"""For an answer; the recogniser of this machine hears what was kept after that."""
DETECTS_FROM_S: Final = 1.5
"""Sound from which the server may tell the language; a "no" is said in many."""
FAILURES: Final = 3
REST_S: Final = 10.0
AT_ONCE: Final = 16
"""Hearings on their way at once."""


class WhisperServer:
    """The model behind an address. Used from worker threads: it waits for its answers.

    Args:
        url: Of the endpoint's root, with the version: "http://gpu:8000/v1".
        api_key: If the server wants one.
        model: As the server names it; many have one and take any name.
        clock: Monotonic, in seconds.

    Raises:
        EngineError: No address is given.
    """

    device = "server"
    compute_type = "as the server does"

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        model: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not url:
            raise EngineError(
                "STT_ENGINE is whisper_server, but WHISPER_URL is not set: e.g. http://gpu:8000/v1"
            )
        self._url = f"{url.rstrip('/')}/audio/transcriptions"
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._model = model or "whisper-1"
        self._circuit = Circuit(failures=FAILURES, rest_s=REST_S, clock=clock)
        self._threads = threading.local()

    def decode(
        self, samples: NDArray[np.float32], *, final: bool, choose_language: Languages
    ) -> Hypothesis:
        """Return what the server makes of up to 30 s of audio. See `LoadedWhisper.decode`.

        Raises:
            EngineError: It is away, too slow, or refuses.
        """
        if len(samples) < SHORTEST_S * WHISPER_RATE:
            return NOTHING
        if not self._circuit.allows():
            raise EngineError("the Whisper server failed lately and is left alone", retryable=True)
        usual = choose_language("", 0.0)
        detects = final and len(samples) >= DETECTS_FROM_S * WHISPER_RATE
        try:
            answer_s = FINAL_S if final else PARTIAL_S
            heard = parse(self._ask(samples, "" if detects else usual, answer_s))
        except ServiceError as error:
            if error.retryable:
                self._circuit.failed()
            raise
        self._circuit.succeeded()
        if detects and heard.language:
            choose_language(heard.language, heard.language_probability)
        return heard

    def _ask(self, samples: NDArray[np.float32], language: str, answer_s: float) -> dict[str, Any]:
        pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        file = ("utterance.wav", file_of(pcm, WHISPER_RATE), "audio/wav")
        try:
            response = self._session().post(
                self._url,
                headers=self._headers,
                data=fields_of(model=self._model, language=language),
                files={"file": file},
                timeout=(CONNECT_S, answer_s),
            )
        except requests.Timeout:
            message = "the Whisper server did not answer in time"
            raise ServiceError(message, retryable=True) from None
        except requests.RequestException as error:
            raise ServiceError(
                f"the Whisper server cannot be reached: {type(error).__name__}", retryable=True
            ) from None
        if response.status_code != 200:
            raise ServiceError(
                f"the Whisper server answers {response.status_code}: check WHISPER_URL",
                retryable=response.status_code >= 500 or response.status_code == 429,
                status=response.status_code,
            )
        try:
            answer: dict[str, Any] = response.json()
        except ValueError:
            raise ServiceError("the Whisper server's answer is not JSON", retryable=True) from None
        return answer

    def _session(self) -> requests.Session:
        """Return this thread's connections: a session must not be shared by threads."""
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
        session: requests.Session = self._threads.session
        return session
