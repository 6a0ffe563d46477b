"""Cut a stream of tokens into clauses that can be spoken, each as soon as it is complete."""

from __future__ import annotations

import re
from typing import Final

LEAST_WORDS: Final = 3
"""A comma nearer than this to the last cut does not part a clause."""
FIRST_WORDS: Final = 3
"""A first clause of so many words is parted before a joining word: nobody waits for a comma, and
while these words are heard the others come."""

_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"'”’)]*$")
_CLAUSE_END: Final = re.compile(r"([,;:]|\s[–—-]|[–—])$")
_SHORT_FORMS: Final = frozenset(
    {"mr.", "mrs.", "ms.", "dr.", "st.", "ave.", "no.", "inc.", "co.", "vs.", "etc.", "approx."}
)
_JOINTS: Final = frozenset(
    {
        "and", "but", "because", "so", "which", "when", "if", "while", "where", "who", "before",
        "after", "until", "unless", "although", "with", "without", "including", "for", "in", "on",
        "at", "by", "from", "through", "during", "that", "of",
    }
)  # fmt: skip
_TIED: Final = frozenset(
    {"care", "all", "most", "some", "one", "each", "part", "kind", "lot", "because", "instead",
     "so", "such", "after", "says", "know", "sure"}
)  # fmt: skip
"""Words that are not parted from a joining word after them: "care of", "so that"."""


class ClauseCutter:
    """Collects tokens of one answer and gives its clauses.

    A cut is made where it can be known at once: after a full stop, a comma, or before a joining
    word. What is not complete yet stays inside until `rest` is asked for.
    """

    def __init__(self) -> None:
        self._open = ""
        self._cuts = 0

    def feed(self, token: str) -> list[str]:
        """Add a token and return the clauses that it has completed."""
        self._open += token
        found = []
        while (cut := self._next_cut()) is not None:
            clause, self._open = self._open[:cut].strip(), self._open[cut:]
            if clause:
                found.append(clause)
                self._cuts += 1
        return found

    @property
    def rest(self) -> str:
        """What has come since the last clause, complete or not."""
        return self._open.strip()

    def _next_cut(self) -> int | None:
        """Return where the next clause ends in what is open."""
        words = list(re.finditer(r"\S+", self._open))
        for number, word in enumerate(words, 1):
            whole = word.end() < len(self._open)  # a blank follows: the word is complete
            text = word[0]
            if _ends_sentence(text, following=self._open[word.end() :].lstrip()[:1]):
                return word.end()
            if number >= LEAST_WORDS and _ends_clause(text, complete=whole):
                return word.end()
            # It need not be complete: "in" may become "inside", and that may begin a clause too.
            joins = number > FIRST_WORDS and self._cuts == 0 and text.lower() in _JOINTS
            if joins and words[number - 2][0].lower() not in _TIED:
                return word.start()
        if "\n" in self._open.strip():
            return self._open.index("\n", len(self._open) - len(self._open.lstrip()))
        return None


def _ends_sentence(word: str, *, following: str) -> bool:
    """Tell the end of a sentence; `following` is the next letter, "" while it is not known."""
    if not _SENTENCE_END.search(word) or word.lower() in _SHORT_FORMS:
        return False
    # "A." may become "A.M." and "4." may become "4.5": those wait for what follows.
    sure = len(word) > 3 and word[-2].isalpha() and "." not in word[:-1]
    return sure or word[-1] in "!?" or (following != "" and not following.islower())


def _ends_clause(word: str, *, complete: bool) -> bool:
    if not _CLAUSE_END.search(word):
        return False
    return complete or (len(word) > 1 and word[-2].isalpha())
