"""Read the carrier's prices for calls and numbers; what has changed holds from today on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.models import Price
from billing.pricing_api import PricingFailed
from billing.services.price_refresh import PROVIDER, Refreshed, prices_refresh, rents_refresh

_WORDS = {
    "same": "as before",
    "changed": "taken over",
    "doubtful": "NOT taken over: look at it, then run again with --accept-large",
    "refused": "NOT taken over",
}


class Command(BaseCommand):
    """Old prices stay for what was charged by them. Safe to run twice; run it every week."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--regions", help="such as US,CA; all that have prices if not given")
        parser.add_argument("--dry-run", action="store_true", help="compare only")
        parser.add_argument(
            "--accept-large", action="store_true", help="also changes of three times and more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        failures = 0
        for region in _regions(options["regions"]):
            for refresh in (prices_refresh, rents_refresh):
                try:
                    rows = refresh(
                        region=region,
                        now=now,
                        write=not options["dry_run"],
                        accept_large=options["accept_large"],
                    )
                except PricingFailed as error:
                    failures += 1
                    self.stderr.write(str(error))
                    continue
                for row in rows:
                    failures += row.result in {"doubtful", "refused"}
                    self.stdout.write(_line(row, dry=options["dry_run"]))
        if failures:
            raise CommandError(f"{failures} could not be taken over; the old prices hold.")


def _regions(given: str | None) -> list[str]:
    if given:
        regions = [part.strip().upper() for part in given.split(",") if part.strip()]
        wrong = [part for part in regions if len(part) != 2 or not part.isalpha()]
        if wrong or not regions:
            raise CommandError(f"--regions takes two-letter codes such as US,CA, not {given!r}.")
        return regions
    rows = Price.objects.filter(provider=PROVIDER, component__startswith="telephony")
    found = rows.exclude(region="*").order_by("region").values_list("region", flat=True)
    return list(found.distinct())


def _line(row: Refreshed, *, dry: bool) -> str:
    before = "none" if row.before is None else f"{row.before.normalize():f}"
    words = "would be taken over" if dry and row.result == "changed" else _WORDS[row.result]
    what = row.component if row.model == "*" else f"{row.component} ({row.model})"
    text = f"{row.region} {what:<14} {before} -> {row.after.normalize():f}  {words}"
    return f"{text}: {row.problem}" if row.problem else text
