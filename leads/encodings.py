"""In which encoding a text file is: found out where it is sure, guessed where it can be seen."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Mapping
from typing import IO, Final

import charset_normalizer

NAMES: Final[Mapping[str, str]] = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
    "mac_roman": "Mac (Western)",
    "cp850": "DOS (Western)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp866": "DOS (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp932": "Shift-JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
}
"""What a file can be read as, and what people call it."""

_BLOCK: Final = 1 << 20
_GUESSED_FROM: Final = 1 << 18
_BOMS: Final = (
    # The four bytes of UTF-32 begin with the two of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A sign that is no letter beside one (“Ma³gorzata”); quotes and dashes may be anywhere.
_LETTER: Final = r"[^\W\d_]"
_ODD: Final = r"[^\w\s\x21-\x7e’‘“”–—…•®™ª°º\xa0]"
_BESIDE: Final = re.compile(f"{_LETTER}{_ODD}|{_ODD}{_LETTER}")
# Letters of two scripts in one word (“Josй”), or three accented ones in a row (“Èâàí”).
_FOREIGN: Final = rf"(?={_LETTER})[\u0370-\uffff]"
_MIXED: Final = re.compile(f"[a-zA-Z]{_FOREIGN}|{_FOREIGN}[a-zA-Z]")
_ACCENTED: Final = re.compile(r"[À-ɏ]{3,}")
_MOST_STRANGE: Final = 0.1
"""Strange places for each line with such letters, beyond which a guess is none."""


class UnknownEncoding(ValueError):  # noqa: N818 - says what is wrong
    """It cannot be told; the message says so in words."""


def encoding_of(file: IO[bytes]) -> str:
    """Return in which encoding a file is.

    Sure for Unicode; for the encodings of eight bits a guess, which has to be shown.

    Raises:
        UnknownEncoding: it is none that is known, or the file is broken.
    """
    file.seek(0)
    start = file.read(4096)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return whole(file, encoding)
    zeros = start.count(0)
    if zeros > len(start) // 4:
        odd = start[1::2].count(0)
        return whole(file, "utf-16-le" if odd > zeros - odd else "utf-16-be")
    try:
        return whole(file, "utf-8")
    except UnknownEncoding:
        return _eight_bits(file)


def whole(file: IO[bytes], encoding: str) -> str:
    """Return the encoding if all of a file can be read in it.

    Raises:
        UnknownEncoding: it cannot; says what is in the way.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        for block in iter(lambda: file.read(_BLOCK), b""):
            if "\x00" in decoder.decode(block) and not encoding.startswith("utf"):
                raise UnknownEncoding(f"it is not {NAMES[encoding]}: it holds zeros")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnknownEncoding(f"it is not whole {NAMES[encoding]}: {error.reason}") from None
    return encoding


def _eight_bits(file: IO[bytes]) -> str:
    sample = _telling_lines(file)
    best = charset_normalizer.from_bytes(sample).best()
    liked = codecs.lookup(best.encoding).name if best else ""
    worth: list[tuple[float, bool, int, str]] = []
    for place, encoding in enumerate(NAMES):
        if encoding.startswith("utf"):
            continue
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        strange = _strangeness(text) / max(text.count("\n"), 1)
        liked_less = encoding != "cp1252" and codecs.lookup(encoding).name != liked
        worth.append((strange, liked_less, place, encoding))
    if not worth or min(worth)[0] > _MOST_STRANGE:
        raise UnknownEncoding("it is in no encoding that is known here")
    return whole(file, min(worth)[3])


def _strangeness(text: str) -> int:
    """Count the places that no text has which was decoded as it was written."""
    strange = len(_BESIDE.findall(text)) + len(_MIXED.findall(text)) + len(_ACCENTED.findall(text))
    return strange + sum(
        before.islower() and after.isupper() and not after.isascii()
        for before, after in itertools.pairwise(text)
    )


def _telling_lines(file: IO[bytes]) -> bytes:
    """Return lines that are not plain ASCII: all others are the same in every encoding."""
    file.seek(0)
    found = bytearray()
    rest = b""
    for block in iter(lambda: file.read(_BLOCK), b""):
        lines = (rest + block).splitlines(keepends=True)
        rest = lines.pop() if lines else b""
        for line in lines:
            if not line.isascii():
                found += line
        if len(found) > _GUESSED_FROM:
            return bytes(found)
    return bytes(found + rest)
