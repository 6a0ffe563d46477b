"""Writing playbooks: each change is a version, versions never change, and one of them is live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script
from agents.selectors import playbook_script, playbook_version_current
from leads.services.audit import audit_record

DATA = Path(__file__).resolve().parent.parent / "data"
SHIPPED: Mapping[str, tuple[str, str, str]] = {
    # name: file, kind of lead, description
    "Seller": ("seller.toml", "seller", "An owner who may sell: qualify and book a visit."),
    "Buyer": ("buyer.toml", "buyer", "Somebody who looks for a home: qualify and book a talk."),
    "Renter and landlord": (
        "renter_landlord.toml",
        "renter",
        "Somebody who looks for a home to rent, or has one to rent out.",
    ),
    "Old lead": (
        "old_lead.toml",
        "seller",
        "Somebody who asked about a move long ago: find out where things stand.",
    ),
}


class PlaybookChanged(Exception):  # noqa: N818 - says what happened
    """The playbook was changed since it was read. `newest` is what is there now."""

    def __init__(self, newest: PlaybookVersion) -> None:
        super().__init__(f"{newest.playbook} was changed meanwhile: version {newest.number}")
        self.newest = newest


@transaction.atomic
def playbook_version_save(
    *,
    playbook_id: UUID,
    script: Script | Mapping[str, Any],
    note: str = "",
    author: AbstractBaseUser | None = None,
    based_on: int | None = None,
) -> PlaybookVersion:
    """Keep `script` as the playbook's newest version, a draft, and return it.

    Saving what is already the newest version returns that version.

    Args:
        based_on: the number of the version that was read and edited; 0 if there was none.

    Raises:
        ScriptInvalid: the script cannot be used; its faults say why.
        PlaybookChanged: somebody has saved a version after `based_on`. Nothing was saved.
        Playbook.DoesNotExist: there is no such playbook.
    """
    checked = Script.checked(script.model_dump() if isinstance(script, Script) else script)
    # The row is the queue: two writers of one playbook take turns.
    playbook = Playbook.objects.select_for_update().get(id=playbook_id)
    newest = playbook.versions.order_by("-number").first()
    if newest is not None and _says(newest, checked):
        return newest
    if newest is not None and based_on is not None and newest.number != based_on:
        raise PlaybookChanged(newest)
    version = PlaybookVersion(
        playbook=playbook,
        number=newest.number + 1 if newest else 1,
        script=checked.model_dump(mode="json"),
        note=note,
        author_id=author.pk if author else None,
    )
    version.full_clean()
    version.save()
    return version


def _says(version: PlaybookVersion, script: Script) -> bool:
    try:
        return playbook_script(version) == script
    except ValidationError:  # written when a playbook had another form
        return False


@transaction.atomic
def playbook_version_publish(
    *, version_id: UUID, actor: AbstractBaseUser | None = None
) -> PlaybookVersion:
    """Let calls begin with a version from now on, and return it. Running calls keep theirs.

    Publishing the live version again changes nothing. Who published is kept in the audit.

    Raises:
        ScriptInvalid: the script breaks a rule that has come since it was saved.
        PlaybookVersion.DoesNotExist: there is no such version.
    """
    version = PlaybookVersion.objects.select_related("playbook").get(id=version_id)
    Playbook.objects.select_for_update().get(id=version.playbook_id)
    if playbook_version_current(version.playbook_id) == version:
        return version
    Script.checked(version.script)
    version.published_at = timezone.now()
    version.save(update_fields=["published_at"])
    if actor is not None:
        text = f"Version {version.number} of the playbook “{version.playbook}” went live."
        audit_record(action="settings", text=text, actor=actor, subject=version)
    return version


@transaction.atomic
def playbook_publish(
    *,
    playbook_id: UUID,
    script: Script | Mapping[str, Any],
    note: str = "",
    author: AbstractBaseUser | None = None,
) -> PlaybookVersion:
    """Save `script` as the playbook's newest version and let calls begin with it at once.

    Raises:
        ScriptInvalid: the script cannot be used; its faults say why.
        Playbook.DoesNotExist: there is no such playbook.
    """
    version = playbook_version_save(
        playbook_id=playbook_id, script=script, note=note, author=author
    )
    return playbook_version_publish(version_id=version.id, actor=author)


@transaction.atomic
def playbook_create(
    *,
    name: str,
    lead_kind: str,
    script: Script | Mapping[str, Any],
    description: str = "",
    note: str = "",
    author: AbstractBaseUser | None = None,
) -> PlaybookVersion:
    """Make a playbook, and return its first version, a draft.

    Raises:
        ScriptInvalid: the script cannot be used; its faults say why.
        ValidationError: the name is taken or empty, or there is no such kind of lead.
    """
    playbook = Playbook(name=name.strip(), lead_kind=lead_kind, description=description.strip())
    playbook.full_clean()
    playbook.save()
    return playbook_version_save(playbook_id=playbook.id, script=script, note=note, author=author)


@transaction.atomic
def playbook_details_change(
    *, playbook_id: UUID, name: str, lead_kind: str, description: str
) -> Playbook:
    """Change what a playbook is called and for whom it is. Its versions stay.

    Raises:
        ValidationError: the name is taken or empty, or there is no such kind of lead.
        Playbook.DoesNotExist: there is no such playbook.
    """
    playbook = Playbook.objects.select_for_update().get(id=playbook_id)
    playbook.name, playbook.lead_kind = name.strip(), lead_kind
    playbook.description = description.strip()
    playbook.full_clean()
    playbook.save()
    return playbook


@transaction.atomic
def playbook_roll_back(
    *, version_id: UUID, author: AbstractBaseUser | None = None
) -> PlaybookVersion:
    """Let calls begin with the words of an earlier version again, as a version of its own.

    Raises:
        ScriptInvalid: the script breaks a rule that has come since it was saved.
        PlaybookVersion.DoesNotExist: there is no such version.
    """
    earlier = PlaybookVersion.objects.get(id=version_id)
    return playbook_publish(
        playbook_id=earlier.playbook_id,
        script=earlier.script,
        note=f"Back to version {earlier.number}.",
        author=author,
    )


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
        version = playbook_version_current(playbook.id)
        if version is None:
            version = playbook_publish(
                playbook_id=playbook.id, script=Script.from_toml(DATA / file), note="As shipped."
            )
        versions.append(version)
    return versions
