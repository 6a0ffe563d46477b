"""Leads on the manager's desk."""

from leads.admin import (
    access,
    appointment,
    assignment,
    audit,
    bulk,
    history,
    imports,
    lead,
    merge,
    number_lists,
    permission,
    retention,
    sheets,
    task,
    working_time,
)

__all__ = [
    "access",
    "appointment",
    "assignment",
    "audit",
    "bulk",
    "history",
    "imports",
    "lead",
    "merge",
    "number_lists",
    "permission",
    "retention",
    "sheets",
    "task",
    "working_time",
]
