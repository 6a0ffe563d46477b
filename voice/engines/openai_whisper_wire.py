"""What goes to OpenAI's transcription endpoint and what comes back.

After https://platform.openai.com/docs/api-reference/audio/createTranscription: a multipart form
with the audio as a file; with `verbose_json`, text, language, segments with the model's own
doubts, and words with their times.
"""

from __future__ import annotations

import io
import math
import wave
from typing import Any, Final

import aiohttp
from django.conf.locale import LANG_INFO
from pydantic import BaseModel, ValidationError

from voice.engines.interface import EngineError, Word
from voice.engines.whisper_agreement import plain_words
from voice.engines.whisper_guard import Hypothesis

_CODES: Final = {
    str(info["name"]).lower(): code
    for code, info in LANG_INFO.items()
    if "name" in info and "-" not in code
}


class ServiceError(EngineError):
    """The service refused or failed.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        code: The service's own code for it.
        is_account: Whether every request fails likewise until somebody acts.
        retry_after_s: When it wants to be asked again.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        status: int = 0,
        code: str = "",
        is_account: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status
        self.code = code
        self.is_account = is_account
        self.retry_after_s = retry_after_s


class _Segment(BaseModel):
    start: float = 0.0
    end: float = 0.0
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 0.0


class _TimedWord(BaseModel):
    word: str
    start: float
    end: float


class _Answer(BaseModel):
    text: str
    language: str = ""
    segments: list[_Segment] = []
    words: list[_TimedWord] = []


def fields_of(*, model: str, language: str) -> list[tuple[str, str]]:
    """Return the form's fields beside the file; an empty language lets the service detect it."""
    fields = [
        ("model", model),
        ("response_format", "verbose_json"),
        ("temperature", "0"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ]
    return [*fields, ("language", language)] if language else fields


def file_of(pcm: bytes, sample_rate: int) -> bytes:
    """Return the form's file: PCM16 sound as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate)
        sound.writeframes(pcm)
    return file.getvalue()


def upload(pcm: bytes, sample_rate: int, *, model: str, language: str) -> aiohttp.FormData:
    """Return the form for an utterance. See `fields_of`."""
    form = aiohttp.FormData()
    file = file_of(pcm, sample_rate)
    form.add_field("file", file, filename="utterance.wav", content_type="audio/wav")
    for name, value in fields_of(model=model, language=language):
        form.add_field(name, value)
    return form


def parse(answer: dict[str, Any]) -> Hypothesis:
    """Return the answer's content.

    Raises:
        ServiceError: It is not a transcription.
    """
    try:
        content = _Answer.model_validate(answer)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise ServiceError(
            f"OpenAI's answer is not understood: {places}", retryable=False
        ) from None
    weights = [max(0.01, segment.end - segment.start) for segment in content.segments]

    def average(values: list[float]) -> float:
        pairs = zip(weights, values, strict=True)
        return sum(weight * value for weight, value in pairs) / sum(weights) if weights else 0.0

    avg_logprob = average([segment.avg_logprob for segment in content.segments])
    language = content.language.lower()
    return Hypothesis(
        text=content.text,
        words=tuple(
            Word(plain, round(w.start * 1000), round(w.end * 1000), _confidence(avg_logprob))
            for w in content.words
            for plain in plain_words(w.word)
        ),
        avg_logprob=avg_logprob,
        no_speech_prob=average([segment.no_speech_prob for segment in content.segments]),
        compression_ratio=max(
            (segment.compression_ratio for segment in content.segments), default=0.0
        ),
        language=language if len(language) == 2 else _CODES.get(language, language),
        # Told without a probability: it writes in the language that it finds the likeliest.
        language_probability=1.0 if language else 0.0,
    )


async def refusal(response: aiohttp.ClientResponse) -> ServiceError:
    """Return the error that an answer other than 200 means."""
    code = await _code(response)
    status = response.status
    if status in {401, 403}:
        return ServiceError(
            f"OpenAI refuses the key ({status}): check OPENAI_API_KEY and its project's rights",
            retryable=False,
            status=status,
            code=code,
            is_account=True,
        )
    if status == 429 and code == "insufficient_quota":
        return ServiceError(
            "OpenAI's quota is used up: top up the account or choose another STT_ENGINE",
            retryable=False,
            status=status,
            code=code,
            is_account=True,
        )
    return ServiceError(
        f"OpenAI answers {status}{f' ({code})' if code else ''}",
        retryable=status in {408, 409, 429} or status >= 500,
        status=status,
        code=code,
        retry_after_s=_seconds(response.headers.get("Retry-After")),
    )


async def _code(response: aiohttp.ClientResponse) -> str:
    try:
        content = await response.json(content_type=None)
        return str(content["error"].get("code") or content["error"].get("type") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None  # a date; it means more than a second


def _confidence(avg_logprob: float) -> float:
    return round(min(1.0, math.exp(min(0.0, avg_logprob))), 3)
