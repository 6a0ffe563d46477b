"""Test the promise of less than $0.10 a call on simulated campaigns at the list prices."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.formats import usd
from billing.policy.promise import PROMISE, Outcome
from billing.selectors import PriceUnknown
from calls.desk.promise import Report, promise_report


class Command(BaseCommand):
    """Print a row per policy; fail if the default one does not keep the promise."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--calls", type=int, default=10_000, help="calls of the campaign")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same calls")
        parser.add_argument("--json", dest="file", type=Path, help="write the report to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["calls"] < 1:
            raise CommandError("--calls must be at least 1.")
        day = timezone.now().date()
        try:
            report = promise_report(calls=options["calls"], seed=options["seed"], day=day)
        except (PriceUnknown, ValueError) as error:
            raise CommandError(str(error)) from None
        self._print(report)
        if options["file"]:
            options["file"].write_text(json.dumps(_plain(report), indent=2), encoding="utf-8")
        if not report.default.keeps:
            raise CommandError(
                f"The default policy does not keep the promise: a recorded call of three minutes "
                f"costs {usd(report.default.three_minutes)}."
            )

    def _print(self, report: Report) -> None:
        self.stdout.write(
            f"{report.calls:,} simulated calls (seed {report.seed}), prices of {report.day}\n"
            f"{'policy':<54}{'3 min':>9}{'mean':>9}{'p95':>9}{'<$0.10':>8}{'rounding':>10}"
            f"{'speech':>8}  keeps it"
        )
        for row in report.outcomes:
            mark = "  (default)" if row is report.default else ""
            self.stdout.write(
                f"{row.policy.name:<54}{row.three_minutes:>9.4f}{row.per_answered:>9.4f}"
                f"{row.p95:>9.4f}{row.share_under:>8.0%}{row.rounding_share:>10.0%}"
                f"{row.speech_share:>8.0%}  {'yes' if row.keeps else 'no'}{mark}"
            )
        self.stdout.write(
            "3 min: a recorded call of three minutes with the policy's best voice. Mean, p95 and "
            "<$0.10 are of answered calls; unanswered ones are free."
        )


def _plain(report: Report) -> dict[str, Any]:
    return {
        "calls": report.calls,
        "seed": report.seed,
        "prices_of": str(report.day),
        "promise": str(PROMISE),
        "default": _row(report.default),
        "policies": [_row(row) for row in report.outcomes],
        "assumptions": [list(row) for row in report.assumptions.reasons],
    }


def _row(row: Outcome) -> dict[str, Any]:
    return {
        "voice": row.policy.voice,
        "speech_cache": row.policy.cached,
        "carrier_records": row.policy.carrier_records,
        "three_minutes": str(row.three_minutes),
        "per_dialled": str(row.per_dialled),
        "per_answered": str(row.per_answered),
        "p95": str(row.p95),
        "share_under": round(row.share_under, 4),
        "rounding_share": round(row.rounding_share, 4),
        "speech_share": round(row.speech_share, 4),
        "keeps": row.keeps,
    }
