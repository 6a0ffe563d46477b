"""Files of telephone numbers, of any size: taken in once, then read from any place in them."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from leads.import_files import FileRefused, FileShape, rows_of, shape_of

MAX_BYTES: Final = 6 * 1024**3
"""The whole National Do Not Call Registry has half of that."""
LINE_MOST: Final = 1 << 20
_START: Final = 1 << 16
_CHANGE_LIST: Final = re.compile(rb"^\d{3},?\d{7},[^\r\n]*,[AD]\s*$", re.MULTILINE)


def registry_open(file: IO[bytes], *, size: int) -> IO[bytes]:
    """Return the registry's text out of what was downloaded: a text file, or a ZIP of one.

    Raises:
        FileRefused: it is not the flat text file of full lists; says what to download.
    """
    if size > MAX_BYTES:
        raise FileRefused(
            f"The file has {size / 1024**3:.1f} GB; {MAX_BYTES // 1024**3} is the most."
        )
    file.seek(0)
    text = file
    if file.read(2) == b"PK":
        text = _member(file)
    text.seek(0)
    start = text.read(_START)
    text.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        raise FileRefused("This is the registry's XML file. Download its flat text file instead.")
    if _CHANGE_LIST.search(start):
        raise FileRefused(
            "This is a change list. Download the full list of the area code: only that says which "
            "numbers are not on the registry."
        )
    if b"\x00" in start:
        raise FileRefused("This is not the registry's text file: its lines read 212,5550123.")
    return text


def _member(file: IO[bytes]) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise FileRefused("The ZIP file is damaged: download it again.") from None
    items = [item for item in archive.infolist() if not item.is_dir()]
    if len(items) != 1:
        raise FileRefused(f"The ZIP file holds {len(items)} files: upload one text file at a time.")
    if items[0].file_size > MAX_BYTES:
        raise FileRefused(f"Unpacked, the file has more than {MAX_BYTES // 1024**3} GB.")
    return archive.open(items[0])


def as_text(file: IO[bytes], target: Path, *, size: int) -> FileShape:
    """Store a table of numbers at `target` so that it can be read from any line on.

    A workbook, or a file in UTF-16 or -32, becomes CSV in UTF-8; all else stays byte for byte.

    Raises:
        FileRefused: it cannot be read; says why and what to do.
    """
    shape = shape_of(file, size=size, most=MAX_BYTES)
    file.seek(0)
    with target.open("wb") as out:
        while block := file.read(1 << 20):
            out.write(block)
    if shape.encoding and not shape.encoding.startswith(("utf-16", "utf-32")):
        return shape
    source = target.rename(target.with_suffix(".csv" if shape.encoding else ".xlsx"))
    try:
        with target.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows(rows_of(source, shape))
    finally:
        source.unlink()
    return FileShape(shape.format, "utf-8", ",")


def rows_from(path: Path, shape: FileShape, offset: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows from a position on, each with the position after it, in bytes.

    Raises:
        FileRefused: a row cannot be read; says where.
    """
    position = offset
    with path.open("rb") as file:
        file.seek(offset)

        def lines() -> Iterator[str]:
            nonlocal position
            while raw := file.readline(LINE_MOST + 1):
                if len(raw) > LINE_MOST:
                    raise FileRefused(f"After byte {position:,} comes a line of more than 1 MB.")
                first = position == 0
                position += len(raw)
                encoding = shape.encoding if first else shape.encoding.removesuffix("-sig")
                yield raw.decode(encoding).replace("\x00", "")

        reader = csv.reader(lines(), delimiter=shape.delimiter)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                raise FileRefused(
                    f"The file cannot be read after byte {position:,}: {error}."
                ) from None
            yield position, row
