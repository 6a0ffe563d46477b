"""Campaigns, calls and what is kept of them, on the manager's desk."""

from calls.admin import (
    call,
    campaign,
    comparison,
    enrolment,
    jobs,
    phone,
    plumbing,
    switch,
    webhook,
)

__all__ = [
    "call",
    "campaign",
    "comparison",
    "enrolment",
    "jobs",
    "phone",
    "plumbing",
    "switch",
    "webhook",
]
