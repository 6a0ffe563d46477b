"""Telling what was said from what Whisper makes up when nothing was.

Trained on subtitles, Whisper answers silence, music and noise with what subtitles say there:
thanks for watching, the subtitler's name, a lone "you". Four kinds of evidence speak against it:
how much of the audio has the periodicity of a voice (see `noise`), the model's own probability
that there is no speech, how likely it found its words, and the words themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from voice.engines.interface import Transcript, Word
from voice.engines.noise import LEAST_VOICED_MS
from voice.engines.whisper_agreement import kept_of_repeats, plain_words

NO_SPEECH: Final = 0.6
UNLIKELY: Final = -1.0
"""Average log probability of a token; with `NO_SPEECH` the limits of Whisper's authors (Radford
et al., 2022, section 4.5)."""
DOUBTFUL: Final = -0.7
REPETITIVE: Final = 2.4
"""Length by compressed length above which a text goes in circles; by the same authors."""
LEAST_VOICED_OF_PHANTOM_MS: Final = 160
"""Voice that a word which Whisper likes to invent must have under it."""
MOST_WORDS_A_SECOND: Final = 9.0
LANGUAGE_NEEDS_MS: Final = 1000
"""Voice from which a language can be told; "no" and "si" are said in many."""

_NEVER_SAID: Final = re.compile(
    r"^(thanks|thank you)( so much| very much)? for (watching|listening to this|viewing)\b"
    r"|\b(subtitles|captions|transcription|translation|subtitled|captioned) by\b"
    r"|\b(amara\.?org|otter\.ai|opensubtitles|castingwords)\b"
    r"|^(please )?(like and )?(don't forget to )?subscribe\b"
    r"|\bsubscribe to (my|our|the) channel\b"
    r"|^see you (in the )?next (video|time|episode)$"
    r"|^(silence|music|music playing|blank_audio|applause|laughter|inaudible)$"
)
_INVENTED_IN_SILENCE: Final = frozenset(
    (
        "you",
        "thank you",
        "thanks",
        "thank you very much",
        "thank you so much",
        "bye",
        "bye bye",
        "bye-bye",
        "okay",
        "ok",
        "so",
        "oh",
        "the",
        "and",
        "i'm sorry",
        "yeah",
        "uh",
        "um",
        "hmm",
    )
)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What Whisper makes of some audio.

    Attributes:
        text: As it writes it, with capitals and punctuation.
        words: With times, if they were asked for; their text is plain.
        avg_logprob: Average log probability of the tokens.
        no_speech_prob: Its probability that nobody speaks, 0 to 1.
        compression_ratio: Length of the text by its compressed length.
        language: ISO 639-1 code of what is most probably spoken.
        language_probability: 0 to 1.
    """

    text: str
    words: tuple[Word, ...] = ()
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 0.0
    language: str = ""
    language_probability: float = 0.0


NOTHING: Final = Hypothesis("")


def judge(hypothesis: Hypothesis, *, audio_ms: int, voiced_ms: int) -> Transcript:
    """Return the transcript of an utterance, with no text if its words are invented.

    Args:
        hypothesis: What Whisper made of it.
        audio_ms: How much audio that was.
        voiced_ms: How much of it has the periodicity of a voice.
    """
    plain = plain_words(hypothesis.text)
    kept = kept_of_repeats(plain)
    text = " ".join(plain[place] for place in kept)
    words = hypothesis.words
    if len(words) == len(plain):
        words = tuple(words[place] for place in kept)
    confidence = _confidence(words)
    known = voiced_ms >= LANGUAGE_NEEDS_MS
    language = hypothesis.language if known else ""
    probability = round(hypothesis.language_probability, 3) if known else 0.0
    if text and is_invented(text, hypothesis, voiced_ms=voiced_ms):
        return Transcript(
            "",
            confidence,
            audio_ms,
            rejected=text,
            language=language,
            language_probability=probability,
        )
    return Transcript(
        text,
        confidence,
        audio_ms,
        words if text else (),
        language=language,
        language_probability=probability,
    )


def is_invented(text: str, hypothesis: Hypothesis, *, voiced_ms: int) -> bool:
    """Return whether the words, plain, are more probably Whisper's own than the caller's.

    Where there is a voice, doubt alone does not decide: a mumbled "stop calling me" has to be
    obeyed although its words are improbable.
    """
    if voiced_ms == 0 or _NEVER_SAID.search(text):
        return True
    unlikely = hypothesis.avg_logprob < UNLIKELY
    silent = hypothesis.no_speech_prob > NO_SPEECH
    if unlikely and silent:
        return True
    if voiced_ms < LEAST_VOICED_MS and (unlikely or silent):
        return True
    circles = hypothesis.compression_ratio > REPETITIVE
    if circles and (unlikely or silent or _is_hurried(text, voiced_ms)):
        return True
    if text in _INVENTED_IN_SILENCE:
        doubtful = silent or hypothesis.avg_logprob < DOUBTFUL
        return voiced_ms < LEAST_VOICED_OF_PHANTOM_MS and doubtful
    return False


def _is_hurried(text: str, voiced_ms: int) -> bool:
    """Return whether nobody can say so many words in that much voice."""
    return len(text.split()) > 1 + MOST_WORDS_A_SECOND * voiced_ms / 1000


def _confidence(words: tuple[Word, ...]) -> float:
    """Return the words' average confidence, weighted by their length."""
    spoken_ms = sum(max(1, word.end_ms - word.start_ms) for word in words)
    if not words:
        return 0.0
    weighted = sum(word.confidence * max(1, word.end_ms - word.start_ms) for word in words)
    return round(weighted / spoken_ms, 3)
