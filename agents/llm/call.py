"""One call's language model: answers and readings, as many as it may ask for, in time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import structlog

from agents.interface import Brief
from agents.llm import book
from agents.llm.book import Book, book_of
from agents.llm.cache import key_of
from agents.llm.errors import ModelError, Trouble
from agents.llm.impersonal import impersonal
from agents.llm.prompt import Prompt
from agents.llm.reader import ModelReader, Read
from agents.llm.service import ModelService
from agents.llm.speaking import Spoken, spoken_clauses
from agents.model import Asked, ModelUse
from agents.spoken import answer_text
from agents.understanding import Context, Reader

MOST_USES = 500
"""Uses that wait to be charged; a call has a few dozen."""
READ_TOKENS = 160

log = structlog.get_logger(__name__)


class ServedCallModel:
    """A `CallModel` on the process's service.

    Args:
        service: the models.
        brief: the call.
    """

    def __init__(self, service: ModelService, brief: Brief) -> None:
        self._service = service
        self._brief = brief
        self._owner = str(brief.call_id)
        self._uses: list[ModelUse] = []
        self._requests = 0
        self._preparing: asyncio.Task[None] | None = None
        self._reader = ModelReader(self._read, within_s=service.settings.reading_s)

    @property
    def reader(self) -> Reader:
        """Understands a turn: by rules, and by the model where those are unsure."""
        return self._reader

    def begin(self) -> None:
        """Have the playbook read by the model while the disclosure is being heard."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(
                self._service.prepare(self._book.prefix, owner=self._owner, spend=self._spend),
                name="model-prepare",
            )

    async def answer(self, asked: Asked) -> AsyncIterator[str]:
        """Give an answer in clauses fit to be spoken; nothing if there is none in time."""
        question = impersonal(asked.words)
        prompt = self._answer_prompt(asked, alone=question is not None)
        key = key_of(prompt, question, self._service.model) if question is not None else ""
        if key and (kept := await self._service.cache.get(key)) is not None:
            for clause in kept:
                yield clause
            return
        if not self._may_ask():
            return
        until = (asked.began or time.monotonic()) + self._service.settings.deadline_s
        tokens = self._service.stream(prompt, owner=self._owner, until=until, spend=self._spend)
        spoken = Spoken([])
        clauses = spoken_clauses(tokens, until=until, allowed=self._book.allowed, spoken=spoken)
        async with contextlib.aclosing(clauses):
            async for clause in clauses:
                yield clause
        if spoken.broken or (spoken.clauses and not spoken.whole):
            yield self._book.no_answer
        elif key and spoken.whole and self._uses and self._uses[-1].model == self._service.model:
            await self._service.cache.put(key, spoken.clauses)

    def used(self) -> Sequence[ModelUse]:
        """Return what was used since last asked."""
        uses, self._uses = self._uses, []
        return uses

    async def close(self) -> None:
        """Stop what still runs."""
        preparing, self._preparing = self._preparing, None
        if preparing is not None and not preparing.done():
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)

    @property
    def _book(self) -> Book:
        return book_of(self._brief.script, self._brief.business_name)

    def _may_ask(self) -> bool:
        limit = self._service.settings.calls_limit
        self._requests += 1
        if limit and self._requests > limit:
            log.info("model_limit_reached", call_id=self._owner, limit=limit)
            return False
        return True

    def _spend(self, use: ModelUse) -> None:
        if len(self._uses) < MOST_USES:
            self._uses.append(use)

    def _answer_prompt(self, asked: Asked, *, alone: bool) -> Prompt:
        """Return what is asked; `alone`: nothing but the question, so that all may have the
        answer."""
        if alone:
            task = book.answer_task(asked.words)
        else:
            last = next((words for who, words in reversed(asked.said) if who == "agent"), "")
            task = book.answer_task(asked.words, known=self._known(asked), said_last=last)
        return Prompt(
            self._book.prefix,
            task,
            version=f"answer-{book.VERSION}",
            most_tokens=self._service.settings.answer_tokens,
        )

    def _known(self, asked: Asked) -> str:
        types = {question.slot: question.type for question in self._brief.script.questions}
        return "; ".join(
            f"{slot.replace('_', ' ')}: {answer_text(types[slot], value)}"
            for slot, value in asked.known.items()
            if slot in types
        )

    async def _read(self, text: str, context: Context, until: float) -> Read:
        if not self._may_ask():
            raise ModelError("the call has asked enough", Trouble.ALLOWANCE, counts=False)
        asked = context.asked
        prompt = Prompt(
            self._book.prefix,
            book.read_task(text, asked=asked.slot if asked else ""),
            version=f"read-{book.VERSION}",
            most_tokens=READ_TOKENS,
            temperature=0.0,
            schema=Read,
        )
        return await self._service.ask(
            prompt, Read, owner=self._owner, until=until, spend=self._spend
        )
