"""Write a finished call up with a model's help: what the person wants, the mood, the next step.

What a model writes is kept only as far as the call bears it out: numbers and names have to have
been said, quotes have to be the lead's own words. Whatever does not pass is left to the template.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from agents.interface import Notes
from agents.llm import book, metrics
from agents.llm.errors import ModelError
from agents.llm.prompt import Prompt, Spend
from agents.llm.service import ModelService
from agents.model import Review
from agents.playbook import Script, spoken_lines
from agents.policy.output import Allowed, allowed_by, written_fault_in
from agents.scoring import MOST_POINTS
from agents.spoken import answer_text

MOST_LETTERS: Final = 6000
"""Of the transcript, from its end: it has to fit into the model's window."""
MOST_TOKENS: Final = 400
LEAST_QUOTE: Final = 2
"""Words of a quote that can be evidence."""

Sentiment = Literal["positive", "neutral", "negative", "mixed"]

log = structlog.get_logger(__name__)


class Quote(BaseModel):
    """The lead's words that tell most about one part of the score."""

    model_config = ConfigDict(extra="forbid")

    about: str = Field(max_length=40)
    words: str = Field(max_length=300)


class Written(BaseModel):
    """What a model makes of a call."""

    model_config = ConfigDict(extra="forbid")

    situation: str = Field(max_length=300)
    sentiment: Sentiment
    mood: str = Field(max_length=80)
    next_step: str = Field(max_length=200)
    evidence: list[Quote] = Field(max_length=8)


async def reviewed(
    service: ModelService,
    *,
    script: Script,
    business_name: str,
    transcript: Sequence[tuple[str, str]],
    notes: Notes,
    owner: str,
    spend: Spend,
) -> Review | None:
    """Return a model's review of a call, as far as the call bears it out; None without one.

    Args:
        transcript: (speaker, words) from the beginning; "agent" or "lead".
        owner: the call.
        spend: told what was used.
    """
    prompt = Prompt(
        book.book_of(script, business_name).prefix,
        book.review_task(_told(transcript), outcome=notes.outcome, subjects=tuple(MOST_POINTS)),
        version=f"review-{book.VERSION}",
        most_tokens=MOST_TOKENS,
        temperature=0.0,
        schema=Written,
    )
    until = time.monotonic() + service.settings.aftercall_s
    try:
        written = await service.ask(
            prompt, Written, owner=owner, until=until, patient=True, spend=spend
        )
    except ModelError as error:
        log.info("call_not_reviewed", call_id=owner, trouble=error.trouble.value)
        return None
    return checked(
        written,
        script=script,
        business_name=business_name,
        transcript=transcript,
        notes=notes,
        model=service.model,
    )


def checked(
    written: Written,
    *,
    script: Script,
    business_name: str,
    transcript: Sequence[tuple[str, str]],
    notes: Notes,
    model: str,
) -> Review:
    """Return what of a model's review the call bears out."""
    facts = _facts(script, business_name, transcript, notes)
    lead = " | ".join(_plain(words) for who, words in transcript if who == "lead")

    def kept(text: str, most_words: int) -> str:
        text = " ".join(text.split())
        fault = written_fault_in(text, facts=facts, most_words=most_words)
        if fault is not None:
            metrics.REPLACED.labels(f"review_{fault.value}").inc()
        return "" if fault is not None else text

    return Review(
        sentiment=written.sentiment,
        situation=kept(written.situation, 35),
        mood=kept(written.mood, 10),
        next_step=kept(written.next_step, 25),
        evidence={
            quote.about: quote.words
            for quote in written.evidence
            if quote.about in MOST_POINTS
            and len(quote.words.split()) >= LEAST_QUOTE
            and _plain(quote.words) in lead
        },
        model=model,
    )


def _facts(
    script: Script, business_name: str, transcript: Sequence[tuple[str, str]], notes: Notes
) -> Allowed:
    """Return everything that the write-up of a call may speak of."""
    answers = [
        answer_text(str(answer.get("type", "")), answer["value"])
        for answer in notes.answers.values()
    ]
    lines = [words for _, words in transcript]
    lines += [line for _, line in spoken_lines(script)]
    facts = allowed_by(
        [*lines, *answers, business_name, str(notes.signals.get("appointment") or "")],
        never_say=(),
        agent=script.persona.name,
        instructions="",
    )
    told = book.book_of(script, business_name).allowed.instructions
    return replace(facts, instructions=told)


def _told(transcript: Sequence[tuple[str, str]]) -> str:
    lines = [
        f"{'You' if who == 'agent' else 'Person'}: {book.quoted(words)}"
        for who, words in transcript
    ]
    told = "\n".join(lines)
    return told if len(told) <= MOST_LETTERS else told[-MOST_LETTERS:].partition("\n")[2]


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(",", "").rstrip(".?!").split())
