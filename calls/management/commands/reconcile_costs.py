"""Compare calls and their costs with the carrier's records."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.formats import usd
from calls.carrier import CarrierError
from calls.desk.variance import variances
from calls.models import CarrierComparison
from calls.services.carrier_lists import calls_compare
from calls.services.reconciliation import SINCE, costs_reconcile
from calls.services.usage_bills import UsageReconciled, usage_reconcile
from calls.services.variance_alerts import variances_watch


class Command(BaseCommand):
    """Correct the ledger by the carrier's prices, and report calls that one side does not know.

    Safe to run twice. Workers and the dialer run it every night by themselves.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=SINCE.days, help="calls that ended since")
        parser.add_argument("--limit", type=int, default=1000, help="calls asked about, at most")
        parser.add_argument("--json", dest="file", type=Path, help="write the result to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1 or options["limit"] < 1:
            raise CommandError("--days and --limit must be at least 1.")
        now = timezone.now()
        since = now - timedelta(days=options["days"])
        done = costs_reconcile(now=now, since=since, limit=options["limit"])
        usage = self._usage(now, since)
        variances_watch(timezone.now())
        rows = variances(since=since)
        for row in rows:
            mark = "  <- look at its price" if row.alerts else ""
            self.stdout.write(
                f"{row.label:<28} {row.calls:>6} calls  estimated {usd(row.estimated):>10}"
                f"  billed {usd(row.actual):>10}  {row.share * 100:+.1f} %{mark}"
            )
        self.stdout.write(
            f"{done.checked} reconciled, {done.waiting} not priced yet, {done.failed} not reached."
        )
        if usage is not None:
            self.stdout.write(
                f"{usage.compared} days or months of a component compared, {usage.waiting} not "
                "billed yet."
            )
        compared = self._compare(now, since)
        if options["file"]:
            options["file"].write_text(
                json.dumps(
                    {
                        "checked": done.checked,
                        "waiting": done.waiting,
                        "failed": done.failed,
                        "differences": None if compared is None else compared.differences,
                        "variances": [
                            {
                                "component": row.component,
                                "calls": row.calls,
                                "estimated": str(row.estimated),
                                "actual": str(row.actual),
                                "alert": row.alerts,
                            }
                            for row in rows
                        ],
                    },
                    indent=2,
                ),
                encoding="utf-8",
            )
        if done.failed or compared is None or usage is None:
            raise CommandError("The carrier could not be asked about every call; run it again.")

    def _usage(self, now: datetime, since: datetime) -> UsageReconciled | None:
        """Compare what is billed by the day; `None` when the carrier could not be asked."""
        try:
            return usage_reconcile(now=now, since=since)
        except CarrierError as error:
            self.stderr.write(f"The carrier's usage records could not be read: {error}")
            return None

    def _compare(self, now: datetime, since: datetime) -> CarrierComparison | None:
        """Compare the lists of calls; `None` when the carrier's could not be read."""
        try:
            compared = calls_compare(now=now, since=since)
        except CarrierError as error:
            self.stderr.write(f"The carrier's list of calls could not be read: {error}")
            return None
        self.stdout.write(
            f"{compared.theirs} calls there, {compared.ours} here, {compared.differences} "
            "differences (System, Carrier records)."
        )
        return compared
