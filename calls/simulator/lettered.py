"""Speech that carries its own words: a short voiced sound with the text written into it.

The lowest bit of a µ-law byte is far below what anybody hears. A line here is a third of a second
or so of a recorded voice, so that whoever listens for a voice finds one, with the words in those
bits, so that whoever looks for them needs no recognition. A real line takes seconds to be said and
a third of a core to be recognised; this one lets hundreds of calls be carried at once.
"""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from calls.simulator import g711
from calls.simulator.clips import clip

VOICE = "We are moving to another state."
LEAST_MS = 360
"""Long enough for a voice detector to be sure of."""
COPIES = 3
_MAGIC = 0x4C7E12A5
_HEAD = struct.Struct(">IHI")  # magic, bytes of text, CRC-32
_MAGIC_BITS = np.unpackbits(np.frombuffer(struct.pack(">I", _MAGIC), dtype=np.uint8))
_PAUSES = re.compile(r"\[\d+\]")


def sound(line: str) -> bytes:
    """Return the sound of a line, µ-law. Pauses written in it (`[700]`) are left out."""
    text = words(line).encode()
    written = _HEAD.pack(_MAGIC, len(text), zlib.crc32(text)) + text
    bits = np.unpackbits(np.frombuffer(written, dtype=np.uint8))
    voice = _voice(max(LEAST_MS * g711.BYTES_PER_MS, COPIES * len(bits)))
    # Over and over to the end: a line that loses a frame loses one copy.
    return ((voice & 0xFE) | np.resize(bits, len(voice))).tobytes()


def words(line: str) -> str:
    """Return the line as a recogniser writes it: lower case, no punctuation."""
    spoken = _PAUSES.sub(" ", line).lower()
    return " ".join(re.findall(r"[a-z0-9']+", spoken))


def read(ulaw: bytes) -> str:
    """Return the words of the last line in a stretch of sound; "" when there is none."""
    bits = np.frombuffer(ulaw, dtype=np.uint8) & np.uint8(1)
    found = ""
    for at in _starts(bits):
        text = _text(bits[at:])
        if text is not None:
            found = text
    return found


def _starts(bits: NDArray[np.uint8]) -> NDArray[np.intp]:
    if len(bits) < len(_MAGIC_BITS):
        return np.empty(0, dtype=np.intp)
    windows = np.lib.stride_tricks.sliding_window_view(bits, len(_MAGIC_BITS))
    return np.flatnonzero((windows == _MAGIC_BITS).all(axis=1))


def _text(bits: NDArray[np.uint8]) -> str | None:
    head = np.packbits(bits[: _HEAD.size * 8]).tobytes()
    if len(head) < _HEAD.size:
        return None
    _magic, length, checksum = _HEAD.unpack(head)
    text = np.packbits(bits[_HEAD.size * 8 : (_HEAD.size + length) * 8]).tobytes()
    whole = len(text) == length and zlib.crc32(text) == checksum
    return text.decode() if whole else None


def _voice(length: int) -> NDArray[np.uint8]:
    """Return so many bytes of the loudest part of a recorded voice, said again if need be."""
    whole = np.frombuffer(clip(VOICE), dtype=np.uint8)
    span = g711.audible_span(whole.tobytes()) or (0, len(whole))
    voiced = whole[slice(*span)]
    return np.resize(voiced, length).copy()
