"""Files of leads as they come: CSV in any common encoding, and Excel workbooks.

Everything is read a row at a time, so that memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final

from openpyxl import load_workbook

from leads.encodings import NAMES, UnknownEncoding, encoding_of, whole

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 600 * 1024 * 1024
MAX_ROWS: Final = 250_000
MAX_COLUMNS: Final = 200
_BLOCK: Final = 1 << 20
_DELIMITERS: Final = ",;\t|"
_SAVE_AGAIN: Final = "Save it again as “CSV UTF-8” or as .xlsx, and upload that."


class FileRefused(Exception):  # noqa: N818 - says what happened
    """A file cannot be imported: the message says why and what to do, in a manager's words."""


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is to be read. `encoding` and `delimiter` are "" for a workbook."""

    format: str
    encoding: str = ""
    delimiter: str = ""


def shape_of(file: IO[bytes], *, size: int, most: int = MAX_BYTES) -> FileShape:
    """Find out how to read a file.

    Args:
        most: bytes that it may have.

    Raises:
        FileRefused: it is too large, empty, locked, no table, or in an unknown encoding.
    """
    if size > most:
        raise FileRefused(
            f"The file has {size / 1048576:.0f} MB; {most // 1048576} MB is the most. "
            "Split it and import the parts one after another."
        )
    file.seek(0)
    start = file.read(8)
    if not start.strip(b"\x00 \r\n\t\xef\xbb\xbf\xff\xfe"):
        raise FileRefused("The file is empty.")
    if start.startswith(b"PK"):
        return _workbook_shape(file)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileRefused(
            "This is an old Excel file (.xls) or one with a password. "
            "Open it in Excel and save it as .xlsx without a password."
        )
    if start.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"\x1f\x8b")):
        raise FileRefused("This is not a table. Upload a CSV or an .xlsx file.")
    return csv_shape(file)


def rows_of(path: Path, shape: FileShape) -> Iterator[list[str]]:
    """Yield every row of a file as text, blank ones as empty lists.

    Raises:
        FileRefused: the file is broken; names the row.
    """
    return _csv_rows(path, shape) if shape.encoding else _workbook_rows(path)


def rows_guess(path: Path, shape: FileShape) -> int:
    """Return about how many rows a file has, quickly: for progress, not for counting."""
    if shape.encoding:
        width = {"utf-16": 2, "utf-32": 4}.get(shape.encoding[:6], 1)
        with path.open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
        return max(lines, path.stat().st_size // (200 * width) if lines < 2 else lines)
    with closing(load_workbook(path, read_only=True)) as book:
        return int(getattr(book.worksheets[0], "max_row", 0) or 0)


def csv_shape(file: IO[bytes], encoding: str = "") -> FileShape:
    """Find out how to read a text file, or how to read it in the encoding that a person chose.

    Raises:
        FileRefused: it cannot be read in it, or in any.
    """
    try:
        encoding = whole(file, encoding) if encoding else encoding_of(file)
    except UnknownEncoding as error:
        raise FileRefused(
            f"The file's encoding is not recognised: {error}. {_SAVE_AGAIN}"
        ) from None
    return FileShape(f"CSV, {NAMES[encoding]}", encoding, delimiter_of(file, encoding))


def delimiter_of(file: IO[bytes], encoding: str) -> str:
    """Return the sign that splits the first rows into the most cells, and all into as many."""
    file.seek(0)
    text = codecs.getincrementaldecoder(encoding)(errors="ignore").decode(file.read(1 << 16))
    best, most = ",", 0.0
    for sign in _DELIMITERS:
        try:
            rows = list(itertools.islice(csv.reader(io.StringIO(text), delimiter=sign), 20))
        except csv.Error:
            continue
        widths = [len(row) for row in rows[:-1] or rows if row]
        common = max(set(widths), key=widths.count) if widths else 1
        worth = (common - 1) * widths.count(common) / max(len(widths), 1)
        if worth > most:
            best, most = sign, worth
    return best


def _csv_rows(path: Path, shape: FileShape) -> Iterator[list[str]]:
    with path.open(encoding=shape.encoding, errors="strict", newline="") as file:
        reader = csv.reader((line.replace("\x00", "") for line in file), delimiter=shape.delimiter)
        number = 0
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                raise FileRefused(
                    f"The file cannot be read after row {number}: {error}. {_SAVE_AGAIN}"
                ) from None
            number += 1
            yield row if any(cell.strip() for cell in row) else []


def _workbook_shape(file: IO[bytes]) -> FileShape:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            unpacked = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile:
        raise FileRefused(
            f"The file is damaged: its end is missing or was changed. {_SAVE_AGAIN}"
        ) from None
    if "xl/workbook.xml" not in names:
        raise FileRefused("This archive is no Excel workbook. Upload a CSV or an .xlsx file.")
    if unpacked > MAX_UNPACKED_BYTES:
        raise FileRefused(
            f"Unpacked, the workbook has {unpacked / 1048576:.0f} MB; "
            f"{MAX_UNPACKED_BYTES // 1048576} MB is the most. Save its first sheet as CSV."
        )
    return FileShape("Excel workbook, first sheet")


def _workbook_rows(path: Path) -> Iterator[list[str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        with closing(book):
            sheet: Any = book.worksheets[0]
            # Some programs write a wrong size, and openpyxl would believe it.
            sheet.reset_dimensions()
            for row in sheet.iter_rows(values_only=True):
                cells = [_cell(value) for value in row]
                yield cells if any(cells) else []
    except FileRefused:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise FileRefused(
            f"The workbook cannot be read ({type(error).__name__}). {_SAVE_AGAIN}"
        ) from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()
