"""What must be true after a run, of the product's data and of the carrier's list of calls.

Each check yields what it found wrong, in words.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.chaos.run import Evidence, under_way
from calls.simulator import lettered

IN_FLIGHT = timedelta(seconds=10)
"""How long a request may be on its way to the carrier."""
WRITTEN_WITHIN_MS = 1500
"""A turn that ended so long before its process died has been written."""


def check(evidence: Evidence) -> dict[str, Any]:
    """Return the report: what was done, and everything that is wrong."""
    wrong: dict[str, list[str]] = {}
    for rule in RULES:
        found = list(rule(evidence))
        if found:
            wrong[rule.__name__.removeprefix("_")] = found
    return _figures(evidence) | {
        "violations": sum(len(found) for found in wrong.values()),
        "counts": {name: len(found) for name, found in wrong.items()},
        "wrong": {name: found[:10] for name, found in wrong.items()},
    }


def _settled(evidence: Evidence) -> Iterator[str]:
    """Everything comes to its end by itself."""
    if not evidence.settled:
        yield f"not settled in time: {under_way()}"


def _nobody_dialled_twice(evidence: Evidence) -> Iterator[str]:
    """One row, one request to the carrier, and the carrier's call is the row's."""
    from calls.models import Call

    rows = {str(pk): sid for pk, sid in Call.objects.values_list("pk", "provider_sid")}
    dialled: Counter[str] = Counter()
    for call in evidence.carrier:
        ours = call["url"].rstrip("/").rpartition("/")[2]
        dialled[ours] += 1
        if ours not in rows:
            yield f"the carrier has {call['sid']}, of which we have no call"
        elif rows[ours] != call["sid"]:
            yield f"call {ours} does not know its carrier's call {call['sid']}"
    for ours, times in dialled.items():
        if times > 1:
            yield f"call {ours} was dialled {times} times"
    known = {call["sid"] for call in evidence.carrier}
    for ours, sid in rows.items():
        if sid and sid not in known:
            yield f"call {ours} has a sid that the carrier does not know"


def _attempts_are_counted(evidence: Evidence) -> Iterator[str]:
    """Nobody's telephone rings more often than their enrolment says."""
    from calls.models import Enrolment

    rang = Counter(call["to"] for call in evidence.carrier)
    attempts: Counter[str] = Counter()
    most: dict[str, int] = {}
    for phone, count, limit in Enrolment.objects.values_list(
        "lead__phone", "attempts", "campaign__max_attempts"
    ):
        attempts[str(phone)] += count
        most[str(phone)] = limit
    for phone, count in rang.items():
        if count > attempts[phone]:
            yield f"a telephone rang {count} times for {attempts[phone]} attempts"
        if count > most.get(phone, 0):
            yield f"a telephone rang {count} times, {most.get(phone, 0)} at most are allowed"


def _nobody_against_the_gate(evidence: Evidence) -> Iterator[str]:
    """Who may not be called is not, nor whoever opted out, from that moment on."""
    from calls.models import Call

    world = evidence.world
    for call in evidence.carrier:
        if why := world.forbidden.get(call["to"]):
            yield f"somebody was dialled against {why}"
        withdrawn = world.withdrawn.get(call["to"])
        if withdrawn and datetime.fromisoformat(call["created"]) > withdrawn + IN_FLIGHT:
            yield "somebody was dialled after they had opted out"
    for phone, withdrawn in world.withdrawn.items():
        if Call.objects.filter(to_number=phone, dialed_at__gt=withdrawn).exists():
            yield "a call was sent after its opt-out was certain"


def _every_call_is_finished(evidence: Evidence) -> Iterator[str]:
    """Every call has the carrier's end, and its after-call work is done."""
    from calls.models import Call
    from calls.policy.lifecycle import state_of

    rows = {call.provider_sid: call for call in Call.objects.all()}
    for row in rows.values():
        if row.is_active or row.settled_at is None or not row.outcome:
            yield f"call {row.pk} is {row.state}, settled {row.settled_at}, outcome {row.outcome!r}"
    for call in evidence.carrier:
        row = rows.get(call["sid"])
        if row is not None and state_of(call["status"]) != row.state:
            yield f"call {row.pk} is {row.state} here and {call['status']} there"


