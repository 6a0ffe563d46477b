"""Files as programs write them: encodings, separators, workbooks, and what is refused."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from leads import import_files
from leads.import_files import FileRefused, FileShape, rows_of, shape_of

TEXT = "phone;name\n5122000001;Zoë O’Neil\n5122000002;“Bo”\n"
ROWS = [["phone", "name"], ["5122000001", "Zoë O’Neil"], ["5122000002", "“Bo”"]]


def shape(data: bytes) -> FileShape:
    return shape_of(io.BytesIO(data), size=len(data))


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_it_reads_every_common_encoding(encoding: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(TEXT.encode(encoding))
    found = shape(file.read_bytes())
    assert (found.format, found.delimiter) == (f"CSV, {name}", ";")
    assert list(rows_of(file, found)) == ROWS


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_it_finds_the_separator(sign: str) -> None:
    data = f'a{sign}b{sign}c\n1{sign}"x, y; z"{sign}3\n4{sign}5{sign}6\n'.encode()
    assert shape(data).delimiter == sign


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("телефон,имя\n".encode("cp866") * 9 + b"\x81\x8d", "encoding is not recognised"),
        ("電話,名前\n".encode("shift_jis") * 9, "encoding is not recognised"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"%PDF-1.7 ...", "not a table"),
        (b"\xff\xfea\x00b", "not whole UTF-16"),
    ],
)
def test_it_refuses_in_words_what_it_cannot_read(data: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        shape(data)


def test_it_refuses_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileRefused, match="50 MB is the most"):
        shape_of(io.BytesIO(b"a,b\n"), size=51 * 1024 * 1024)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 100_000)
    monkeypatch.setattr(import_files, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(FileRefused, match="Unpacked"):
        shape(packed.getvalue())


def test_it_refuses_an_archive_that_is_no_workbook() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", b"")
    with pytest.raises(FileRefused, match="no Excel workbook"):
        shape(packed.getvalue())


def test_it_reads_a_workbook_as_people_see_it(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Phone", "When", "DNC", "Price"])
    when = datetime(2026, 3, 1, 10, 30)  # noqa: DTZ001 - a workbook knows no zones
    sheet.append([5122000001.0, when, True, 1.5])
    sheet.append([])
    sheet.append(["(512) 200-0002", None, None, None])
    file = tmp_path / "leads.xlsx"
    book.save(file)
    found = shape(file.read_bytes())
    assert list(rows_of(file, found)) == [
        ["Phone", "When", "DNC", "Price"],
        ["5122000001", "2026-03-01T10:30:00", "yes", "1.5"],
        [],
        ["(512) 200-0002"],
    ]


def test_it_names_the_row_after_which_a_file_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text('phone,name\n1,"' + "x" * 200_000 + '"\n')
    with pytest.raises(FileRefused, match="after row 1: field larger"):
        list(rows_of(file, FileShape("CSV", "utf-8", ",")))
