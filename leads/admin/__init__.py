"""Leads on the manager's desk."""

from leads.admin import (
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
    sheets,
    task,
    working_time,
)

__all__ = [
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
    "sheets",
    "task",
    "working_time",
]
