"""Change a campaign, also while it runs: only what was changed, and nothing that does harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from calls.models import CallerNumber, Campaign
from calls.services.guards import harmful_changes
from leads.services.audit import audit_record

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEPT_BY_THE_DIALER = frozenset({"state", "turn", "next_dial_at", "held_until", "held_reason"})


class ChangesRefused(Exception):  # noqa: N818 - says what happened
    """A running campaign cannot be changed so. `problems`: field -> why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@transaction.atomic
def campaign_edit(
    *, campaign: Campaign, changed: Iterable[str], actor: User | None, now: datetime
) -> None:
    """Save the changed fields of a campaign. The next call is made by them.

    A call on the line keeps what it began with. State and what the dialer keeps are never written
    from here: they may have changed since the form was opened.

    Args:
        campaign: with the new values.
        changed: the names of the fields that have one.

    Raises:
        ChangesRefused: the campaign runs, and a change would do harm.
    """
    fields = sorted(set(changed) - KEPT_BY_THE_DIALER - {"numbers"})
    now_stored = Campaign.objects.select_for_update().get(pk=campaign.pk)
    problems = harmful_changes(now_stored, {name: getattr(campaign, name) for name in fields})
    if problems:
        raise ChangesRefused(problems)
    campaign.save(update_fields=[*fields, "updated_at"])
    holds_release(Campaign.objects.filter(pk=campaign.pk))
    audit_record(
        action="settings",
        text="Changed a campaign.",
        actor=actor,
        subject=campaign,
        data={"fields": sorted(set(changed))},
        now=now,
    )


@transaction.atomic
def caller_number_save(*, number: CallerNumber) -> None:
    """Save a number's settings, and let campaigns that waited for it go on.

    What has been counted today is left alone: it may have grown since the form was opened.
    """
    number.full_clean()
    if number._state.adding:
        number.save()
    else:
        number.save(update_fields=["number", "active", "daily_cap"])
    holds_release(Campaign.objects.filter(numbers=number))


def holds_release(campaigns: Any) -> None:
    """Let the dialer look at campaigns again that it passes over."""
    Campaign.objects.filter(pk__in=campaigns.values("pk"), held_until__isnull=False).update(
        held_until=None, held_reason=""
    )
