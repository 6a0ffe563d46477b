"""Leads come into being and move through their stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from leads.models import Appointment, Lead, TimelineEntry
from leads.policy.lead_edits import LABELS, edit_words
from leads.policy.phones import InvalidPhone, Phone, candidate_zones, phone_parse
from leads.policy.places import states
from leads.policy.stages import stage_may_change, stage_problem
from leads.services.assignment import lead_reassign, leads_assign
from leads.services.timeline import timeline_add

__all__ = ["InvalidPhone", "LeadExists", "lead_create", "lead_stage_set", "lead_update"]

_MEETINGS = (Appointment.Status.BOOKED, Appointment.Status.HELD)


class LeadExists(Exception):  # noqa: N818 - says what happened, and is a contract
    """There is a lead with this number already: `lead_id`."""

    def __init__(self, lead_id: UUID) -> None:
        self.lead_id = lead_id
        super().__init__(f"Another lead has this number: open lead {lead_id} instead.")


def lead_create(
    *,
    phone: str,
    region: str = "US",
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    kind: str = Lead.Kind.SELLER,
    street: str = "",
    city: str = "",
    state: str = "",
    postal_code: str = "",
    source: str = "",
    tags: Sequence[str] = (),
    custom_fields: Mapping[str, Any] | None = None,
    owner_id: int | None = None,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> Lead:
    """Create a lead from what a person or a file gave, and let the rules choose its owner.

    Args:
        phone: the number as typed; kept as `raw_phone` beside its E.164 form.
        region: country whose numbers may be written without their country code.
        state: two-letter US state of the address; adds its time zones to the number's.
        owner_id: who has the lead; chosen by the assignment rules if not given.

    Raises:
        InvalidPhone: with what is wrong with the number.
        LeadExists: another lead has the number.
        ValidationError: another field is wrong; names it.
    """
    number = phone_parse(phone, region=region)
    state = _state(state)
    lead = Lead(
        phone=number.e164,
        raw_phone=phone.strip()[:64],
        first_name=first_name.strip(),
        last_name=last_name.strip(),
        email=email.strip(),
        kind=kind,
        street=street.strip(),
        city=city.strip(),
        state=state,
        postal_code=postal_code.strip(),
        line_type=number.line_type,
        time_zones=_zones(number, state=state, postal_code=postal_code.strip()),
        source=source.strip(),
        tags=list(tags),
        custom_fields=dict(custom_fields or {}),
        owner_id=owner_id,
    )
    lead.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            entries = leads_assign([lead], trigger="create", key="assigned", now=now)
            lead.save(force_insert=True)
            timeline_add(
                lead_id=lead.pk,
                kind=TimelineEntry.Kind.CREATED,
                text=f"Lead created from {lead.source}." if lead.source else "Lead created.",
                actor=actor,
                key=f"created:{lead.pk}",
                at=now,
            )
            for entry in entries:
                entry.save()
    except IntegrityError:
        other = Lead.objects.filter(phone=number.e164).values_list("pk", flat=True).first()
        if other is None:
            raise
        raise LeadExists(other) from None
    return lead


@transaction.atomic
def lead_update(
    *, lead_id: UUID, changes: Mapping[str, Any], actor: AbstractBaseUser | None, now: datetime
) -> Lead:
    """Change what is known of a lead, and say so in its timeline. What is the same stays untold.

    A new number or address brings its time zones and takes the old one's away.

    Args:
        changes: of `leads.policy.lead_edits.LABELS`: the new values, the phone as typed.

    Raises:
        InvalidPhone: with what is wrong with the number.
        LeadExists: another lead has the number.
        ValidationError: another field is wrong; names it.
    """
    unknown = set(changes) - set(LABELS)
    if unknown:
        raise TypeError(f"not to be changed here: {', '.join(sorted(unknown))}")
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead_id)
    old_zones = _zones(phone_parse(str(lead.phone)), lead.state, lead.postal_code)
    made: dict[str, tuple[Any, Any]] = {}
    for name, said in changes.items():
        before = getattr(lead, name)
        after = _cleaned(name, said)
        if after != (str(before) if name == "phone" else before):
            made[name] = (str(before) if name == "phone" else before, after)
            setattr(lead, name, after)
    if "phone" in made:
        lead.raw_phone = str(changes["phone"]).strip()[:64]
        lead.line_type = phone_parse(str(lead.phone)).line_type
    if not made:
        return lead
    if made.keys() & {"phone", "state", "postal_code"}:
        own = _zones(phone_parse(str(lead.phone)), lead.state, lead.postal_code)
        # What came from elsewhere, such as a merge, stays: the strictest of all zones counts.
        lead.time_zones = [*own, *(z for z in lead.time_zones if z not in (*own, *old_zones))]
    lead.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            lead.save(update_fields=[*made, "raw_phone", "line_type", "time_zones", "updated_at"])
    except IntegrityError:
        other = Lead.objects.filter(phone=lead.phone).exclude(pk=lead_id).values_list("pk").first()
        if other is None:
            raise
        raise LeadExists(other[0]) from None
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.EDIT,
        text=edit_words(made),
        actor=actor,
        data={"fields": sorted(made)},
        at=now,
    )
    return lead


@transaction.atomic
def lead_stage_set(
    *,
    lead_id: UUID,
    stage: str,
    reason: str,
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
) -> Lead:
    """Move a lead to a stage, and say why in its timeline.

    Without an actor the product itself moves it, and only forward: a lead with an appointment does
    not fall back because somebody reached it again. What may not change stays, without an error.

    Raises:
        ValidationError: a person may not move it so; says why and what to do.
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    new = Lead.Stage(stage)
    if not stage_may_change(lead.stage, new, by_person=actor is not None):
        return lead
    if actor is not None:
        problem = stage_problem(
            lead.stage,
            new,
            reason=reason,
            was_called=lead.calls.filter(dialed_at__isnull=False).exists(),
            has_meeting=lead.appointments.filter(status__in=_MEETINGS).exists(),
        )
        if problem:
            raise ValidationError({"stage": problem})
    old = Lead.Stage(lead.stage)
    lead.stage = new
    lead.save(update_fields=["stage", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.STAGE,
        text=f"Stage changed from {old.label} to {new.label}" + (f": {reason}" if reason else "."),
        call_id=call_id,
        actor=actor,
        data={"from": old.value, "to": new.value},
    )
    if new == Lead.Stage.QUALIFIED:
        return lead_reassign(lead_id=lead.pk, trigger="qualified", now=timezone.now())
    return lead


def _cleaned(name: str, value: Any) -> Any:
    if name == "phone":
        return phone_parse(str(value)).e164
    if name == "state":
        return _state(value)
    return value.strip() if isinstance(value, str) else value


def _state(code: str) -> str:
    code = code.strip().upper()
    if code and code not in states():
        raise ValidationError({"state": f"“{code}” is not a US state. Write two letters: FL."})
    return code


def _zones(number: Phone, state: str, postal_code: str) -> list[str]:
    # Five digits are a postal code in many countries: only beside a US state or number do they
    # surely tell a place in the US.
    american = state or number.e164.startswith("+1")
    return list(
        candidate_zones(number.time_zones, state=state, postal_code=postal_code if american else "")
    )
