"""Telling speech from what a recogniser makes of noise.

A recogniser that may only answer with words answers with words, whatever it hears: coughs come
out as "f f", the click of a receiver as an oath. Two kinds of evidence, neither of which names a
word, say whether somebody spoke: enough of the audio has the periodicity of a voice, and the
words were clearly more probable than their rivals. Measured on noise, clicks, coughs and tones:
those that yield words at all have less than 80 ms of voice or a confidence under 0.2; real
answers have 200 ms and more, and 0.3 and more when they are understood at all.
"""

from __future__ import annotations

from typing import Final

from voice.engines.interface import Transcript, Word

LEAST_VOICED_MS: Final = 80
LEAST_CONFIDENCE: Final = 0.15
FEW_WORDS: Final = 3
"""With more words than this a doubtful transcript is kept: noise rarely makes sentences."""


def judge(words: tuple[Word, ...], *, audio_ms: int, voiced_ms: int) -> Transcript:
    """Return the transcript of an utterance, with no text if it was noise.

    Args:
        words: What the recogniser found.
        audio_ms: How much audio it heard.
        voiced_ms: How much of that has the periodicity of a voice.
    """
    text = " ".join(word.text for word in words)
    confidence = _confidence(words)
    is_doubtful = confidence < LEAST_CONFIDENCE and len(words) <= FEW_WORDS
    if words and (voiced_ms < LEAST_VOICED_MS or is_doubtful):
        return Transcript("", confidence, audio_ms, rejected=text)
    return Transcript(text, confidence, audio_ms, words)


def _confidence(words: tuple[Word, ...]) -> float:
    """Return the words' average confidence, weighted by their length."""
    spoken_ms = sum(word.end_ms - word.start_ms for word in words)
    if spoken_ms <= 0:
        return 0.0
    weighted = sum(word.confidence * (word.end_ms - word.start_ms) for word in words)
    return round(weighted / spoken_ms, 3)
