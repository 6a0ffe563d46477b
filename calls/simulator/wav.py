"""Read and write the WAV files of a telephone: µ-law or 16-bit PCM, one or two channels."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from calls.simulator import g711

_PCM, _ULAW, _EXTENSIBLE = 1, 7, 0xFFFE


class WavError(ValueError):
    """A file that is not a WAV this line can play; the message says what is wrong with it."""


def _chunks(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        found.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + (size & 1)
    return found


def _resampled(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Return the samples at 8 kHz by averaging and interpolation: fair for announcements."""
    if rate == g711.SAMPLE_RATE:
        return samples
    signal = samples.astype(np.float64)
    width = max(1, round(rate / g711.SAMPLE_RATE))
    if width > 1:
        # A crude low-pass, or whatever lies above 4 kHz folds back as noise.
        signal = np.convolve(signal, np.ones(width) / width, mode="same")
    length = int(len(signal) * g711.SAMPLE_RATE / rate)
    at = np.arange(length) * rate / g711.SAMPLE_RATE
    return np.interp(at, np.arange(len(signal)), signal).astype(np.int16)


def to_ulaw(data: bytes) -> bytes:
    """Return the µ-law bytes a telephone plays for a WAV file (µ-law or 16-bit PCM).

    Raises:
        WavError: the data is not such a file.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise WavError("not a RIFF WAVE file")
    chunks = _chunks(data)
    if len(chunks.get(b"fmt ", b"")) < 16 or b"data" not in chunks:
        raise WavError("no fmt or data chunk")
    coding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunks[b"fmt "][:16])
    sound = chunks[b"data"]
    if coding == _ULAW:
        samples = g711.decode(sound)
    elif coding in (_PCM, _EXTENSIBLE) and bits == 16:
        samples = np.frombuffer(sound[: len(sound) // 2 * 2], dtype="<i2")
    else:
        raise WavError(f"coding {coding} with {bits} bits; use µ-law or 16-bit PCM")
    if not channels or not rate:
        raise WavError("no channels or no sample rate")
    if channels > 1:
        whole = samples[: len(samples) // channels * channels]
        samples = whole.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return g711.encode(_resampled(samples, rate))


def from_ulaw(sound: bytes) -> bytes:
    """Return a one-channel µ-law WAV file at 8 kHz."""
    fmt = struct.pack("<HHIIHHH", _ULAW, 1, g711.SAMPLE_RATE, g711.SAMPLE_RATE, 1, 8, 0)
    return _riff(fmt, sound)


def from_channels(*channels: bytes) -> bytes:
    """Return a 16-bit PCM WAV file at 8 kHz with one channel per µ-law signal."""
    length = max((len(channel) for channel in channels), default=0)
    padded = [g711.decode(c + g711.SILENCE_BYTE * (length - len(c))) for c in channels]
    count = len(channels)
    fmt = struct.pack(
        "<HHIIHH", _PCM, count, g711.SAMPLE_RATE, g711.SAMPLE_RATE * 2 * count, 2 * count, 16
    )
    return _riff(fmt, np.stack(padded, axis=1).astype("<i2").tobytes())


def _riff(fmt: bytes, sound: bytes) -> bytes:
    pad = b"\0" if len(sound) & 1 else b""
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"data" + struct.pack("<I", len(sound)) + sound + pad
    return b"RIFF" + struct.pack("<I", len(body)) + body
