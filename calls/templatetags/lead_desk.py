"""The part of a lead's page that calls know about.

The page belongs to `leads`, which knows nothing of calls: the template brings both together.
"""

from __future__ import annotations

from django import template
from django.utils import timezone

from calls.desk import lead as reads
from calls.models import Call
from leads.models import Lead
from leads.policy.may_call import Decision

register = template.Library()


@register.simple_tag
def lead_verdict(lead: Lead) -> Decision:
    """Return whether the lead may be called now, and every reason why not."""
    return reads.lead_verdict(lead, now=timezone.now())


@register.simple_tag
def lead_calls(lead: Lead) -> list[Call]:
    """Return the lead's calls, newest first."""
    return reads.lead_calls(lead)


@register.simple_tag
def lead_campaigns(lead: Lead) -> list[reads.LeadCampaign]:
    """Return the campaigns that the lead is in."""
    return reads.lead_campaigns(lead)
