"""Delete what has been kept for long enough."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leads.retention import Purged, expired_count, expired_purge, kinds


class Command(BaseCommand):
    """A worker does this every night; here a person can look first, and do it now."""

    help = (
        "Delete what is older than its retention period (System, Retention). In batches: stop it "
        "at any time, and go on later. Consents, do-not-call numbers and costs are kept for ever."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")
        parser.add_argument("--kind", default="", help="only this kind of data")

    def handle(self, *_args: Any, **options: Any) -> None:
        only = options["kind"]
        if only and only not in kinds():
            raise CommandError(f"There is no kind “{only}”. Kinds: {', '.join(kinds())}.")
        now = timezone.now()
        if options["dry_run"]:
            found = expired_count(now=now, only=only)
        else:
            found, _more = expired_purge(now=now, only=only)
        for purged in found:
            self.stdout.write(f"  {self._line(purged, would=options['dry_run'])}")
        if options["dry_run"]:
            self.stdout.write("Nothing is deleted: this was a dry run.")

    def _line(self, purged: Purged, *, would: bool) -> str:
        kind = purged.kind
        if purged.before is None:
            return f"{kind.key}: kept for ever"
        done = "would be deleted" if would else "deleted"
        return (
            f"{kind.key}: {purged.count:,} older than {purged.before:%Y-%m-%d} "
            f"({purged.days} days) {done}"
        )
