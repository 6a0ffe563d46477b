"""Campaigns, calls and what is kept of them, on the manager's desk."""

from calls.admin import (
    call,
    caller_number,
    campaign,
    comparison,
    enrolment,
    jobs,
    phone,
    plumbing,
    switch,
    webhook,
    webhook_delivery,
)

__all__ = [
    "call",
    "caller_number",
    "campaign",
    "comparison",
    "enrolment",
    "jobs",
    "phone",
    "plumbing",
    "switch",
    "webhook",
    "webhook_delivery",
]
