from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.simulator import g711, wav
from calls.simulator.clips import tone
from calls.simulator.playout import MOST_BYTES, PlayoutBuffer


@given(st.binary(max_size=400))
def test_u_law_survives_decoding_and_encoding(ulaw: bytes) -> None:
    # G.711 has two codes for zero; they are the same sound.
    plain = ulaw.replace(b"\x7f", b"\xff")
    assert g711.encode(g711.decode(plain)) == plain


def test_u_law_matches_the_recommendation() -> None:
    assert list(g711.decode(b"\x00\x80\xff\x7f\x0f\xf0")) == [-32124, 32124, 0, 0, -16764, 120]


def test_it_knows_sound_from_a_quiet_line() -> None:
    assert g711.is_audible(tone(300, 20))
    assert not g711.is_audible(g711.SILENCE_FRAME)
    assert not g711.is_audible(b"\x80" + g711.SILENCE_FRAME[1:])  # a click
    assert not g711.is_audible(b"")


def test_it_finds_where_sound_begins_and_ends() -> None:
    assert g711.audible_span(g711.silence(40) + tone(300, 60) + g711.silence(50)) == (320, 800)
    assert g711.audible_span(g711.silence(50)) is None


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 8000), (1, 16000), (2, 44100)])
def test_it_plays_wav_files_of_any_rate(channels: int, rate: int) -> None:
    at = np.arange(rate) / rate
    samples = (10_000 * np.sin(2 * np.pi * 440 * at)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(samples, channels).tobytes())
    sound = g711.decode(wav.to_ulaw(buffer.getvalue())).astype(float)
    assert abs(len(sound) - 8000) <= 1
    assert np.argmax(np.abs(np.fft.rfft(sound, 8000))) == 440


def test_its_own_files_come_back_unchanged() -> None:
    sound = tone(700, 101)
    assert wav.to_ulaw(wav.from_ulaw(sound)) == sound


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF1234WAVE", b"ID3", wav.from_ulaw(b"")[:30],
     b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 85, 1, 8000, 0, 0, 0)
     + b"data\0\0\0\0"],
)  # fmt: skip
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(wav.WavError):
        wav.to_ulaw(data)


class Marks:
    def __init__(self, buffer: PlayoutBuffer) -> None:
        self.buffer = buffer
        self.passed: list[tuple[str, bool]] = []

    def set(self, name: str) -> None:
        self.buffer.mark(name, lambda played: self.passed.append((name, played)))


def test_it_plays_in_order_and_pads_with_silence() -> None:
    buffer = PlayoutBuffer()
    sound = tone(300, 30)
    buffer.feed(sound)
    assert buffer.next_frame() + buffer.next_frame() == sound + g711.silence(10)
    assert buffer.next_frame() == g711.SILENCE_FRAME


def test_a_mark_is_passed_when_the_last_sample_before_it_has_been_heard() -> None:
    buffer = PlayoutBuffer()
    marks = Marks(buffer)
    buffer.feed(tone(300, 40))
    marks.set("a")
    assert buffer.next_mark == "a"
    buffer.next_frame()
    buffer.next_frame()
    assert marks.passed == []  # the second frame has only begun
    buffer.next_frame()
    assert marks.passed == [("a", True)]


def test_clear_returns_marks_unheard_and_later_sound_starts_afresh() -> None:
    buffer = PlayoutBuffer()
    marks = Marks(buffer)
    buffer.feed(tone(300, 400))
    marks.set("a")
    buffer.next_frame()
    buffer.clear()
    assert marks.passed == [("a", False)]
    assert (buffer.waiting_ms, buffer.audible_pending) == (0, False)
    buffer.feed(tone(300, 20))
    marks.set("b")
    buffer.next_frame()
    buffer.next_frame()
    assert marks.passed == [("a", False), ("b", True)]


def test_it_knows_whether_anything_audible_is_still_to_come() -> None:
    buffer = PlayoutBuffer()
    buffer.feed(tone(300, 20) + g711.silence(60))
    assert buffer.audible_pending
    buffer.next_frame()
    assert not buffer.audible_pending
    assert buffer.waiting_ms == 60


def test_it_refuses_to_hold_more_than_ten_minutes() -> None:
    buffer = PlayoutBuffer()
    assert buffer.feed(g711.SILENCE_BYTE * MOST_BYTES)
    assert not buffer.feed(g711.SILENCE_FRAME)
