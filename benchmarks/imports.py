"""How long an import takes: a dry run, a commit and an undo of a file of leads, on a real database.

    DATABASE_URL=postgresql://… python -m benchmarks.imports --rows 100000

The database is migrated and gets the leads; the undo takes them away again. Half of the rows bring
a consent, one in fifty is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import django


def write_csv(path: Path, rows: int) -> None:
    """Write a file as a lead vendor would, from numbers in use."""
    with path.open("w") as file:
        file.write("Phone,First Name,Last Name,Email,City,State,Zip,Consent Text,Consent Seller,"
                   "Consent Date\n")  # fmt: skip
        for n in range(rows):
            phone = f"(512) {200 + n // 10_000}-{n % 10_000:04}" if n % 50 != 7 else f"12{n}"
            consent = "I agree to be called by Harbor Homes with an automated voice"
            said = f"{consent},Harbor Homes,2026-03-01" if n % 2 else ",,"
            file.write(f"{phone},Ann{n % 97},Lee{n},a{n}@example.com,Austin,TX,78701,{said}\n")


def write_workbook(path: Path, csv_path: Path) -> None:
    """Write the same rows as an Excel file."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in csv_path.read_text().splitlines():
        sheet.append(line.split(","))
    book.save(path)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workbook", action="store_true", help="an Excel file instead of CSV")
    parser.add_argument("--keep", action="store_true", help="do not undo at the end")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reauto_site.settings.test")
    django.setup()
    from django.core.files import File
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from leads.models import Lead
    from leads.services.imports import (
        import_check,
        import_commit,
        import_create,
        import_step,
        import_undo,
    )

    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leads.csv")
        write_csv(path, options.rows)
        if options.workbook:
            write_workbook(path.with_suffix(".xlsx"), path)
            path = path.with_suffix(".xlsx")
        report: dict[str, Any] = {"database": connection.vendor, "rows": options.rows}
        began = time.monotonic()
        with path.open("rb") as file:
            batch = import_create(file=File(file), name=path.name, source="benchmark")
        report["upload_s"] = round(time.monotonic() - began, 2)

        def phase(name: str) -> None:
            before = time.monotonic()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            longest = 0.0
            more = True
            while more:
                step = time.monotonic()
                more = import_step(batch_id=batch.pk, seconds=0)
                longest = max(longest, time.monotonic() - step)
            report[f"{name}_s"] = round(time.monotonic() - before, 1)
            report[f"{name}_longest_chunk_s"] = round(longest, 2)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
            report[f"{name}_memory_grown_mb"] = round(grown / 1024, 1)

        import_check(batch_id=batch.pk, mapping=batch.mapping, on_existing="fill", enqueue=False,
                     now=timezone.now())  # fmt: skip
        phase("check")
        import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
        phase("commit")
        report["leads"] = Lead.objects.count()
        if not options.keep:
            import_undo(batch_id=batch.pk, enqueue=False, now=timezone.now())
            phase("undo")
            report["leads_after_undo"] = Lead.objects.count()
        batch.refresh_from_db()
        report["counts"] = batch.counts
        batch.file.delete(save=False)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
