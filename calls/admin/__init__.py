"""Campaigns, calls and what is kept of them, on the manager's desk."""

from calls.admin import call, campaign, plumbing, switch

__all__ = ["call", "campaign", "plumbing", "switch"]
