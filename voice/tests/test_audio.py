"""G.711, levels and streaming rate conversion."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio import (
    SILENCE_DBFS,
    StreamResampler,
    duration_ms,
    level_dbfs,
    mulaw_decode,
    mulaw_encode,
)


def sine(hz: float, seconds: float, rate: int, amplitude: float = 8000) -> bytes:
    t = np.arange(int(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.int16).tobytes()


def test_mulaw_follows_the_values_of_g711() -> None:
    # Table 2b of ITU-T G.711, scaled from 14 to 16 bits.
    assert (
        mulaw_decode(bytes([0x00, 0x80, 0x7F, 0xFF]))
        == np.array([-32124, 32124, 0, 0], np.int16).tobytes()
    )
    assert mulaw_encode(np.array([0, 32767, -32768], np.int16).tobytes()) == bytes(
        [0xFF, 0x80, 0x00]
    )


def test_every_mulaw_byte_survives_the_way_there_and_back() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # the second zero
    assert mulaw_encode(mulaw_decode(codes)) == codes


def test_mulaw_keeps_every_sample_within_half_its_quantisation_step() -> None:
    original = np.arange(-32635, 32636).astype(np.int16)
    back = np.frombuffer(mulaw_decode(mulaw_encode(original.tobytes())), np.int16)
    error = np.abs(back.astype(int) - original)
    # Sixteen steps to an octave of the biased magnitude: half a step is at most a 32nd of it.
    assert (error <= (np.abs(original.astype(int)) + 132) / 32).all()


def test_level_of_a_full_scale_sine_is_three_below_the_peak() -> None:
    assert level_dbfs(sine(400, 0.5, 8000, 32767)) == pytest.approx(-3.01, abs=0.05)
    assert level_dbfs(bytes(640)) == level_dbfs(b"") == SILENCE_DBFS


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number"):
        level_dbfs(b"\x00")


def test_resampling_in_pieces_equals_resampling_at_once() -> None:
    tone = sine(440, 1.0, 22050)
    whole = StreamResampler(22050, 8000).feed(tone, last=True)
    stream = StreamResampler(22050, 8000)
    pieces = [stream.feed(tone[at : at + 882]) for at in range(0, len(tone), 882)]
    joined = b"".join([*pieces, stream.feed(b"", last=True)])
    assert duration_ms(joined, 8000) == pytest.approx(1000, abs=1)
    a, b = np.frombuffer(whole, np.int16), np.frombuffer(joined, np.int16)
    assert np.abs(a.astype(int) - b).max() <= 2


def test_equal_rates_pass_through() -> None:
    assert StreamResampler(8000, 8000).feed(b"\x01\x02") == b"\x01\x02"
