"""Reads of playbooks."""

from __future__ import annotations

from uuid import UUID

from agents.models import PlaybookVersion
from agents.playbook import Script


def playbook_version_current(playbook_id: UUID) -> PlaybookVersion | None:
    """Return the version that calls begin with: the one published last. None if none was."""
    return (
        PlaybookVersion.objects.filter(playbook_id=playbook_id, published_at__isnull=False)
        .select_related("playbook")
        .order_by("-published_at", "-number")
        .first()
    )


def playbook_version_newest(playbook_id: UUID) -> PlaybookVersion | None:
    """Return the version that was written last, draft or not. None if there is none yet."""
    return (
        PlaybookVersion.objects.filter(playbook_id=playbook_id)
        .select_related("playbook")
        .order_by("-number")
        .first()
    )


def playbook_script(version: PlaybookVersion) -> Script:
    """Return the script of a version.

    It was checked when it was saved, by the rules of that day: only its form is looked at again.
    """
    return Script.model_validate(version.script)