def _nobody_is_lost(evidence: Evidence) -> Iterator[str]:
    """Every lead is done, stopped for a reason, or waits for a moment to come, or for its campaign
    to go on."""
    from django.utils import timezone

    from calls.models import Enrolment

    for row in Enrolment.objects.select_related("campaign"):
        if row.state == Enrolment.State.CLAIMED:
            yield f"enrolment {row.pk} is claimed by nobody"
        held = row.campaign.held_until is not None and row.campaign.held_until > timezone.now()
        if row.state == Enrolment.State.WAITING and row.due_at < timezone.now() and not held:
            yield f"enrolment {row.pk} was due at {row.due_at:%H:%M:%S}"
        if row.state == Enrolment.State.STOPPED and not (row.blocked_reasons or row.last_outcome):
            yield f"enrolment {row.pk} was stopped for no reason"
        if row.state == Enrolment.State.DONE and not row.last_outcome:
            yield f"enrolment {row.pk} is done without an outcome"


def _money_is_accounted_for(evidence: Evidence) -> Iterator[str]:
    """The ledger has what the carrier billed; calls, budgets and reservations add up to it."""
    from django.db.models import Sum

    from billing.models import BudgetPeriod, Charge, Reservation
    from calls.models import Call

    for reservation in Reservation.objects.filter(state=Reservation.State.OPEN):
        yield f"the reservation of call {reservation.call_id} is open"
    sums: dict[Any, Decimal] = dict(
        Charge.objects.values_list("call_id").annotate(total=Sum("amount")).order_by()
    )
    for pk, cost in Call.objects.values_list("pk", "cost"):
        if cost != sums.get(pk, Decimal(0)):
            yield f"call {pk} costs {cost}, its charges {sums.get(pk)}"
    for settled in Reservation.objects.filter(state=Reservation.State.SETTLED):
        if settled.settled_amount != sums.get(settled.call_id):
            yield f"call {settled.call_id} was settled with {settled.settled_amount}"
    for period in BudgetPeriod.objects.select_related("budget"):
        calls = Charge.objects.all()
        if period.budget.campaign_id:
            calls = calls.filter(campaign_id=period.budget.campaign_id)
        total = calls.aggregate(total=Sum("amount"))["total"] or Decimal(0)
        if period.reserved != 0 or period.spent != total:
            yield f"{period.budget}: {period.spent} spent of {total}, {period.reserved} reserved"
        if period.spent > period.budget.limit:
            yield f"{period.budget}: {period.spent} spent, {period.budget.limit} allowed"
    yield from _minutes(evidence)


def _minutes(evidence: Evidence) -> Iterator[str]:
    """Every minute that the carrier bills is charged, and no other."""
    from django.db.models import DecimalField, F, Sum
    from django.db.models.functions import Coalesce

    from billing.models import Charge
    from calls.models import Call

    # A minute that we saw begin and the carrier did not is corrected to nothing: it is not paid.
    corrected = Coalesce(Sum("corrections__amount"), Decimal(0), output_field=DecimalField())
    paid = Charge.objects.filter(component="telephony_out", corrects=None).annotate(
        worth=F("amount") + corrected
    )
    lines: dict[str, Decimal] = defaultdict(Decimal)
    for call_id, quantity in paid.exclude(worth=0).values_list("call_id", "quantity"):
        lines[str(call_id)] += quantity
    rows = {call.provider_sid: call for call in Call.objects.exclude(provider_sid="")}
    for sid, seen in evidence.details.items():
        row = rows.get(sid)
        if row is None:
            continue  # told by another check
        minutes = max(1, math.ceil(int(seen["call"]["duration"]) / 60))
        if lines[str(row.pk)] != minutes:
            yield f"call {row.pk}: {lines[str(row.pk)]} minutes charged, {minutes} billed"


def _no_finished_turn_is_lost(evidence: Evidence) -> Iterator[str]:
    """What was said and answered is in the transcript, word for word."""
    from calls.models import Call, Turn

    said: dict[Any, list[str]] = defaultdict(list)
    spoken: dict[Any, set[int]] = defaultdict(set)
    for call_id, speaker, index, text in Turn.objects.values_list(
        "call_id", "speaker", "index", "text"
    ):
        if speaker == Turn.Speaker.LEAD:
            said[call_id].append(lettered.words(text))
        spoken[call_id].add(index)
    rows = dict(Call.objects.exclude(provider_sid="").values_list("provider_sid", "pk"))
    for sid, seen in evidence.details.items():
        if sid not in rows:
            continue
        pk = rows[sid]
        for text in _answered(seen):
            if not any(text in kept for kept in said[pk]):
                yield f"call {pk} lost the lead's {text!r}"
        for index, before_ms in _heard_turns(seen).items():
            if index not in spoken[pk]:
                yield (
                    f"call {pk} lost the agent's turn {index}, heard {before_ms} ms before the "
                    "stream's end"
                )


