"""Does the lead mean to speak? What a voice over the agent's words has to be to take the floor.

A "mm-hm", a cough and the first syllable of "excuse me" sound alike for a quarter of a second: no
rule on sound tells them apart. So the agent falls silent first, without giving anything up, and
this decides what comes of it. Pure: no clock, no audio.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.playbook import TurnTaking
from voice.wording import words_said

AFTERTHOUGHT_MS = 250.0
"""Voice just after the agent has begun to answer that is the rest of what the lead was saying."""
WORDS_FROM_MS = 200.0
"""Voice after which recognised words are believed."""
MURMUR_MS = 1200.0
"""Voice that takes the floor though all its words are a "mm-hm" or "right"."""


@dataclass(frozen=True, slots=True)
class Insistence:
    """How much a lead has to say before the agent stops."""

    held_ms: float = 0.0
    """Voice at which the agent holds its breath; 0 as soon as there is one."""
    words: int = 2
    """Words that take the floor at once."""
    word_ms: float = 500.0
    """Voice after which a single word does."""
    voice_ms: float = 700.0
    """Voice that does without any word: no cough, and longer than most murmurs."""

    @classmethod
    def of(cls, knobs: TurnTaking) -> Insistence:
        """Return what a playbook or campaign asks for."""
        return _BY_KNOB[knobs.interrupting]


_BY_KNOB = {
    "easy": Insistence(words=1, word_ms=200.0, voice_ms=400.0),
    "balanced": Insistence(),
    "hard": Insistence(held_ms=500.0, words=3, word_ms=1200.0, voice_ms=1800.0),
}
OPENING = Insistence(held_ms=900.0, words=2, word_ms=900.0, voice_ms=900.0)
"""While the agent's first words are heard: people say "hello?" when they pick up."""


def takes_floor(
    voice_ms: float, text: str, *, means_nothing: bool, is_afterthought: bool, needed: Insistence
) -> bool:
    """Return whether a voice over the agent has taken the floor.

    Args:
        voice_ms: how long it has lasted.
        text: its words, as far as they are recognised.
        means_nothing: whether all that the words say is "I am listening".
        is_afterthought: whether the agent has only just begun to answer the same lead.
        needed: how much it takes.
    """
    words = words_said(text)
    if words and means_nothing:
        return voice_ms >= max(MURMUR_MS, needed.voice_ms)
    if is_afterthought:
        return words >= 1 or voice_ms >= AFTERTHOUGHT_MS
    if voice_ms >= needed.voice_ms:
        return True
    if voice_ms < WORDS_FROM_MS:
        return False
    return words >= needed.words or (words >= 1 and voice_ms >= needed.word_ms)
