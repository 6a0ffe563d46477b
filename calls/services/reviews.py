"""Have a settled call written up by a language model, where there is one; the template stands else.

Promised when the call is settled, done after it: nobody waits for a model. Safe to run twice.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from agents.interface import Notes
from agents.llm.process import model_settings
from agents.llm.review import reviewed
from agents.llm.service import ModelService
from agents.model import ModelUse, Review
from agents.playbook import Script
from agents.summary import recommended_step, sentiment, summarise
from billing.selectors import PriceUnknown, call_cost
from calls.models import Call
from calls.selectors import notes_of
from calls.services.metering import usage_record
from calls.services.outbox import NotYet, outbox_add
from leads.services import score_evidence_add

logger = structlog.get_logger(__name__)

KIND = "call_review"
LOOK_AGAIN = timedelta(milliseconds=500)
_TOKENS = Decimal(1_000_000)

# Where no workers run, the dialer's process does the jobs: it must dial on while a model thinks.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-review")
_running: dict[UUID, Future[_Result]] = {}


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that a model is told of a call."""

    call_id: UUID
    script: Script
    business_name: str
    transcript: tuple[tuple[str, str], ...]
    notes: Notes


@dataclass(frozen=True, slots=True)
class _Result:
    review: Review | None
    uses: tuple[ModelUse, ...]


def review_promise(*, call: Call, now: datetime) -> None:
    """Promise that a model writes the call up, if there is one. Call it in a transaction."""
    chosen = model_settings()
    if chosen.enabled and chosen.aftercall_s:
        outbox_add(kind=KIND, key=f"review:{call.pk}", payload={"call": str(call.pk)}, due_at=now)


def call_review_run(*, call_id: UUID | str, now: datetime) -> None:
    """Write a settled call up with a model's help, charge it, and keep what passed the checks.

    Raises:
        NotYet: the model is still at it.
    """
    call = Call.objects.select_related("campaign", "playbook_version").get(pk=call_id)
    if call.review or not call.summary:
        return  # done, or there was nothing to write up
    result = _asked_of_model(_all_of(call))
    _charge(call, result.uses, now)
    if result.review is None:
        return
    _keep(call, result.review)


def _all_of(call: Call) -> _Asked:
    turns = call.turns.order_by("index").values_list("speaker", "text")
    return _Asked(
        call_id=call.pk,
        script=Script.model_validate(call.playbook_version.script),
        business_name=call.campaign.business_name if call.campaign else "",
        transcript=tuple((speaker, text) for speaker, text in turns),
        notes=notes_of(call),
    )


def _asked_of_model(asked: _Asked) -> _Result:
    if settings.REDIS_URL:
        return asyncio.run(_ask(asked))
    running = _running.get(asked.call_id)
    if running is None:
        running = _running[asked.call_id] = _thread.submit(lambda: asyncio.run(_ask(asked)))
    if not running.done():
        raise NotYet(timezone.now() + LOOK_AGAIN)
    del _running[asked.call_id]
    return running.result()


async def _ask(asked: _Asked) -> _Result:
    """Ask the model. Touches no database: it may run in any thread."""
    uses: list[ModelUse] = []
    async with ModelService(model_settings()) as service:
        review = await reviewed(
            service,
            script=asked.script,
            business_name=asked.business_name,
            transcript=asked.transcript,
            notes=asked.notes,
            owner=str(asked.call_id),
            spend=uses.append,
        )
    return _Result(review, tuple(uses))


def _charge(call: Call, uses: tuple[ModelUse, ...], now: datetime) -> None:
    for number, use in enumerate(uses):
        for component, quantity in (
            ("llm_input", use.input_tokens / _TOKENS),
            ("llm_output", use.output_tokens / _TOKENS),
            ("llm_gpu", use.gpu_seconds),
        ):
            if not quantity:
                continue
            try:
                usage_record(
                    call_id=call.pk,
                    component=component,
                    provider=use.provider,
                    model=use.model,
                    quantity=quantity,
                    key=f"review:{number}:{component}:{use.provider}:{use.model}",
                    now=now,
                )
            except PriceUnknown as error:
                logger.error("usage_without_price", call_id=str(call.pk), problem=str(error))
    if uses:
        Call.objects.filter(pk=call.pk).update(cost=call_cost(call.pk))


def _keep(call: Call, review: Review) -> None:
    notes = notes_of(call)
    script = Script.model_validate(call.playbook_version.script)
    Call.objects.filter(pk=call.pk, review="").update(
        summary=summarise(notes, script=script, review=review),
        sentiment=sentiment(notes, review),
        next_step=recommended_step(notes, review),
        review=review.model[:80],
    )
    score_evidence_add(
        call_id=call.pk,
        evidence=review.evidence,
        turns=call.turns.filter(speaker="lead").order_by("index").values_list("index", "text"),
    )
    logger.info("call_reviewed", call_id=str(call.pk), model=review.model)
