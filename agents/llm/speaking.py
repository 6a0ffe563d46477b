"""Make speech of a model's stream: clause by clause, checked, bounded in time and length."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from agents.llm import metrics
from agents.llm.clauses import ClauseCutter
from agents.llm.errors import ModelError
from agents.llm.prompt import Tokens
from agents.policy.output import Allowed, fault_in
from agents.understanding.words import normalised

CLAUSE_S: Final = 2.0
"""How long a clause may take after the one before: that one is being heard meanwhile."""
MOST_WORDS: Final = 45
MOST_SENTENCES: Final = 3
LONGEST_CLAUSE: Final = 30
"""Words without an end: nothing that could still become a sentence."""

_NO_ANSWER: Final = re.compile(
    r"^(sorry |unfortunately |well )*(but )?i( really)? (do not|am not|can not|am unable|have no)\b"
    r"(?!.*\bbut\b)"
)


@dataclass(slots=True)
class Spoken:
    """What became of one answer."""

    clauses: list[str]
    whole: bool = False
    """It was given to its end, and nothing of it was at fault."""
    broken: bool = False
    """It stopped in the middle of a sentence that is being heard."""


async def spoken_clauses(
    tokens: Tokens, *, until: float, allowed: Allowed, spoken: Spoken
) -> AsyncGenerator[str, None]:
    """Give the clauses of an answer that may be spoken, and note in `spoken` what became of it.

    Ends, and closes the stream, at the first thing that must not be said, at what is too much, and
    when it takes too long: the first clause has to be there at `until` (`time.monotonic`).
    Raises nothing.
    """
    cutter = ClauseCutter()
    stop = ""
    async with contextlib.aclosing(tokens):
        while not stop:
            try:
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    token = await anext(tokens)
            except StopAsyncIteration:
                break
            except TimeoutError:
                stop = "too_slow"
                break
            except ModelError as error:
                stop = error.trouble.value
                break
            for clause in cutter.feed(token):
                if stop := _stop_before(clause, spoken, allowed):
                    break
                spoken.clauses.append(clause)
                until = time.monotonic() + CLAUSE_S
                yield clause
                if stop := _stop_after(spoken):
                    break
            if len(cutter.rest.split()) > LONGEST_CLAUSE:
                stop = "endless"
    rest = cutter.rest
    if not stop and rest:
        rest = rest if rest[-1] in ".!?" else f"{rest.rstrip(',;:-–—')}."
        if not (stop := _stop_before(rest, spoken, allowed)):
            spoken.clauses.append(rest)
            yield rest
    if stop and stop != "enough":
        metrics.REPLACED.labels(stop).inc()
    spoken.whole = bool(spoken.clauses) and stop in ("", "enough")
    spoken.broken = bool(spoken.clauses) and spoken.clauses[-1][-1] not in ".!?"


def _stop_before(clause: str, spoken: Spoken, allowed: Allowed) -> str:
    """Return why a clause must not be said, "" if it may."""
    if not spoken.clauses and _NO_ANSWER.search(normalised(clause)):
        return "no_answer"
    fault = fault_in(clause, before=" ".join(spoken.clauses), allowed=allowed)
    return fault.value if fault is not None else ""


def _stop_after(spoken: Spoken) -> str:
    """Return "enough" at the end of a sentence after which no more is to be said."""
    said = " ".join(spoken.clauses)
    if said[-1] not in ".!?":
        return "endless" if len(said.split()) > MOST_WORDS else ""
    sentences = len(re.findall(r"[.!?](?=\s|$)", said))
    enough = sentences >= MOST_SENTENCES or len(said.split()) > MOST_WORDS * 2 // 3
    return "enough" if enough else ""
