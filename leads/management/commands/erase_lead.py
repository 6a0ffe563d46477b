"""Erase a person: in every table and file, and prove it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leads.erasure.erase import ErasureRefused, Report, lead_erase
from leads.erasure.subject import NobodyToErase, Subject, subject_of
from leads.sheets.erase import sheet_rows_delete
from leads.sheets.errors import SheetsError


class Command(BaseCommand):
    """Erase who is behind an id or a number; ends with 1 unless the search then finds nothing."""

    help = (
        "Erase a lead for good: name, number, address, what was said, recordings, rows of imports "
        "and their files. Calls and costs stay without a name, numbers on the do-not-call list "
        "stay on it. Then every text column and file is searched, which proves it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help="id of the lead, or a telephone number")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument(
            "--sheet-row", action="store_true", help="also delete the row in linked Google Sheets"
        )
        parser.add_argument(
            "--reason", default="", help="for the audit, without personal data (request of 3 May)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            subject = subject_of(options["who"])
        except NobodyToErase as error:
            raise CommandError(str(error)) from None
        if options["sheet_row"] and not options["dry_run"]:
            self._sheet_rows(subject)
        try:
            report = lead_erase(
                subject=subject,
                reason=options["reason"],
                dry_run=options["dry_run"],
                now=timezone.now(),
            )
        except ErasureRefused as error:
            raise CommandError(str(error)) from None
        self._tell(subject, report)

    def _sheet_rows(self, subject: Subject) -> None:
        if subject.lead is None:
            return
        try:
            count = sheet_rows_delete(lead_id=subject.lead.pk, phone=str(subject.lead.phone))
        except SheetsError as error:
            raise CommandError(
                f"The row in the sheet could not be deleted: {error} Nothing else was erased; try "
                "again, or leave out --sheet-row."
            ) from None
        self.stdout.write(f"  {count} rows deleted in linked sheets")

    def _tell(self, subject: Subject, report: Report) -> None:
        for name, count in sorted(report.counts.items()):
            if count:
                self.stdout.write(f"  {count:,} {name}")
        if report.proof is None:
            self.stdout.write("Nothing is erased: this was a dry run.")
            return
        if subject.shared:
            self.stdout.write(
                f"  {len(subject.shared)} texts were left alone: another lead has them too"
            )
        proof = report.proof
        if not proof.clean:
            rows = ", ".join(f"{count} in {label}" for label, count in proof.rows.items())
            raise CommandError(
                f"Still found after the erasure: {rows or 'no rows'}; "
                f"{len(proof.files)} files: {', '.join(proof.files[:5])}."
            )
        self.stdout.write(
            self.style.SUCCESS(
                f"Erased. {proof.columns} text columns and all kept files were searched for "
                f"{len(subject.terms)} spellings: nothing is left."
            )
        )
