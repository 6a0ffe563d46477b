"""A small language model of what is said on the telephone in this trade.

A file lists ways of talking (see `telephone_phrases.txt`); from it come the vocabulary and a
trigram model in ARPA format, the text format that pocketsphinx reads. It imports nothing of ours:
the decoder process uses it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

PHRASES = Path(__file__).with_name("telephone_phrases.txt")

MOST_SENTENCES = 400
"""Sentences that stand for one line: all of them if there are no more, else so many by chance."""
BACKOFF = (0.0, 0.35, 0.3)
"""How much of the probability after no, one and two words goes by shorter histories: callers
speak more freely than any list."""
UNIFORM = 0.1
"""How much of the first order's probability is shared by all words alike."""

_TOKEN = re.compile(r"[()\[\]|]|<\w+>|[^\s()\[\]|<>]+")

Sentence = tuple[str, ...]


class PhraseError(ValueError):
    """A line of the phrases file cannot be understood."""


class _Choice:
    """A grammar node: one of several sequences of words and nodes."""

    def __init__(self) -> None:
        self.ways: list[list[str | _Choice]] = [[]]

    def count(self) -> int:
        return sum(
            math.prod(1 if isinstance(part, str) else part.count() for part in way)
            for way in self.ways
        )

    def every(self) -> Iterator[Sentence]:
        for way in self.ways:
            parts = [((part,),) if isinstance(part, str) else tuple(part.every()) for part in way]
            for chosen in itertools.product(*parts):
                yield tuple(itertools.chain.from_iterable(chosen))

    def one(self, chance: Random) -> Sentence:
        words: list[str] = []
        for part in chance.choice(self.ways):
            words += (part,) if isinstance(part, str) else part.one(chance)
        return tuple(words)


def _parse(line: str, classes: dict[str, _Choice]) -> _Choice:
    root = _Choice()
    open_nodes = [(root, "")]
    for piece in _TOKEN.findall(line):
        node, closer = open_nodes[-1]
        if piece in "([":
            inner = _Choice()
            node.ways[-1].append(inner)
            if piece == "[":
                inner.ways.insert(0, [])
            open_nodes.append((inner, ")" if piece == "(" else "]"))
        elif piece == "|":
            node.ways.append([])
        elif piece in ")]":
            if piece != closer:
                raise PhraseError(f"unbalanced {piece!r} in {line!r}")
            open_nodes.pop()
        elif piece[0] == "<":
            if piece[1:-1] not in classes:
                raise PhraseError(f"{piece} is not defined above {line!r}")
            node.ways[-1].append(classes[piece[1:-1]])
        else:
            node.ways[-1].append(piece)
    if len(open_nodes) > 1:
        raise PhraseError(f"a bracket is not closed in {line!r}")
    return root


def read_phrases(text: str) -> list[dict[Sentence, float]]:
    """Return, for each line, the sentences that stand for it and their shares, which sum to 1.

    Raises:
        PhraseError: A bracket is not balanced or a class is not defined.
    """
    classes: dict[str, _Choice] = {}
    lines = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, definition = line.partition(" = ")
        node = _parse(definition if equals else line, classes)
        if equals:
            classes[name.strip()] = node
            continue
        if node.count() <= MOST_SENTENCES:
            sentences = list(node.every())
        else:
            chance = Random(line)
            sentences = [node.one(chance) for _ in range(MOST_SENTENCES)]
        shares = Counter(sentence for sentence in sentences if sentence)
        total = shares.total()
        lines.append({sentence: count / total for sentence, count in shares.items()})
    return lines


def vocabulary(lines: Iterable[dict[Sentence, float]]) -> list[str]:
    """Return the words that occur, in alphabetical order."""
    return sorted({word for line in lines for sentence in line for word in sentence})


def arpa(lines: list[dict[Sentence, float]]) -> str:
    """Return the trigram model of the lines, interpolated with fixed weights (Jelinek-Mercer)."""
    counts: list[dict[Sentence, dict[str, float]]] = [
        defaultdict(lambda: defaultdict(float)) for _ in BACKOFF
    ]
    for line in lines:
        for sentence, share in line.items():
            words = ("<s>", *sentence, "</s>")
            for at, word in enumerate(words[1:], 1):
                for order in range(min(at + 1, len(BACKOFF))):
                    counts[order][words[at - order : at]][word] += share
    known = [*vocabulary(lines), "</s>"]
    total = sum(counts[0][()].values())
    probabilities: dict[Sentence, float] = {
        (word,): UNIFORM / len(known) + (1 - UNIFORM) * counts[0][()][word] / total
        for word in known
    }
    start: Sentence = ("<s>",)
    sections = [{start: 1e-10} | probabilities]
    for order in range(1, len(BACKOFF)):
        section: dict[Sentence, float] = {}
        for history, followers in sorted(counts[order].items()):
            total = sum(followers.values())
            for word, count in sorted(followers.items()):
                shorter = probabilities[(*history[1:], word)]
                share = BACKOFF[order] * shorter + (1 - BACKOFF[order]) * count / total
                section[*history, word] = share
        probabilities |= section
        sections.append(section)
    return _arpa_text(sections)


def _arpa_text(sections: list[dict[Sentence, float]]) -> str:
    out = ["\\data\\"]
    out += [f"ngram {order}={len(section)}" for order, section in enumerate(sections, 1)]
    for order, section in enumerate(sections, 1):
        longer = sections[order] if order < len(sections) else {}
        histories = {ngram[:-1] for ngram in longer}
        out += ["", f"\\{order}-grams:"]
        for ngram, share in section.items():
            entry = f"{math.log10(share):.4f}\t{' '.join(ngram)}"
            if order < len(sections):
                # A history never seen gives all its probability to the shorter one.
                weight = math.log10(BACKOFF[order]) if ngram in histories else 0.0
                entry += f"\t{weight:.4f}"
            out.append(entry)
    return "\n".join([*out, "", "\\end\\", ""])
