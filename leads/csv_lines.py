"""Tables on their way out: CSV (RFC 4180), a line at a time, with nothing in it that runs."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence


def csv_lines(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table, as flat in memory as its rows are.

    A cell that a spreadsheet would take for a formula begins with an apostrophe; an import reads
    it as it was.
    """
    line = _Line()
    writer = csv.writer(line)
    for row in itertools.chain([header], rows):
        writer.writerow([defused(cell) for cell in row])
        yield line.text


def defused(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n")
    ):
        return f"'{cell}"
    return cell


class _Line:
    """The last line that was written, where a CSV writer wants a file."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text
