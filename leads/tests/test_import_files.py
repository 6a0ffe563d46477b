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
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_it_reads_every_common_encoding(encoding: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(TEXT.encode(encoding))
    found = shape(file.read_bytes())
    assert (found.format, found.delimiter) == (f"CSV, {name}", ";")
    assert list(rows_of(file, found)) == ROWS


WORDS = {
    "western": ["José Núñez", "Zoë Lefèvre", "Mårten Ødegård"],
    "polish": ["Łukasz Wójcik", "Małgorzata Żak"],
    "russian": ["Иван Петров", "Ольга Смирнова"],
    "greek": ["Γιώργος Παπαδόπουλος", "Ελένη Νικολάου"],
    "japanese": ["山田太郎", "佐藤花子"],
    "chinese": ["王小明", "李娜"],
    "korean": ["김철수", "이영희"],
}


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("western", "cp1252"), ("western", "mac_roman"), ("western", "cp850"),
        ("polish", "cp1250"), ("russian", "cp1251"), ("russian", "koi8_r"), ("russian", "cp866"),
        ("greek", "cp1253"), ("japanese", "shift_jis"), ("chinese", "gb18030"),
        ("chinese", "big5"), ("korean", "euc_kr"),
    ],
)  # fmt: skip
def test_it_reads_what_programs_of_other_countries_write(
    words: str, encoding: str, tmp_path: Path
) -> None:
    rows = [["phone", "name"], *[["5122000001", name] for name in WORDS[words] * 9]]
    file = tmp_path / "leads.csv"
    file.write_bytes("".join(",".join(row) + "\n" for row in rows).encode(encoding))
    assert list(rows_of(file, shape(file.read_bytes()))) == rows


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_one_name_among_many_rows_is_enough(encoding: str, tmp_path: Path) -> None:
    text = "phone,name\n" + "5122000001,Ann\n" * 500 + "5122000002,José\n"
    file = tmp_path / "leads.csv"
    file.write_bytes(text.encode(encoding))
    assert list(rows_of(file, shape(file.read_bytes())))[-1] == ["5122000002", "José"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_it_finds_the_separator(sign: str) -> None:
    data = f'a{sign}b{sign}c\n1{sign}"x, y; z"{sign}3\n4{sign}5{sign}6\n'.encode()
    assert shape(data).delimiter == sign


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (bytes(range(1, 256)) * 9, "encoding is not recognised"),
        (b"phone,name\n" + bytes(range(255, 127, -1)) * 9, "encoding is not recognised"),
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
