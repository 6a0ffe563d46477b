"""Put the roles back to what the product ships."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reauto_site.roles import roles, roles_sync


class Command(BaseCommand):
    """Safe to run at any time; `migrate` does it too."""

    help = "Make the groups Owner, Manager, Rep, Compliance and Read-only be as they ship."

    def handle(self, *_args: Any, **_options: Any) -> None:
        changed = roles_sync()
        for role in roles():
            standing = "put right" if role.name in changed else "as it should be"
            self.stdout.write(
                f"{role.name}: {len(role.permissions)} permissions, {standing}. {role.about}"
            )
