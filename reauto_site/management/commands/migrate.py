"""Django's `migrate`, which also brings the roles up to date: a new table has new permissions."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from reauto_site.roles import roles_sync


class Command(DjangoMigrate):
    """Migrate, then sync the roles, unless only a plan or a part was asked for."""

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        partial = options["plan"] or options["check_unapplied"] or options["app_label"]
        there = connections[options["database"]].introspection.table_names()
        if not partial and "auth_group" in there:
            for name in roles_sync():
                if options["verbosity"]:
                    self.stdout.write(f"  Role {name}: permissions brought up to date.")
