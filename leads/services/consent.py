"""Permission to call is given and withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from leads.models import Consent, Lead, TimelineEntry
from leads.policy.phones import phone_parse
from leads.services.timeline import timeline_add


@transaction.atomic
def consent_give(
    *,
    lead_id: UUID,
    text: str,
    seller: str,
    source: str,
    given_at: datetime,
    kind: str = Consent.Kind.EXPRESS_WRITTEN,
    phone: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
    now: datetime | None = None,
) -> Consent:
    """Keep a consent as evidence. The same one given twice is kept once.

    Args:
        text: the exact words that were shown.
        seller: the business named in those words.
        source: form, file and row, or certificate.
        given_at: when the person agreed.
        phone: number it was given for; the lead's own if not given.
        now: when we learnt of it; this moment if not given.

    Raises:
        ValidationError: the words, the seller or the source are missing.
    """
    for name, value in (("text", text), ("seller", seller), ("source", source)):
        if not value.strip():
            raise ValidationError({name: f"A consent without its {name} proves nothing."})
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    number = phone_parse(phone).e164 if phone else str(lead.phone)
    consent, created = Consent.objects.get_or_create(
        lead=lead,
        kind=Consent.Kind(kind),
        phone=number,
        source=source,
        given_at=given_at,
        defaults={"text": text, "seller": seller, "evidence": dict(evidence or {})},
    )
    if created:
        timeline_add(
            lead_id=lead.pk,
            kind=TimelineEntry.Kind.CONSENT,
            text=f"{Consent.Kind(kind).label} given to {seller} ({source}).",
            call_id=call_id,
            actor=actor,
            key=f"consent:{consent.pk}",
            at=now,
        )
    return consent


@transaction.atomic
def consent_revoke(
    *,
    lead_id: UUID,
    via: str,
    now: datetime,
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
) -> int:
    """Withdraw every consent of a lead, effective at once. Return how many there were.

    Args:
        via: how it was withdrawn, in a few words ("said on a call", "e-mail").
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    consents = Consent.objects.select_for_update().filter(lead=lead, revoked_at__isnull=True)
    count = 0
    for consent in consents:
        # A consent dated after its withdrawal is a clock's mistake, and the withdrawal wins.
        consent.revoked_at = max(now, consent.given_at)
        consent.revoked_via = via[:80]
        consent.save(update_fields=["revoked_at", "revoked_via"])
        count += 1
    if count:
        timeline_add(
            lead_id=lead.pk,
            kind=TimelineEntry.Kind.CONSENT,
            text=f"Consent withdrawn: {via}.",
            call_id=call_id,
            actor=actor,
            at=now,
        )
    return count
