"""Telling speech from what a recogniser makes of noise.

A recogniser that may only answer with words answers with words, whatever it hears: coughs come
out as "f f", the click of a receiver as an oath. Two kinds of evidence, neither of which names a
word, say whether somebody spoke: enough of the audio has the periodicity of a voice, and the
words were more probable than their rivals. Measured: clicks, coughs and hiss have no voice at
all, a short "yes" or "stop" has 80 ms and more. Where there is voice, confidence must not decide:
a caller's "stop", understood as "stop them" at 0.03, is still to be obeyed. It stays with the
transcript for those who act on the words.
"""

from __future__ import annotations

from typing import Final

from voice.engines.interface import Transcript, Word

LEAST_VOICED_MS: Final = 80
LEAST_CONFIDENCE: Final = 0.3
"""Needed by words in audio with some, but less than the least voice."""


def judge(words: tuple[Word, ...], *, audio_ms: int, voiced_ms: int) -> Transcript:
    """Return the transcript of an utterance, with no text if it was noise.

    Args:
        words: What the recogniser found.
        audio_ms: How much audio it heard.
        voiced_ms: How much of that has the periodicity of a voice.
    """
    text = " ".join(word.text for word in words)
    confidence = _confidence(words)
    is_noise = voiced_ms == 0 or (voiced_ms < LEAST_VOICED_MS and confidence < LEAST_CONFIDENCE)
    if words and is_noise:
        return Transcript("", confidence, audio_ms, rejected=text)
    return Transcript(text, confidence, audio_ms, words)


def _confidence(words: tuple[Word, ...]) -> float:
    """Return the words' average confidence, weighted by their length."""
    spoken_ms = sum(word.end_ms - word.start_ms for word in words)
    if spoken_ms <= 0:
        return 0.0
    weighted = sum(word.confidence * (word.end_ms - word.start_ms) for word in words)
    return round(weighted / spoken_ms, 3)
