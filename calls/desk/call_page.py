"""What the review page of one call shows."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from billing.formats import usd, whole_usd
from billing.models import Charge
from billing.models.price import Component
from billing.policy.rounding import micro
from calls.desk.answer_time import Step, usual_steps
from calls.models import Call, CallEvent, Recording, Turn
from leads.models import Appointment, LeadScore, ScoreFactor

# The page waits this long for recording, score and costs of a call that has ended.
AFTERWORK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one component of a call cost, USD."""

    component: str
    quantity: str
    amount: Decimal
    estimated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the lead answered to one question; `turn` is where, if it is in the transcript."""

    slot: str
    value: str
    said: str
    turn: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One factor of the score; `turn` is where its evidence was said."""

    factor: ScoreFactor
    turn: int | None


@dataclass(frozen=True, slots=True)
class CallPage:
    """Everything on the page."""

    call: Call
    turns: list[Turn]
    events: list[CallEvent]
    costs: list[CostLine]
    total: Decimal
    score: LeadScore | None
    reasons: list[Reason]
    appointments: list[Appointment]
    recording: Recording | None
    answers: list[Answer]
    previous: UUID | None
    next: UUID | None

    @property
    def playable(self) -> bool:
        """Whether there is a finished recording."""
        return self.recording is not None and self.recording.state == Recording.State.STORED

    @property
    def growing(self) -> bool:
        """Whether more will come by itself: words, or the after-call work of the last minute."""
        return is_growing(self.call)

    @property
    def latencies(self) -> list[int]:
        """Answer times of the agent, ms."""
        return [turn.latency_ms for turn in self.turns if turn.latency_ms is not None]

    @property
    def median_latency_ms(self) -> int | None:
        """The median of them, or None."""
        return round(statistics.median(self.latencies)) if self.latencies else None

    @property
    def worst_latency_ms(self) -> int | None:
        """The slowest of them, or None."""
        return max(self.latencies, default=None)

    @property
    def usual_steps(self) -> list[Step]:
        """Where the time of a usual answer went."""
        return usual_steps(self.turns)

    @property
    def last_index(self) -> int:
        """Index of the last turn, -1 without one."""
        return self.turns[-1].index if self.turns else -1


def call_page(call_id: UUID | str, *, among: QuerySet[Call] | None = None) -> CallPage:
    """Return the page of a call.

    Args:
        among: the calls that the previous and the next one are looked for in; all if not given.

    Raises:
        Call.DoesNotExist: there is no such call.
    """
    call = Call.objects.select_related(
        "lead", "campaign", "playbook_version__playbook", "recording"
    ).get(pk=call_id)
    costs, total = _costs(call)
    turns = list(call.turns.order_by("index"))
    score = call.scores.prefetch_related("factors").first()
    calls = Call.objects.all() if among is None else among
    older = calls.filter(created_at__lt=call.created_at).order_by("-created_at")
    newer = calls.filter(created_at__gt=call.created_at).order_by("created_at")
    return CallPage(
        call=call,
        turns=turns,
        events=list(call.events.order_by("at")),
        costs=costs,
        total=total,
        score=score,
        reasons=[
            Reason(factor, turn_where_said(factor.evidence, turns))
            for factor in (score.factors.all() if score else ())
        ],
        appointments=list(call.appointments.select_related("rep")),
        recording=getattr(call, "recording", None),
        answers=_answers(call.notes, turns),
        previous=older.values_list("pk", flat=True).first(),
        next=newer.values_list("pk", flat=True).first(),
    )


def is_growing(call: Call) -> bool:
    """Whether a call is live, or has just ended and is not settled yet."""
    if call.is_active:
        return True
    ended = call.ended_at or call.created_at
    return call.settled_at is None and timezone.now() - ended < AFTERWORK


def turns_from(call_id: UUID | str, index: int) -> list[Turn]:
    """Return the turns of a call from an index on."""
    return list(Turn.objects.filter(call_id=call_id, index__gte=index).order_by("index"))


def _costs(call: Call) -> tuple[list[CostLine], Decimal]:
    lines: dict[str, list[Charge]] = {}
    for charge in call.charges.all():
        lines.setdefault(charge.component, []).append(charge)
    costs = [
        CostLine(
            component=Component(component).label,
            quantity=_spared(charges) or _quantity(charges),
            amount=sum((charge.amount for charge in charges), Decimal(0)),
            estimated=any(charge.is_estimate for charge in charges),
        )
        for component, charges in lines.items()
    ]
    costs.sort(key=lambda line: line.amount, reverse=True)
    return costs, sum((line.amount for line in costs), Decimal(0))


def _spared(charges: list[Charge]) -> str:
    """Return what speech from the cache would have cost; "" for everything else."""
    if charges[0].component != Component.TTS_CACHED:
        return ""
    characters = round(sum((charge.quantity for charge in charges), Decimal(0)) * 1000)
    worth = sum((charge.quantity * charge.unit_price for charge in charges), Decimal(0))
    return f"{characters} characters, spared {usd(micro(worth))}"


def _quantity(charges: list[Charge]) -> str:
    billed = sum((charge.billed_quantity for charge in charges), Decimal(0))
    unit = charges[0].get_unit_display().lower()
    # "2 minutes", but "2 1 000 characters" would be nonsense.
    if unit[0].isdigit():
        return f"{billed.normalize():f} × {unit}"
    return f"{billed.normalize():f} {unit}{'' if billed == 1 else 's'}"


def _answers(notes: dict[str, Any], turns: list[Turn]) -> list[Answer]:
    answers = notes.get("answers")
    if not isinstance(answers, dict):
        return []
    # In the order they were given: JSON in PostgreSQL keeps none of its own.
    given = sorted(
        ((slot, answer) for slot, answer in answers.items() if isinstance(answer, dict)),
        key=lambda item: (item[1].get("turn") or 0, item[0]),
    )
    rows = []
    for slot, answer in given:
        said = str(answer.get("said") or "")
        rows.append(Answer(slot, answer_in_words(answer), said, turn_where_said(said, turns)))
    return rows


def answer_in_words(answer: dict[str, Any]) -> str:
    """Return what was understood of an answer as a person would write it."""
    value, kind = answer.get("value"), answer.get("type")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "months" and isinstance(value, int | float):
        return "at once" if value == 0 else f"in {value:g} month{'' if value == 1 else 's'}"
    if kind == "money" and isinstance(value, int | float):
        return whole_usd(value)
    if isinstance(value, dict):
        parts = ((name, part) for name, part in sorted(value.items()) if part not in (None, ""))
        return ", ".join(f"{name.replace('_', ' ')} {part}" for name, part in parts)
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value).replace("_", " ")


def turn_where_said(said: str, turns: list[Turn]) -> int | None:
    """Return the index of the lead's turn that holds the words, or None.

    By the words, not by a number: the conversation counts only what it was given to understand.
    """
    wanted = " ".join(said.casefold().split())
    if not wanted:
        return None
    for turn in turns:
        if turn.speaker == Turn.Speaker.LEAD and wanted in " ".join(turn.text.casefold().split()):
            return turn.index
    return None
