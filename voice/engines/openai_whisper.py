"""Whisper as OpenAI's service: each utterance is uploaded once it is over.

It gives no partial transcripts and may be slow, out of quota or away, so it is used behind
`FallbackRecognizer`, beside an engine of this machine. The audio leaves the machine: say so in
the privacy notice. It is charged by the second of audio (`OpenAIWhisperSession.sent_ms`).
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from agents.circuit import Circuit
from voice.audio import duration_ms
from voice.engines.interface import EngineBusyError, EngineError, Partial, Transcript
from voice.engines.openai_whisper_wire import ServiceError, parse, refusal, upload
from voice.engines.voicing import voiced_ms
from voice.engines.whisper_guard import LANGUAGE_NEEDS_MS, NOTHING, judge

log = structlog.get_logger(__name__)

MODEL: Final = "whisper-1"
LONGEST_UTTERANCE_MS: Final = 28_000
SHORTEST_MS: Final = 100
"""The service refuses less."""
ATTEMPT_TIMEOUT_S: Final = 2.0
DEADLINE_S: Final = 4.5
"""With all attempts; a caller does not wait longer for an answer."""
ATTEMPTS: Final = 3
LONGEST_PAUSE_S: Final = 1.0
"""Between attempts. Who asks for a longer one is not asked again for this utterance."""
SLOW_S: Final = 1.5
"""Who gives up on the service after that long has found it failing."""
AT_ONCE: Final = 32
FAILURES: Final = 3
REST_S: Final = 30.0
REFUSED_REST_S: Final = 300.0
"""A key that is wrong or out of quota is not right again in seconds."""


class OpenAIWhisperUtterance:
    """One utterance; uploaded when it is finished."""

    def __init__(self, session: OpenAIWhisperSession) -> None:
        self._session = session
        self._audio = bytearray()
        self._sending: asyncio.Task[Transcript] | None = None
        self._done = False

    @property
    def partial(self) -> Partial:
        """Nothing: the service tells only at the end."""
        return Partial("", 0)

    def feed(self, pcm: bytes) -> None:
        """Add audio; what exceeds `LONGEST_UTTERANCE_MS` is dropped.

        Raises:
            ValueError: `pcm` is not a whole number of 16-bit samples.
        """
        if len(pcm) % 2:
            raise ValueError(f"PCM16 audio has an even number of bytes, got {len(pcm)}")
        room = LONGEST_UTTERANCE_MS * self._session.sample_rate // 1000 * 2 - len(self._audio)
        if not self._done and self._sending is None and room > 0:
            self._audio += pcm[:room]

    async def finish(self) -> Transcript:
        """Return the final transcript.

        Raises:
            EngineBusyError: `AT_ONCE` utterances are on their way already.
            EngineError: The service failed, was too slow, or is not asked for a while.
        """
        if self._sending is None:
            work = self._session.transcribe(bytes(self._audio))
            self._sending = asyncio.create_task(work, name="openai_whisper")
        try:
            return await asyncio.shield(self._sending)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Forget the utterance and break off its upload."""
        self._done = True
        self._audio.clear()
        if self._sending is not None:
            self._sending.cancel()


class OpenAIWhisperSession:
    """One call.

    Attributes:
        provider: As in the price list.
        model: Likewise.
        sent_ms: Audio that the service has answered for, to be charged.
    """

    provider = "openai"

    longest_utterance_ms = LONGEST_UTTERANCE_MS

    def __init__(self, engine: OpenAIWhisperRecognizer, sample_rate: int, language: str) -> None:
        self.sample_rate = sample_rate
        self._language = language
        self.sent_ms = 0
        self.model = engine.model
        self._engine = engine

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> OpenAIWhisperUtterance:
        """Start an utterance; `on_partial` is never called."""
        return OpenAIWhisperUtterance(self)

    async def transcribe(self, pcm: bytes) -> Transcript:
        """Return the service's transcript of some audio; see `OpenAIWhisperUtterance.finish`."""
        audio_ms = duration_ms(pcm, self.sample_rate)
        voiced = await asyncio.to_thread(voiced_ms, pcm, self.sample_rate)
        if not voiced or audio_ms < SHORTEST_MS:
            # Nobody spoke: it would be paid for, and made up.
            return judge(NOTHING, audio_ms=audio_ms, voiced_ms=voiced)
        # A short "no" sounds like many languages: do not let it guess.
        language = "" if voiced >= LANGUAGE_NEEDS_MS else self._language
        answer = await self._engine.request(pcm, self.sample_rate, language)
        self.sent_ms += audio_ms
        return judge(parse(answer), audio_ms=audio_ms, voiced_ms=voiced)


