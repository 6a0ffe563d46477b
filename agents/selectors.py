"""Reads of playbooks."""

from __future__ import annotations

from uuid import UUID

from agents.models import PlaybookVersion
from agents.playbook import Script


def playbook_version_current(playbook_id: UUID) -> PlaybookVersion | None:
    """Return the playbook's newest version, None if it has none yet."""
    return (
        PlaybookVersion.objects.filter(playbook_id=playbook_id)
        .select_related("playbook")
        .order_by("-number")
        .first()
    )


def playbook_script(version: PlaybookVersion) -> Script:
    """Return the script of a version. Raises `ScriptInvalid` if it was not published by us."""
    return Script.checked(version.script)
