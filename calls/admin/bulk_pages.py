"""What calls add to the actions on many leads: enrol in a campaign, score anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from calls.models import Campaign
from leads.admin.bulk import BulkPage, Counts
from leads.models import Consent, DoNotCall, Lead


class CampaignForm(forms.Form):
    """Which campaign."""

    campaign = forms.ModelChoiceField(
        queryset=Campaign.objects.exclude(state=Campaign.State.FINISHED), empty_label=None
    )


def _callable(leads: QuerySet[Lead]) -> Counts:
    consent = Consent.objects.filter(lead=OuterRef("pk"), revoked_at__isnull=True)
    barred = DoNotCall.objects.filter(phone=OuterRef("phone"))
    without = leads.exclude(Exists(consent)).exclude(Exists(barred)).count()
    counts = [
        ("On the do-not-call list: left out", leads.filter(Exists(barred)).count()),
        ("No valid consent: not called until there is one", without),
    ]
    return [row for row in counts if row[1]]


def _enrol_title(options: Mapping[str, Any], count: int) -> str:
    campaign = Campaign.objects.filter(pk=options["campaign"]).first()
    return f"Enrol {count:,} lead{'' if count == 1 else 's'} in {campaign}"


PAGES = (
    BulkPage(
        key="enrol",
        label="Enrol in a campaign…",
        permission="calls.change_campaign",
        form=CampaignForm,
        options=lambda data: {"campaign": str(data["campaign"].pk)},
        title=_enrol_title,
        now_is=_callable,
        lines=(
            "Leads that wait in the campaign already, or are done with it, stay as they are.",
            "A campaign that runs begins to call them; another one when it is started. Every lead "
            "is checked again when its turn comes.",
            "The undo takes out those who have not been called by then.",
        ),
        button="Enrol",
    ),
    BulkPage(
        key="rescore",
        label="Score anew…",
        permission="leads.change_lead",
        title=lambda options, count: f"Score {count:,} lead{'' if count == 1 else 's'} anew",
        lines=(
            "Each lead's last conversation is scored with the rules of today, which takes a few "
            "milliseconds a lead; leads without a conversation stay as they are.",
            "A score that was set by hand stays.",
            "It cannot be undone, as the rules give the same score each time; the old scorings "
            "stay on each lead's page.",
        ),
        button="Score anew",
    ),
)
