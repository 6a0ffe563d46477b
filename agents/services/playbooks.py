"""Publishing playbooks: each change is a version, and versions never change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script

DATA = Path(__file__).resolve().parent.parent / "data"
SHIPPED: Mapping[str, tuple[str, str, str]] = {
    # name: file, kind of lead, description
    "Seller": ("seller.toml", "seller", "An owner who may sell: qualify and book a visit."),
}


@transaction.atomic
def playbook_publish(
    *,
    playbook_id: UUID,
    script: Script | Mapping[str, Any],
    note: str = "",
    author: AbstractBaseUser | None = None,
) -> PlaybookVersion:
    """Make `script` the playbook's newest version and return it.

    Publishing what is already the newest version returns that version. Running calls keep theirs.

    Raises:
        ScriptInvalid: the script cannot be used; its messages say why.
        Playbook.DoesNotExist: there is no such playbook.
    """
    checked = Script.checked(script.model_dump() if isinstance(script, Script) else script)
    # The row is the queue: two publishers of one playbook take turns.
    playbook = Playbook.objects.select_for_update().get(id=playbook_id)
    data = checked.model_dump(mode="json")
    newest = playbook.versions.order_by("-number").first()
    if newest is not None and newest.script == data:
        return newest
    version = PlaybookVersion(
        playbook=playbook,
        number=newest.number + 1 if newest else 1,
        script=data,
        note=note,
        author_id=author.pk if author else None,
    )
    version.full_clean()
    version.save()
    return version


@transaction.atomic
def playbooks_seed() -> list[PlaybookVersion]:
    """Put the shipped playbooks in the database where they are missing; return their versions.

    A playbook that is there is left as its managers made it.
    """
    versions = []
    for name, (file, kind, description) in SHIPPED.items():
        playbook, _ = Playbook.objects.get_or_create(
            name=name, defaults={"lead_kind": kind, "description": description}
        )
        version = playbook.versions.order_by("-number").first()
        if version is None:
            version = playbook_publish(
                playbook_id=playbook.id, script=Script.from_toml(DATA / file), note="As shipped."
            )
        versions.append(version)
    return versions
