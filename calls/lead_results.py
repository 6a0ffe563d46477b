"""What came of the calls to leads, for whoever shows leads without knowing calls."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.urls import reverse

from calls.models import Call, Recording


def call_results(lead_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return outcome, time, summary and recording of each lead's last call, and what all cost.

    Keys are those of `leads.policy.sheet_columns.RESULTS`. Leads that were never called are not
    in it. Three queries.
    """
    ended = Call.objects.filter(lead_id__in=lead_ids, ended_at__isnull=False)
    results: dict[UUID, dict[str, Any]] = {
        lead_id: {"cost": total}
        for lead_id, total in ended.order_by().values_list("lead_id").annotate(Sum("cost"))
    }
    last: dict[UUID, Call] = {}
    for call in ended.order_by("ended_at").only("lead_id", "outcome", "summary", "ended_at"):
        last[call.lead_id] = call
    recorded = set(
        Recording.objects.filter(
            call_id__in=[call.pk for call in last.values()], state=Recording.State.STORED
        ).values_list("call_id", flat=True)
    )
    base = settings.ENV.public_base_url
    for lead_id, call in last.items():
        page = reverse("admin:calls_call_change", args=(call.pk,))
        results[lead_id] |= {
            "outcome": call.get_outcome_display(),
            "last_call": call.ended_at,
            "summary": call.summary,
            "recording": f"{base}{page}" if call.pk in recorded else "",
        }
    return results
