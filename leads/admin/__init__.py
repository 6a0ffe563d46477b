"""Leads on the manager's desk."""

from leads.admin import appointment, history, imports, lead, merge, permission

__all__ = ["appointment", "history", "imports", "lead", "merge", "permission"]
