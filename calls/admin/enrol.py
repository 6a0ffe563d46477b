"""Put leads into a campaign: choose by what they are, see how many, confirm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from calls.models import Campaign
from calls.selectors import leads_to_enrol
from calls.services.campaigns import leads_enrol
from leads.models import Consent, ImportBatch, Lead

ANY = ("", "Any")


class ChoiceForm(forms.Form):
    """Which leads. An empty field takes all."""

    kind = forms.ChoiceField(choices=[ANY, *Lead.Kind.choices], required=False)
    stage = forms.ChoiceField(choices=[ANY, *Lead.Stage.choices], required=False)
    state = forms.CharField(max_length=2, required=False, label="US state")
    source = forms.CharField(max_length=80, required=False)
    batch = forms.ModelChoiceField(
        queryset=ImportBatch.objects.filter(committed_at__isnull=False).order_by("-created_at"),
        required=False,
        empty_label="Any",
        label="Imported with",
    )

    def leads(self, campaign: Campaign) -> QuerySet[Lead]:
        """Return the chosen leads that are not waiting in the campaign already."""
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        return leads_to_enrol(campaign_id=campaign.pk, **chosen)


def enrol_page(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show how many leads the choice holds, and enrol them when confirmed."""
    if not request.user.has_perm("calls.change_campaign"):
        raise PermissionDenied
    campaign = Campaign.objects.filter(pk=object_id).first()
    if campaign is None:
        raise Http404("There is no such campaign.")
    back = reverse("admin:calls_campaign_change", args=(campaign.pk,))
    form = ChoiceForm(request.POST if request.method == "POST" else request.GET)
    leads = form.leads(campaign) if form.is_valid() else Lead.objects.none()
    if request.method == "POST" and form.is_valid():
        count = leads_enrol(
            campaign_id=campaign.pk,
            lead_ids=list(leads.values_list("pk", flat=True)),
            now=timezone.now(),
        )
        messages.success(request, f"{count:,} leads wait in {campaign} now.")
        return HttpResponseRedirect(back)
    consent = Consent.objects.filter(lead=OuterRef("pk"), revoked_at__isnull=True)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Campaign._meta,
        "title": f"Enrol leads in {campaign}",
        "campaign": campaign,
        "form": form,
        "count": leads.count(),
        "without_consent": leads.exclude(Exists(consent)).count(),
        "back": back,
    }
    return TemplateResponse(request, "desk/enrol.html", context)
