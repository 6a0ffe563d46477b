"""Leads on the manager's desk."""

from leads.admin import appointment, history, lead, permission

__all__ = ["appointment", "history", "lead", "permission"]