class OpenAIWhisperRecognizer:
    """The service, shared by a process's calls.

    Args:
        api_key: Of the account.
        base_url: With the version, without a slash at the end.
        model: As the service names it.
        language: ISO 639-1 code of what callers commonly speak.
        attempt_timeout_s: For one request.
        deadline_s: For all attempts.
        clock: Monotonic, in seconds.

    Raises:
        EngineError: There is no key.
    """

    name = "openai"
    final_latency_s = 2.5

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        model: str = MODEL,
        language: str = "en",
        attempt_timeout_s: float = ATTEMPT_TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not api_key:
            raise EngineError("STT_ENGINE is openai, but OPENAI_API_KEY is not set")
        self.language = language
        self._api_key = api_key
        self._url = f"{base_url.rstrip('/')}/audio/transcriptions"
        self.model = model
        self._timeout = aiohttp.ClientTimeout(total=attempt_timeout_s)
        self._deadline_s = deadline_s
        self._outage = Circuit(failures=FAILURES, rest_s=REST_S, clock=clock)
        self._refused = Circuit(failures=1, rest_s=REFUSED_REST_S, clock=clock)
        self._clock = clock
        self._on_their_way = 0
        self._clients: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, aiohttp.ClientSession
        ] = weakref.WeakKeyDictionary()

    def preload(self) -> None:
        """Nothing to load; the service is first asked when there is something to hear."""

    def session(self, sample_rate: int, languages: tuple[str, ...] = ()) -> OpenAIWhisperSession:
        """Return the recognition state of a new call. See `SpeechRecognizer.session`.

        Raises:
            ValueError: `sample_rate` is not between 8 000 and 48 000 Hz.
        """
        if not 8000 <= sample_rate <= 48000:
            raise ValueError(f"sample_rate must be 8000 to 48000 Hz, got {sample_rate}")
        return OpenAIWhisperSession(self, sample_rate, (*languages, self.language)[0])

    async def request(self, pcm: bytes, sample_rate: int, language: str) -> dict[str, Any]:
        """Return the service's answer to an utterance, retrying what may pass.

        Raises:
            EngineBusyError: Too many are on their way.
            EngineError: It refused, failed, was too slow, or is not asked for a while.
        """
        if self._on_their_way >= AT_ONCE:
            raise EngineBusyError(f"{AT_ONCE} utterances are on their way to OpenAI already")
        if not self._refused.allows() or not self._outage.allows():
            raise EngineError("OpenAI is not asked for a while after its failures", retryable=True)
        self._on_their_way += 1
        began = self._clock()
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._retried(pcm, sample_rate, language)
        except TimeoutError:
            self._outage.failed()
            raise EngineError("OpenAI did not answer in time", retryable=True) from None
        except ServiceError as error:
            self._note(error)
            raise
        except asyncio.CancelledError:
            if self._clock() - began >= SLOW_S:
                self._outage.failed()
            raise
        finally:
            self._on_their_way -= 1
        self._outage.succeeded()
        self._refused.succeeded()
        return answer

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def _retried(self, pcm: bytes, sample_rate: int, language: str) -> dict[str, Any]:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        return await attempts(self._post, pcm, sample_rate, language)

    async def _post(self, pcm: bytes, sample_rate: int, language: str) -> dict[str, Any]:
        """Ask once."""
        form = upload(pcm, sample_rate, model=self.model, language=language)
        headers = {"Authorization": f"Bearer {self._api_key}"}
        try:
            async with self._client().post(self._url, data=form, headers=headers) as response:
                if response.status != 200:
                    raise await refusal(response)
                answer: dict[str, Any] = await response.json()
                return answer
        except TimeoutError:
            raise ServiceError("OpenAI did not answer in time", retryable=True) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise ServiceError(
                f"OpenAI cannot be reached: {type(error).__name__}", retryable=True
            ) from error

    def _client(self) -> aiohttp.ClientSession:
        """Return the event loop's connections: a handshake for each utterance takes too long."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None or client.closed:
            client = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
            self._clients[loop] = client
        return client

    def _note(self, error: ServiceError) -> None:
        log.warning("openai_whisper_failed", status=error.status, code=error.code)
        if error.is_account:
            self._refused.failed()
        elif error.retryable:
            self._outage.failed()
        else:
            self._outage.succeeded()  # it is there; only this utterance was not to its liking


def _may_pass(error: BaseException) -> bool:
    return (
        isinstance(error, ServiceError)
        and error.retryable
        and (error.retry_after_s or 0.0) <= LONGEST_PAUSE_S
    )


def _pause(state: RetryCallState) -> float:
    """Return how long to wait: what the service asks for, or 0.1 s, 0.2 s…"""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ServiceError) and error.retry_after_s is not None:
        return error.retry_after_s
    return 0.1 * 2.0 ** (state.attempt_number - 1)
