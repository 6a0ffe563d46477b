"""G.711 µ-law, the coding of a telephone line: 8 000 samples a second, one byte each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000  # Hz
FRAME_BYTES = 160  # one 20 ms frame, the unit of Media Streams
FRAME_MS = 20
BYTES_PER_MS = SAMPLE_RATE // 1000

_BIAS = 0x84
_CLIP = 32635


def _decoding_table() -> NDArray[np.int16]:
    codes = ~np.arange(256, dtype=np.uint8)
    exponent = (codes >> 4) & 0x07
    mantissa = (codes & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + _BIAS) << exponent.astype(np.int32)) - _BIAS
    signed: NDArray[np.int16] = np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)
    return signed


def _encoding_table() -> NDArray[np.uint8]:
    """Return the code of every 16-bit sample, indexed by the sample taken as unsigned."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    table: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return table


_DECODE = _decoding_table()
_ENCODE = _encoding_table()

SILENCE_BYTE = b"\xff"
SILENCE_FRAME = SILENCE_BYTE * FRAME_BYTES


def decode(ulaw: bytes) -> NDArray[np.int16]:
    """Return 16-bit linear samples for µ-law bytes (ITU-T G.711)."""
    return _DECODE[np.frombuffer(ulaw, dtype=np.uint8)]


def encode(samples: NDArray[np.int16]) -> bytes:
    """Return µ-law bytes for 16-bit linear samples (ITU-T G.711)."""
    return _ENCODE[np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)].tobytes()


def mix(one: bytes, other: bytes) -> bytes:
    """Return two µ-law signals of equal length added together, as one channel carries them."""
    total = decode(one).astype(np.int32) + decode(other)
    return encode(np.clip(total, -32768, 32767).astype(np.int16))


# About -46 dBFS: above line noise and comfort noise, below any spoken syllable.
AUDIBLE_AMPLITUDE = 160

_LOUD = np.abs(_DECODE.astype(np.int32)) > AUDIBLE_AMPLITUDE


def is_audible(ulaw: bytes) -> bool:
    """Return whether a person would hear sound in these µ-law bytes rather than a quiet line."""
    if not ulaw:
        return False
    loud = _LOUD[np.frombuffer(ulaw, dtype=np.uint8)]
    # A lone click is not speech: one sample in forty has to be loud.
    return int(np.count_nonzero(loud)) * 40 > len(ulaw)


def audible_span(ulaw: bytes) -> tuple[int, int] | None:
    """Return where sound begins and ends, in bytes to the 20 ms frame; nothing if all is quiet."""
    whole = np.frombuffer(ulaw[: len(ulaw) // FRAME_BYTES * FRAME_BYTES], dtype=np.uint8)
    loud = _LOUD[whole].reshape(-1, FRAME_BYTES).sum(axis=1) * 40 > FRAME_BYTES
    frames = np.flatnonzero(loud)
    if not frames.size:
        return None
    return int(frames[0]) * FRAME_BYTES, (int(frames[-1]) + 1) * FRAME_BYTES


def silence(ms: float) -> bytes:
    """Return `ms` milliseconds of a quiet line."""
    return SILENCE_BYTE * int(ms * BYTES_PER_MS)
