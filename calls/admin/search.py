"""What Ctrl-K finds: leads by name or number, and campaigns."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from calls.models import Campaign
from leads.access import leads_seen
from leads.formats import national
from leads.models import Lead

MOST = 10


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Return the first matches that the viewer may see."""
    found: list[SearchResult] = []
    if request.user.has_perm("leads.view_lead"):
        # The list's own search, so that both find the same.
        leads, _ = admin.site._registry[Lead].get_search_results(
            request, leads_seen(request.user).order_by("last_name", "first_name"), term
        )
        found += [
            SearchResult(
                title=lead.full_name or national(lead.phone),
                description=f"Lead, {national(lead.phone)}",
                link=reverse("admin:leads_lead_change", args=(lead.pk,)),
                icon="person",
            )
            for lead in leads[:MOST]
        ]
    if request.user.has_perm("calls.view_campaign"):
        found += [
            SearchResult(
                title=campaign.name,
                description=f"Campaign, {campaign.get_state_display().lower()}",
                link=reverse("admin:calls_campaign_change", args=(campaign.pk,)),
                icon="campaign",
            )
            for campaign in Campaign.objects.filter(name__icontains=term)[:MOST]
        ]
    return found
