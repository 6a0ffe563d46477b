"""Sync linked Google Sheets now, whether they are due or not."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from leads.models import SheetLink
from leads.sheets.errors import SheetsLater
from leads.sheets.sync import SheetBusy, sheet_sync_step, sheets_due

_NAMES = {
    "new": "new leads",
    "update": "leads updated",
    "written": "cells written",
    "added": "leads added to the sheet",
    "conflicts": "conflicts",
    "duplicate": "duplicate rows",
    "invalid": "invalid rows",
    "moved": "rows moved meanwhile",
    "gone": "rows gone from the sheet",
}


class Command(BaseCommand):
    """Do whole passes, one sheet after the other, and say what each did."""

    help = (
        "Sync linked Google Sheets now. Workers do it by themselves when a sheet is due; this is "
        "for impatient people and for schedulers. Ends with 1 if a sheet could not be synced."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--link",
            action="append",
            metavar="ID",
            default=[],
            help="id of a link, or part of the sheet's title; may be repeated (all active ones)",
        )
        parser.add_argument("--due", action="store_true", help="only those that are due")
        parser.add_argument(
            "--patience",
            type=_seconds,
            default=300.0,
            metavar="SECONDS",
            help="how long to wait for Google's quota in all (300)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        links = self._links(options)
        if not links:
            self.stdout.write("No sheet is linked, or none is active: link one in the admin.")
        failed = [link for link in links if not self._sync(link, options["patience"])]
        if failed:
            raise CommandError(f"{len(failed)} of {len(links)} sheets could not be synced.")

    def _links(self, options: dict[str, Any]) -> list[SheetLink]:
        active = SheetLink.objects.filter(state=SheetLink.State.ACTIVE)
        if options["due"]:
            active = active.filter(pk__in=[pk for pk, _ in sheets_due(timezone.now())])
        if not options["link"]:
            return list(active)
        found: dict[UUID, SheetLink] = {}
        for text in options["link"]:
            try:
                which = Q(pk=UUID(text))
            except ValueError:
                which = Q(title__icontains=text) | Q(tab_title__icontains=text)
            links = list(active.filter(which))
            if not links:
                raise CommandError(f"No active link is called “{text}”.")
            found |= {link.pk: link for link in links}
        return list(found.values())

    def _sync(self, link: SheetLink, patience: float) -> bool:
        end = time.monotonic() + patience
        more = True
        while more:
            left = timedelta(seconds=max(end - time.monotonic(), 0))
            try:
                more = sheet_sync_step(link_id=link.pk, seconds=10.0, patience=left)
            except (SheetBusy, SheetsLater) as error:
                self.stderr.write(self.style.ERROR(f"{link}: {error}"))
                return False
        link.refresh_from_db()
        if link.error:
            self.stderr.write(self.style.ERROR(f"{link}: {link.error}"))
            return False
        did = [f"{link.last_counts[key]:,} {name}" for key, name in _NAMES.items()
               if link.last_counts.get(key)]  # fmt: skip
        self.stdout.write(f"{link}: {', '.join(did) or 'nothing to do'}.")
        for row, why in link.last_remarks[:10]:
            self.stdout.write(f"  row {row}: {why}")
        return True


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        raise ArgumentTypeError(f"{text} is no number of seconds")
    return seconds