def _heard_turns(seen: dict[str, Any]) -> dict[int, int]:
    """Return the indexes of agent's turns that were heard to their end in time to be written, and
    how long before the stream ended, in ms."""
    end = _stream_end(seen)
    until = end - WRITTEN_WITHIN_MS
    return {
        int(event["detail"]["name"].partition(".")[0]): end - event["at_ms"]
        for event in seen["timeline"]
        if event["name"] == "mark"
        and event["detail"]["played"]
        and event["detail"]["name"].endswith("/end")
        and event["at_ms"] < until
    }


def _answered(seen: dict[str, Any]) -> list[str]:
    """Return what the lead said to a turn of the agent, and the agent answered, long enough ago.

    A greeting into the agent's first words is no turn. An agent that asks again has not heard: on a
    machine that is too busy, sound is lost as on a bad line.
    """
    answered_ms = next(
        event["at_ms"]
        for event in seen["timeline"]
        if event["name"] == "status" and event["detail"]["status"] == "in-progress"
    )
    until = _stream_end(seen) - answered_ms - WRITTEN_WITHIN_MS
    heard = [turn for turn in seen["heard"] if turn["complete"]]
    found = []
    for utterance in seen["said"]:
        before = [turn for turn in heard if turn["ended_ms"] <= utterance["started_ms"]]
        after = [turn for turn in heard if utterance["ended_ms"] <= turn["started_ms"] < until]
        if before and after and not _asks_again(before[-1]["topics"], after[0]["topics"]):
            found.append(lettered.words(utterance["text"]))
    return found


def _asks_again(before: list[str], after: list[str]) -> bool:
    return before == after or any(
        topic.startswith(("reprompt", "clarify", "silence")) for topic in after
    )


def _stream_end(seen: dict[str, Any]) -> int:
    """Return when the call's stream ended, in ms since the call was made."""
    ends = [event["at_ms"] for event in seen["timeline"] if event["name"] == "stream_closed"]
    return min(ends, default=0)


def _no_opt_out_is_lost(evidence: Evidence) -> Iterator[str]:
    """Whoever asked to be called no more, and heard an answer, is on the list."""
    from leads.models import DoNotCall

    barred = {str(phone) for phone in DoNotCall.objects.values_list("phone", flat=True)}
    for call in evidence.carrier:
        seen = evidence.details.get(call["sid"])
        if seen is None or not call["persona"].startswith("dnc_"):
            continue
        asked = [event for event in seen["timeline"] if event["name"] == "digit"]
        asked_ms = [event["at_ms"] for event in asked]
        told = any(
            event["name"] == "mark"
            and event["detail"]["played"]
            and "opt_out" in event["detail"]["name"]
            for event in seen["timeline"]
        )
        if told and call["to"] not in barred:
            yield f"the opt-out of {call['sid']} ({call['persona']}, {asked_ms}) is lost"


def _all_promised_work_is_done(evidence: Evidence) -> Iterator[str]:
    """Every job is done, or given up for a reason that a person sees."""
    from calls.models import OutboxItem

    for item in OutboxItem.objects.filter(done_at__isnull=True):
        if item.dead_at is not None and not item.last_error:
            yield f"{item.kind} was given up for no reason"
        if item.dead_at is None and item.due_at < datetime.now(UTC):
            yield f"{item.kind} {item.key} is still to be done"


RULES = (
    _settled,
    _nobody_dialled_twice,
    _attempts_are_counted,
    _nobody_against_the_gate,
    _every_call_is_finished,
    _nobody_is_lost,
    _money_is_accounted_for,
    _no_finished_turn_is_lost,
    _no_opt_out_is_lost,
    _all_promised_work_is_done,
)


def _figures(evidence: Evidence) -> dict[str, Any]:
    from billing.models import Charge
    from calls.models import Call, OutboxItem, Turn
    from leads.models import DoNotCall

    answered = Call.objects.filter(answered_at__isnull=False)
    # Whoever closes a stream has lived to its end.
    cut = answered.filter(stream_started_at__isnull=False, stream_closed_at=None)
    return {
        "benchmark": "chaos",
        "took_s": round(evidence.took_s, 1),
        "called_s": evidence.called_s,
        "breakages": dict(evidence.breakages),
        "calls": Call.objects.count(),
        "dialled": len(evidence.carrier),
        "answered": answered.count(),
        "cut": cut.count(),
        "turns_of_cut_calls": Turn.objects.filter(call__in=cut).count(),
        "outcomes": dict(Counter(Call.objects.values_list("outcome", flat=True))),
        "turns": Turn.objects.count(),
        "charges": Charge.objects.count(),
        "opt_outs": DoNotCall.objects.count(),
        "jobs": OutboxItem.objects.count(),
        "jobs_given_up": OutboxItem.objects.filter(dead_at__isnull=False).count(),
    }
