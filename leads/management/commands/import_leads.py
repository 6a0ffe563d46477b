"""Import a file of leads from the command line, by the same steps as at the desk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leads.import_files import FileRefused
from leads.models import ImportBatch, ImportRow
from leads.policy.import_fields import FIELDS
from leads.selectors import import_error_rows
from leads.services.imports import (
    import_check,
    import_commit,
    import_create,
    import_step,
    imports_at_work,
)

_FIRST_REMARKS = 10


class Command(BaseCommand):
    """Check a file, and with --commit write what it brings."""

    help = "Import leads from a CSV or .xlsx file. Without --commit nothing is written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="CSV or .xlsx")
        parser.add_argument("--source", default="", help="where the leads are from (file name)")
        parser.add_argument(
            "--mapping",
            default="",
            metavar="JSON",
            help='what columns hold: \'{"Cell #": "phone", "Roof": "custom"}\'; others are '
            f"guessed. Fields: {', '.join(FIELDS)}; empty to leave a column out",
        )
        parser.add_argument(
            "--existing",
            choices=ImportBatch.OnExisting.values,
            default=ImportBatch.OnExisting.FILL.value,
            help="what happens to leads that are known already (fill)",
        )
        parser.add_argument("--errors", type=Path, help="write rows with a remark here, as CSV")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only check (the default)")
        how.add_argument("--commit", action="store_true", help="check, then write the leads")
        how.add_argument(
            "--resume",
            action="store_true",
            help="go on with imports that were begun and not ended, such as by a killed command",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["resume"]:
            self._resume()
        elif options["file"] is None:
            raise CommandError("Name a file, or say --resume.")
        else:
            self._import(options)

    def _resume(self) -> None:
        begun = list(imports_at_work())
        if not begun:
            self.stdout.write("No import was left unfinished.")
        for batch in begun:
            doing = batch.get_state_display()
            self._work(batch, f"{batch.file_name}: {doing}")
            self.stdout.write(f"{batch.file_name}: {batch.get_state_display()}.")

    def _import(self, options: dict[str, Any]) -> None:
        batch = self._create(options)
        for name, field in zip(batch.columns, batch.mapping, strict=True):
            self.stdout.write(f"  {name}: {FIELDS.get(field, 'left out')}")
        try:
            import_check(
                batch_id=batch.pk,
                mapping=batch.mapping,
                on_existing=options["existing"],
                enqueue=False,
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        batch = self._work(batch, "Checking")
        if batch.state == ImportBatch.State.FAILED:
            raise CommandError(batch.error)
        counts = batch.counts
        verdicts = ", ".join(
            f"{counts.get(verdict, 0):,} {verdict.label.lower()}" for verdict in ImportRow.Verdict
        )
        self.stdout.write(f"{verdicts}; {counts.get('do_not_call', 0):,} not to be called.")
        self._remarks(batch, options["errors"])
        if not options["commit"]:
            self.stdout.write("Nothing is written. Add --commit to write the leads.")
            return
        import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
        counts = self._work(batch, "Writing").counts
        self.stdout.write(
            self.style.SUCCESS(
                f"{counts.get('done_new', 0):,} leads made, {counts.get('done_update', 0):,} "
                f"updated, {counts.get('done_consents', 0):,} consents kept."
            )
        )

    def _create(self, options: dict[str, Any]) -> ImportBatch:
        path: Path = options["file"]
        try:
            chosen = json.loads(options["mapping"] or "{}")
        except json.JSONDecodeError as error:
            raise CommandError(f"--mapping is not JSON: {error}") from None
        if not isinstance(chosen, dict):
            raise CommandError('--mapping must be an object: {"Cell #": "phone"}')
        try:
            with path.open("rb") as file:
                batch = import_create(
                    file=File(file), name=path.name, source=options["source"] or path.stem
                )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except FileRefused as error:
            raise CommandError(str(error)) from None
        unknown = [name for name in chosen if name not in batch.columns]
        if unknown:
            raise CommandError(
                f"--mapping names no column of the file: {unknown[0]}. "
                f"It has: {', '.join(batch.columns)}."
            )
        # A field that is given to a column by name is taken from the one it was guessed for.
        given = set(chosen.values()) - {"custom"}
        batch.mapping = [
            chosen.get(name, "" if field in given else field)
            for name, field in zip(batch.columns, batch.mapping, strict=True)
        ]
        return batch

    def _work(self, batch: ImportBatch, what: str) -> ImportBatch:
        more = True
        while more:
            more = import_step(batch_id=batch.pk, seconds=1.0)
            batch.refresh_from_db()
            total = max(batch.total_rows, batch.done_rows, 1)
            self.stderr.write(
                f"\r{what}: {batch.done_rows:,} of {total:,} rows", ending="" if more else "\n"
            )
        return batch

    def _remarks(self, batch: ImportBatch, file: Path | None) -> None:
        remarks = batch.rows.exclude(reason="").order_by("number")
        for row in remarks.defer("values", "changes")[:_FIRST_REMARKS]:
            self.stdout.write(f"  row {row.number}: {row.get_verdict_display()}: {row.reason}")
        if file:
            with file.open("w", encoding="utf-8", newline="") as target:
                target.writelines(import_error_rows(batch))
