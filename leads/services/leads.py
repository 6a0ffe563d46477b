"""Leads come into being and move through their stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from leads.models import Appointment, Lead, TimelineEntry
from leads.policy.phones import InvalidPhone, candidate_zones, phone_parse
from leads.policy.places import states
from leads.policy.stages import stage_may_change, stage_problem
from leads.services.timeline import timeline_add

__all__ = ["InvalidPhone", "LeadExists", "lead_create", "lead_stage_set"]

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
    """Create a lead from what a person or a file gave.

    Args:
        phone: the number as typed; kept as `raw_phone` beside its E.164 form.
        region: country whose numbers may be written without their country code.
        state: two-letter US state of the address; adds its time zones to the number's.

    Raises:
        InvalidPhone: with what is wrong with the number.
        LeadExists: another lead has the number.
        ValidationError: another field is wrong; names it.
    """
    number = phone_parse(phone, region=region)
    state = state.strip().upper()
    if state and state not in states():
        raise ValidationError({"state": f"“{state}” is not a US state. Write two letters: FL."})
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
        time_zones=list(candidate_zones(number.time_zones, state=state)),
        source=source.strip(),
        tags=list(tags),
        custom_fields=dict(custom_fields or {}),
        owner_id=owner_id,
    )
    lead.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            lead.save(force_insert=True)
            timeline_add(
                lead_id=lead.pk,
                kind=TimelineEntry.Kind.CREATED,
                text=f"Lead created from {lead.source}." if lead.source else "Lead created.",
                actor=actor,
                key=f"created:{lead.pk}",
                at=now,
            )
    except IntegrityError:
        other = Lead.objects.filter(phone=number.e164).values_list("pk", flat=True).first()
        if other is None:
            raise
        raise LeadExists(other) from None
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
    return lead
