"""Cut what the agent says into word groups: the unit of synthesis, of marks and of memory."""

from __future__ import annotations

import re

LEAST_WORDS = 3
"""A comma nearer than this to either end of a sentence does not part it."""

_ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "ave.", "a.m.", "p.m.", "no."})
_SENTENCE_END = re.compile(r"[.?!]+[\"')\]]*$")
_CLAUSE_END = re.compile(r"([,;:]|--|–|—)$")


def word_groups(text: str) -> list[str]:
    """Return the text in groups that end where a speaker would breathe; joined by blanks, the text.

    Sentences are always parted; clauses where both sides have enough words to stand alone.
    """
    groups: list[str] = []
    current: list[str] = []
    words = text.split()
    for position, word in enumerate(words):
        current.append(word)
        if _ends_sentence(word, words[position + 1 : position + 2]) or (
            _CLAUSE_END.search(word)
            and len(current) >= LEAST_WORDS
            and _words_to_sentence_end(words[position + 1 :]) >= LEAST_WORDS
        ):
            groups.append(" ".join(current))
            current = []
    if current:
        groups.append(" ".join(current))
    return groups


def words_by(fraction: float, text: str) -> str:
    """Return the words of a group that are complete when `fraction` (0-1) of it has sounded.

    Time is shared among words by their length in letters, which is as near as a voice without
    word times lets us come; the group's mark is exact.
    """
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    spoken = 0
    heard: list[str] = []
    for word in words:
        spoken += len(word) + 1
        if spoken > fraction * total + 1e-6:
            break
        heard.append(word)
    return " ".join(heard)


def _ends_sentence(word: str, following: list[str]) -> bool:
    if not _SENTENCE_END.search(word) or word.lower() in _ABBREVIATIONS:
        return False
    return not following or not following[0][:1].islower()


def _words_to_sentence_end(words: list[str]) -> int:
    for count, word in enumerate(words, start=1):
        if _SENTENCE_END.search(word):
            return count
    return len(words)
