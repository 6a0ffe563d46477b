"""Reads of playbooks that are more than a filter."""

from __future__ import annotations

from uuid import UUID

from agents.models import PlaybookVersion


def playbook_version_current(playbook_id: UUID) -> PlaybookVersion | None:
    """Return the newest version of a playbook, `None` while it has none."""
    return PlaybookVersion.objects.filter(playbook_id=playbook_id).order_by("-number").first()
