"""Call one lead next: whether it may be called, what it may cost, and by which campaign."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from calls.desk.campaign import price_per_call
from calls.desk.lead import lead_verdict
from calls.models import Campaign, Enrolment
from calls.selectors import enrolment_facts
from calls.services.campaigns import CampaignRefused, call_now
from leads.access import leads_seen
from leads.admin.actor import actor_of
from leads.models import Lead
from leads.policy.may_call import may_call


def call_now_page(request: HttpRequest, lead_id: UUID) -> HttpResponse:
    """Show the verdict and the price first; nothing is dialled before that."""
    if not request.user.has_perm("calls.change_campaign"):
        raise PermissionDenied
    lead = leads_seen(request.user).filter(pk=lead_id).first()
    if lead is None:
        raise Http404("There is no such lead: it was merged or erased, or is not yours.")
    now = timezone.now()
    back = reverse("admin:leads_lead_change", args=(lead.pk,))
    running = list(Campaign.objects.filter(state=Campaign.State.RUNNING).order_by("name")[:50])
    campaign = _chosen(request, running)
    if request.method == "POST" and campaign is not None:
        try:
            call_now(lead_id=lead.pk, campaign_id=campaign.pk, actor=actor_of(request), now=now)
        except CampaignRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{lead} is called next by {campaign}.")
        return HttpResponseRedirect(back)
    price, basis = price_per_call(campaign) if campaign else (None, "")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Call {lead} now",
        "lead": lead,
        "now": now,
        "running": running,
        "campaign": campaign,
        "verdict": _verdict(lead, campaign) if campaign else lead_verdict(lead, now=now),
        "price": price.quantize(Decimal("0.0001")) if price is not None else None,
        "basis": basis,
        "back": back,
    }
    return TemplateResponse(request, "desk/call_now.html", context)


def _chosen(request: HttpRequest, running: list[Campaign]) -> Campaign | None:
    asked = request.POST.get("campaign") or request.GET.get("campaign", "")
    return next((row for row in running if str(row.pk) == asked), running[0] if running else None)


def _verdict(lead: Lead, campaign: Campaign) -> Any:
    now = timezone.now()
    enrolment = Enrolment.objects.filter(lead=lead, campaign=campaign).first()
    enrolment = enrolment or Enrolment(lead=lead, campaign=campaign, due_at=now)
    enrolment.campaign, enrolment.lead = campaign, lead
    return may_call(enrolment_facts(enrolment, now=now), now=now)
