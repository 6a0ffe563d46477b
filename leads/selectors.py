"""Reads of leads that are more than a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.db.models import CharField, ExpressionWrapper, F

from leads.calendars import free_slots
from leads.csv_lines import csv_lines
from leads.models import Consent, DoNotCall, ImportBatch, Lead
from leads.number_facts import number_facts
from leads.policy.may_call import CallFacts
from leads.policy.places import plausible_states
from leads.policy.slots import FreeSlot
from leads.policy.windows import CampaignWindow

__all__ = [
    "FreeSlot",
    "call_facts",
    "do_not_call_rows",
    "free_slots",
    "import_error_rows",
]


def call_facts(
    lead: Lead,
    *,
    attempts_at: Sequence[datetime],
    campaign_window: CampaignWindow | None = None,
    campaign_running: bool = True,
    campaign_attempts: int = 0,
    campaign_max_attempts: int | None = None,
    california_override: str = "",
    on_call: bool = False,
    kill_switch: bool = False,
    budget_exhausted: bool = False,
) -> CallFacts:
    """Gather what `may_call` decides on. Two queries; what others know is passed in.

    Args:
        attempts_at: when the number was called, over all campaigns, at least of the last 7 days.
        california_override: why the campaign may call California; empty: it may not.
    """
    number = str(lead.phone)
    consents = list(
        Consent.objects.filter(
            lead=lead, phone=number, kind=Consent.Kind.EXPRESS_WRITTEN
        ).values_list("given_at", "revoked_at")
    )
    valid = [given_at for given_at, revoked_at in consents if revoked_at is None]
    about = number_facts(lead)
    # The rules of every state that the lead may be in hold.
    states = plausible_states(number=number, state=lead.state, postal_code=lead.postal_code)
    return CallFacts(
        time_zones=tuple(str(zone) for zone in lead.time_zones),
        states=tuple(sorted(states)),
        has_consent=bool(valid),
        consent_was_revoked=bool(consents) and not valid,
        consent_on=max(valid).date() if valid else None,
        do_not_call=about.do_not_call,
        national=about.national,
        national_blocks=about.national_blocks,
        stale_national_blocks=about.stale_national_blocks,
        reassigned=about.reassigned,
        stale_reassigned_blocks=about.stale_reassigned_blocks,
        attempts_at=tuple(attempts_at),
        on_call=on_call,
        kill_switch=kill_switch,
        budget_exhausted=budget_exhausted,
        campaign_running=campaign_running,
        campaign_attempts=campaign_attempts,
        campaign_max_attempts=campaign_max_attempts,
        campaign_window=campaign_window or CampaignWindow(),
        overridden_states=frozenset({"CA"}) if california_override.strip() else frozenset(),
    )


def import_error_rows(batch: ImportBatch) -> Iterator[str]:
    """Yield, as CSV, every row of an import that has something to say, with its own cells."""
    rows = batch.rows.exclude(reason="").order_by("number")
    remarks = rows.values_list("number", "verdict", "reason", "values").iterator(chunk_size=1000)
    return csv_lines(
        ["row", "verdict", "reason", *batch.columns],
        (
            [number, verdict, reason, *values.get("cells", ())]
            for number, verdict, reason, values in remarks
        ),
    )


def do_not_call_rows() -> Iterator[str]:
    """Yield the whole do-not-call list as CSV, oldest first. Numbers without "+": no formulas."""
    e164 = ExpressionWrapper(F("phone"), output_field=CharField())
    rows = DoNotCall.objects.order_by("created_at", "pk").annotate(e164=e164)
    listed = rows.values_list("e164", "source", "reason", "created_at").iterator(chunk_size=2000)
    return csv_lines(
        ["number", "source", "reason", "since_utc"],
        (
            [number.removeprefix("+"), source, reason, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"]
            for number, source, reason, at in listed
        ),
    )
