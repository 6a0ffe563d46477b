"""What calls know of a lead: may it be called now, its calls, its campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.standing import budgets_for, standings
from calls.models import Call, Enrolment
from calls.policy.explanation import REASONS
from calls.selectors import kill_switch_engaged
from leads.models import Lead
from leads.policy.may_call import Decision, may_call
from leads.selectors import call_facts

MOST = 100


@dataclass(frozen=True, slots=True)
class LeadCampaign:
    """A lead's place in one campaign."""

    enrolment: Enrolment
    why_not: list[str]


def lead_verdict(lead: Lead, *, now: datetime) -> Decision:
    """Return whether the lead may be called now, whatever the campaign."""
    attempts = Call.objects.filter(
        to_number=lead.phone,
        direction=Call.Direction.OUTBOUND,
        dialed_at__gt=now - timedelta(days=31),
    ).values_list("dialed_at", flat=True)
    facts = call_facts(
        lead,
        attempts_at=[at for at in attempts if at is not None],
        on_call=Call.objects.filter(lead=lead, state__in=Call.ACTIVE_STATES).exists(),
        kill_switch=kill_switch_engaged(),
        budget_exhausted=_account_budget_used_up(now),
    )
    return may_call(facts, now=now)


def _account_budget_used_up(now: datetime) -> bool:
    """Whether a budget that binds every call has nothing left, whatever the campaign."""
    return any(
        standing.period.committed >= standing.limit
        for standing in standings(budgets_for(None), now=now)
    )


def lead_calls(lead: Lead) -> list[Call]:
    """Return the lead's calls, newest first."""
    return list(lead.calls.select_related("campaign").order_by("-created_at")[:MOST])


def lead_campaigns(lead: Lead) -> list[LeadCampaign]:
    """Return the campaigns that the lead is in."""
    return [
        LeadCampaign(row, [REASONS.get(code, code) for code in row.blocked_reasons])
        for row in lead.enrolments.select_related("campaign").order_by("-created_at")
    ]
