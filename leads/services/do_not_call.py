"""The do-not-call list: a number on it is called by nobody, whoever it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CharField, ExpressionWrapper, F

from leads.models import AuditEntry, Consent, DoNotCall, Lead, TimelineEntry
from leads.policy.phones import phone_parse
from leads.services.audit import audit_record, number_hash
from leads.services.checked_phone import CheckedPhone
from leads.services.timeline import timeline_add


@transaction.atomic
def do_not_call_add(
    *,
    phone: str,
    source: str,
    reason: str = "",
    call_id: UUID | None = None,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> DoNotCall:
    """Put a number on the do-not-call list, whoever it belongs to. Safe to repeat.

    Consents for the number, and those of the lead who has it, are withdrawn at the same moment.
    Calls to it that wait or ring are cancelled by whoever looks after calls.

    Args:
        phone: in E.164 or as typed in the US.
        source: one of `DoNotCall.Source`.

    Raises:
        InvalidPhone: with what is wrong with the number.
    """
    number = phone_parse(str(phone)).e164
    source = DoNotCall.Source(source)
    entry, _ = DoNotCall.objects.get_or_create(
        phone=number,
        defaults={"source": source, "reason": reason[:200], "call_id": call_id},
    )
    _consents_end([number], source, now=now)
    lead_id = Lead.objects.filter(phone=number).values_list("pk", flat=True).first()
    if lead_id is not None:
        timeline_add(
            lead_id=lead_id,
            kind=TimelineEntry.Kind.DO_NOT_CALL,
            text=f"Never to be called again: {source.label.lower()}.",
            call_id=call_id,
            actor=actor,
            data={"source": source.value, "reason": reason},
            key=f"do_not_call:{entry.pk}:{lead_id}",
            at=now,
        )
    return entry


@transaction.atomic
def do_not_call_add_many(
    *,
    phones: Collection[str],
    source: str,
    reason: str,
    origin: UUID,
    actor_id: int | None = None,
    now: datetime,
) -> int:
    """Do what `do_not_call_add` does for many numbers, in a constant number of queries.

    Args:
        phones: valid numbers in E.164.
        origin: of what brought them, such as an import; makes a rerun write the story once.

    Returns:
        How many were not on the list before.
    """
    if not phones:
        return 0
    source = DoNotCall.Source(source)
    numbers = [CheckedPhone(phone) for phone in phones]
    e164 = ExpressionWrapper(F("phone"), output_field=CharField())
    there = set(
        DoNotCall.objects.filter(phone__in=numbers)
        .order_by()
        .annotate(e164=e164)
        .values_list("e164", flat=True)
    )
    fresh = [CheckedPhone(phone) for phone in phones if phone not in there]
    DoNotCall.objects.bulk_create(
        [DoNotCall(phone=phone, source=source, reason=reason[:200]) for phone in fresh],
        ignore_conflicts=True,
    )
    _consents_end(phones, source, now=now)
    leads = Lead.objects.filter(phone__in=fresh).order_by().values_list("pk", flat=True)
    TimelineEntry.objects.bulk_create(
        [
            TimelineEntry(
                lead_id=lead_id,
                kind=TimelineEntry.Kind.DO_NOT_CALL,
                text=f"Never to be called again: {source.label.lower()}.",
                actor_id=actor_id,
                data={"source": source.value, "reason": reason},
                key=f"do_not_call:{origin}:{lead_id}",
                at=now,
            )
            for lead_id in leads
        ],
        ignore_conflicts=True,
    )
    return len(fresh)


@transaction.atomic
def do_not_call_remove(
    *, phone: str, reason: str, actor: AbstractBaseUser | None, now: datetime
) -> bool:
    """Take a number off the list. False when it was not on it.

    Consents that ended with it stay ended: calling again needs a new one.

    Raises:
        ValidationError: no reason is given; a wish not to be called is not dropped in silence.
    """
    if not reason.strip():
        raise ValidationError({"reason": "Say why the number may be called again."})
    gone, _ = DoNotCall.objects.filter(phone=phone).delete()
    if not gone:
        return False
    lead_id = Lead.objects.filter(phone=phone).values_list("pk", flat=True).first()
    audit_record(
        action=AuditEntry.Action.DO_NOT_CALL,
        text=f"Took a number off the do-not-call list: {reason.strip()}",
        actor=actor,
        lead_id=lead_id,
        data={"number": number_hash(phone)},
        now=now,
    )
    if lead_id is not None:
        timeline_add(
            lead_id=lead_id,
            kind=TimelineEntry.Kind.DO_NOT_CALL,
            text=f"Taken off the do-not-call list: {reason.strip()}",
            actor=actor,
            at=now,
        )
    return True


def _consents_end(phones: Iterable[str], source: DoNotCall.Source, *, now: datetime) -> None:
    """End every consent for some numbers, and of the leads who have them."""
    numbers = [CheckedPhone(phone) for phone in phones]
    via = f"do not call: {source.label}"[:80]
    valid = Consent.objects.filter(revoked_at__isnull=True)
    leads = Lead.objects.filter(phone__in=numbers).order_by().values("pk")
    for consents in (valid.filter(phone__in=numbers), valid.filter(lead_id__in=leads)):
        # A consent dated after its withdrawal is a clock's mistake, and the withdrawal wins.
        consents.filter(given_at__lte=now).update(revoked_at=now, revoked_via=via)
        consents.filter(given_at__gt=now).update(revoked_at=F("given_at"), revoked_via=via)
