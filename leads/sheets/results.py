"""What is written into a linked sheet about a lead: stage, score, appointment, and its calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.module_loading import import_string

from leads.models import Appointment, Lead


def results_of(lead_ids: Collection[UUID], *, now: datetime) -> dict[UUID, dict[str, Any]]:
    """Return the results of leads, by the names of `leads.policy.sheet_columns.RESULTS`.

    The number of queries does not depend on how many leads there are.
    """
    results: dict[UUID, dict[str, Any]] = {
        lead_id: {"stage": Lead.Stage(stage).label, "score": score}
        for lead_id, stage, score in Lead.objects.filter(pk__in=lead_ids)
        .order_by()
        .values_list("pk", "stage", "score")
    }
    coming = Appointment.objects.filter(
        lead_id__in=lead_ids, status=Appointment.Status.BOOKED, ends_at__gt=now
    ).order_by("-starts_at")
    for lead_id, starts_at in coming.values_list("lead_id", "starts_at"):
        results[lead_id]["appointment"] = in_words(starts_at)
    # Calls lie above this app, which therefore asks the settings who knows of them.
    calls: Any = import_string(settings.LEAD_CALL_RESULTS)
    told: Mapping[UUID, Mapping[str, Any]] = calls(lead_ids)
    for lead_id, values in told.items():
        if lead_id in results:
            results[lead_id] |= {
                name: in_words(value) if isinstance(value, datetime) else value
                for name, value in values.items()
            }
    return results


def in_words(moment: datetime) -> str:
    """Return a moment as the sheet shows it, in the account's zone."""
    local = moment.astimezone(ZoneInfo(settings.ENV.account_time_zone))
    return f"{local:%Y-%m-%d %H:%M %Z}"
