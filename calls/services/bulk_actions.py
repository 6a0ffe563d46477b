"""What calls add to what can be done to many leads at once: enrol, and score anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from agents.scoring import score
from calls.models import Call, Campaign, Enrolment
from calls.selectors import notes_of
from calls.services.aftercall import lead_spoke
from calls.services.campaigns import leads_enrol
from leads.models import BulkChange, DoNotCall, Lead
from leads.services import lead_score_record
from leads.services.bulk import Before, BulkAction

_STATE = Enrolment.State


def _enrol(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    campaign = Campaign.objects.filter(pk=change.options["campaign"]).first()
    if campaign is None:
        raise ValidationError("The campaign is gone.")
    barred = set(
        DoNotCall.objects.filter(phone__in=[lead.phone for lead in leads]).values_list(
            "phone", flat=True
        )
    )
    states = dict(
        Enrolment.objects.filter(campaign=campaign, lead__in=leads).values_list("lead_id", "state")
    )
    wanted = [
        lead.pk
        for lead in leads
        if lead.phone not in barred and states.get(lead.pk, _STATE.STOPPED) == _STATE.STOPPED
    ]
    leads_enrol(campaign_id=campaign.pk, lead_ids=wanted, now=now)
    return dict.fromkeys(wanted, True)


def _enrol_undo(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    """Stop those who wait and were never called; who was called has a history to keep."""
    return Enrolment.objects.filter(
        campaign_id=change.options["campaign"],
        lead__in=list(was),
        state=_STATE.WAITING,
        attempts=0,
    ).update(state=_STATE.STOPPED, updated_at=now)


def _rescore(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    """Score each lead's last conversation with the scorer of today; a score set by hand stays."""
    before: Before = {}
    calls = Call.objects.filter(lead__in=leads, settled_at__isnull=False).order_by("created_at")
    newest = {call.lead_id: call for call in calls if lead_spoke(call)}
    for lead in leads:
        call = newest.get(lead.pk)
        if call is None:
            continue
        result = score(notes_of(call))
        lead_score_record(
            lead_id=lead.pk,
            call_id=call.pk,
            value=result.value,
            scorer_version=result.version,
            factors=result.factors,
            now=now,
        )
        if result.value != lead.score:
            before[lead.pk] = lead.score
    return before


ACTIONS = (BulkAction("enrol", _enrol, _enrol_undo), BulkAction("rescore", _rescore, chunk=25))
