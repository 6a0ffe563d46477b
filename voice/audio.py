"""Telephone audio arithmetic: G.711 µ-law, levels and streaming rate conversion.

Everything here works on mono audio; PCM is signed 16-bit little-endian.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

TELEPHONE_RATE = 8000
"""Sample rate of the public telephone network, in Hz (ITU-T G.711)."""

SILENCE_DBFS = -96.0
"""Level reported for digital silence: the floor of 16-bit audio, in dBFS."""

_BIAS = 0x84
_CLIP = 32635


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)
    linear = np.where(code & 0x80, _BIAS - magnitude, magnitude - _BIAS)
    return linear.astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """Map every 16-bit sample, taken as unsigned, to its µ-law byte (64 KiB)."""
    sample = np.arange(65536, dtype=np.int32)
    signed = np.where(sample >= 32768, sample - 65536, sample)
    magnitude = np.minimum(np.abs(signed), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(signed < 0, 0x80, 0)
    code: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


_DECODE = _decode_table()
_ENCODE = _encode_table()


def mulaw_decode(data: bytes) -> bytes:
    """Return the PCM16 audio of G.711 µ-law bytes (ITU-T G.711, table 2)."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)].tobytes()


def mulaw_encode(pcm: bytes) -> bytes:
    """Return PCM16 audio as G.711 µ-law bytes, one per sample.

    Raises:
        ValueError: `pcm` is not a whole number of 16-bit samples.
    """
    return _ENCODE[whole_samples(pcm).view(np.uint16)].tobytes()


def whole_samples(pcm: bytes) -> NDArray[np.int16]:
    """Return PCM16 bytes as samples.

    Raises:
        ValueError: `pcm` is not a whole number of 16-bit samples.
    """
    if len(pcm) % 2:
        raise ValueError(f"PCM16 audio has an even number of bytes, got {len(pcm)}")
    return np.frombuffer(pcm, dtype=np.int16)


def level_dbfs(pcm: bytes) -> float:
    """Return the root-mean-square level of PCM16 audio in dB below full scale."""
    samples = whole_samples(pcm).astype(np.float64)
    if not samples.size:
        return SILENCE_DBFS
    power = float(np.mean(samples * samples)) / 32768.0**2
    return max(SILENCE_DBFS, 10.0 * float(np.log10(power))) if power > 0 else SILENCE_DBFS


def duration_ms(pcm: bytes | bytearray, sample_rate: int) -> int:
    """Return how long PCM16 audio lasts at `sample_rate` Hz."""
    return len(pcm) * 500 // sample_rate


class StreamResampler:
    """Convert a PCM16 stream from one sample rate to another, chunk by chunk.

    The filter keeps its state between chunks, so chunk borders do not click.

    Args:
        source_rate: Hz of what is fed in.
        target_rate: Hz of what comes out.
        quality: soxr's quality name; "HQ" for what people hear, "LQ" for recognisers.
    """

    def __init__(self, source_rate: int, target_rate: int, *, quality: str = "HQ") -> None:
        self._stream = (
            None
            if source_rate == target_rate
            else soxr.ResampleStream(source_rate, target_rate, 1, dtype="int16", quality=quality)
        )

    def feed(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return what is ready of the converted stream; with `last`, all that is left."""
        if self._stream is None:
            return pcm
        samples = whole_samples(pcm)
        converted: NDArray[np.int16] = self._stream.resample_chunk(samples, last=last)
        return converted.tobytes()
