"""The settings of a campaign in a form that refuses what would harm one that runs."""

from __future__ import annotations

from typing import Any

from django import forms

from calls.admin.cadence import CadenceField
from calls.models import Campaign
from calls.services.guards import harmful_changes


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """All settings; each is checked alone, and all together against what is going on."""

    cadence = CadenceField(
        label="After a call that came to nothing", required=False,
        help_text="Times fall inside each lead's permitted hours.",
    )  # fmt: skip

    class Meta:
        model = Campaign
        exclude = ()  # noqa: DJ006 - the admin's fieldsets choose the fields

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("goal_outcome") and not data.get("goal_count"):
            self.add_error("goal_count", "Say how many make the goal.")
        if not self.instance._state.adding and not self.errors:
            changes = {name: data[name] for name in self.changed_data if name in data}
            stored = Campaign.objects.get(pk=self.instance.pk)
            for name, why in harmful_changes(stored, changes).items():
                self.add_error(name if name in self.fields else None, why)
        return data
