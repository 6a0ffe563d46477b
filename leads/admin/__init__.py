"""Leads on the manager's desk."""

from leads.admin import (
    appointment,
    audit,
    history,
    imports,
    lead,
    merge,
    number_lists,
    permission,
)

__all__ = [
    "appointment",
    "audit",
    "history",
    "imports",
    "lead",
    "merge",
    "number_lists",
    "permission",
]
