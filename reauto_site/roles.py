"""Roles as data (roles.toml): groups with exactly the permissions that stand there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

_FILE = Path(__file__).parent / "roles.toml"
_VERBS = frozenset({"view", "add", "change", "delete"})
APPS = ("leads", "billing", "agents", "calls", "auth")


class UnknownRight(ValueError):  # noqa: N818 - says what is wrong
    """A role names a model or a permission that there is not."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its name, what it is for, and its permissions as "app.codename"."""

    name: str
    about: str
    permissions: frozenset[str]


@cache
def roles() -> tuple[Role, ...]:
    """Return all roles.

    Raises:
        UnknownRight: the file names something that there is not.
    """
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Role(name, str(about.pop("about")), frozenset(_permissions(name, about)))
        for name, about in data.items()
    )


@transaction.atomic
def roles_sync() -> list[str]:
    """Make the groups be what the file says, whatever was changed in them. Safe to repeat.

    Returns:
        The names of the groups that were not as they should be.
    """
    for label in APPS:
        create_permissions(apps.get_app_config(label), verbosity=0)
    known = {
        f"{app}.{codename}": pk
        for app, codename, pk in Permission.objects.filter(
            content_type__app_label__in=APPS
        ).values_list("content_type__app_label", "codename", "pk")
    }
    changed = []
    for role in roles():
        missing = sorted(role.permissions - known.keys())
        if missing:
            raise UnknownRight(f"{role.name} names permissions that there are not: {missing[0]}.")
        group, _ = Group.objects.get_or_create(name=role.name)
        wanted = {known[name] for name in role.permissions}
        if set(group.permissions.values_list("pk", flat=True)) != wanted:
            group.permissions.set(wanted)
            changed.append(role.name)
    return changed


def _permissions(role: str, rules: dict[str, str]) -> Iterable[str]:
    for key, verbs in rules.items():
        label, _, model = key.partition(".")
        models = [m._meta.model_name or "" for m in apps.get_app_config(label).get_models()]
        named = {other.partition(".")[2] for other in rules if other.startswith(f"{label}.")}
        if model == "*":
            chosen = [name for name in models if name not in named]
        elif model in models:
            chosen = [model]
        else:
            raise UnknownRight(f"{role} names {key}, and there is no such model.")
        for name in chosen:
            for verb in verbs.split():
                yield f"{label}.{verb}_{name}" if verb in _VERBS else f"{label}.{verb}"
