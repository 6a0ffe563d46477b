"""The recordings: complete, small, and understood by the built-in recogniser."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from calls.simulator import g711
from calls.simulator.clips import CLIPS, clip, line_sound
from calls.simulator.persona import load_persona, persona_names

DEMO = {
    "eager_seller": "appointment",
    "objection_then_books": "appointment",
    "callback_later": "callback",
    "not_interested": "not_interested",
    "dnc_voice": "do_not_call",
    "dnc_key": "do_not_call",
    "voicemail": "voicemail",
    "no_answer": "no_answer",
}


@pytest.mark.parametrize("name", persona_names())
def test_every_line_of_every_persona_is_recorded(name: str) -> None:
    for line in load_persona(name).lines():
        assert g711.is_audible(line_sound(line))


def test_the_personas_of_the_demo_expect_its_outcomes() -> None:
    assert {name: load_persona(name).expected for name in DEMO} == DEMO


def test_the_recordings_stay_small() -> None:
    assert sum(path.stat().st_size for path in CLIPS.glob("*.wav")) < 4_000_000


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The first one is good for me.", "first one"),
        ("Please take me off your list.", "take me off your list"),
        ("I think the commission is very high.", "commission is very high"),
        ("Tomorrow at three in the afternoon.", "tomorrow at three in the afternoon"),
        ("I am not interested.", "not interested"),
    ],
)
def test_the_recogniser_understands_what_matters(sentence: str, words: str) -> None:
    from pocketsphinx import Config, Decoder

    decoder = Decoder(Config(samprate=16000, loglevel="FATAL"))
    line = g711.silence(300) + clip(sentence) + g711.silence(300)
    wide = soxr.resample(g711.decode(line).astype(np.float32), 8000, 16000)
    decoder.start_utt()
    decoder.process_raw(wide.astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    assert words in decoder.hyp().hypstr
