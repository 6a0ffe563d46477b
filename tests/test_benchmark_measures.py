"""The measuring itself, on recordings whose gaps are known."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.gaps import Fate, gaps, tally
from calls.simulator import g711
from calls.simulator.clips import clip

RATE = 8000
Sound = NDArray[np.int16]


def voice(ms: int, level: int = 6000) -> Sound:
    """Return something as uneven as speech, from its first sample to its last."""
    rng = np.random.default_rng(ms)
    at = np.arange(ms * RATE // 1000) / RATE
    tone = np.sin(2 * np.pi * 180 * at) * (0.6 + 0.4 * np.cos(2 * np.pi * 4 * at))
    return (level * tone + rng.normal(0, level / 20, len(at))).astype(np.int16)


def recording(ms: int, caller: dict[int, Sound], agent: dict[int, Sound], noise: int = 0) -> bytes:
    """Return a two-channel file with sounds at given times."""
    sound = np.random.default_rng(1).normal(0, noise, (ms * RATE // 1000, 2)) if noise else None
    both = np.zeros((ms * RATE // 1000, 2), dtype=np.int16)
    if sound is not None:
        both += sound.astype(np.int16)
    for channel, sounds in enumerate((caller, agent)):
        for at_ms, samples in sounds.items():
            at = at_ms * RATE // 1000
            both[at : at + len(samples), channel] += samples
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(both.astype("<i2").tobytes())
    return file.getvalue()


@pytest.mark.parametrize("noise", [0, 30])
def test_it_measures_known_gaps_to_within_a_block(noise: int) -> None:
    sound = recording(
        10_000,
        caller={2000: voice(800), 5000: voice(1200)},
        agent={500: voice(900), 2935: voice(1500), 7500: voice(1000)},
        noise=noise,
    )
    found = gaps(sound, said=[(1950, 2850), (4900, 6300)])
    assert [gap.fate for gap in found] == [Fate.ANSWERED, Fate.ANSWERED]
    assert found[0].gap_ms == pytest.approx(135, abs=6)
    assert found[1].gap_ms == pytest.approx(1300, abs=6)


def test_it_measures_recorded_speech_from_its_last_audible_sample() -> None:
    words = g711.decode(clip("In the next three months."))
    audible = np.flatnonzero(np.abs(words.astype(np.int32)) > 200)
    ends_ms = 2000 + (int(audible[-1]) + 1) * 1000 / RATE
    sound = recording(8000, caller={2000: words}, agent={500: voice(900), 5000: voice(900)})
    length_ms = len(words) * 1000 / RATE
    (gap,) = gaps(sound, said=[(2000, 2000 + length_ms)])
    assert gap.gap_ms == pytest.approx(5000 - ends_ms, abs=25)


def test_a_pause_in_mid_sentence_is_not_the_end_of_a_turn() -> None:
    pausing = {2000: voice(600), 3300: voice(600)}
    greeting = {500: voice(900)}
    said = [(2000.0, 3900.0)]
    (answered,) = gaps(recording(6000, pausing, greeting | {4100: voice(900)}), said=said)
    assert answered.gap_ms == pytest.approx(200, abs=6)
    (hasty,) = gaps(recording(6000, pausing, greeting | {2800: voice(900)}), said=said)
    assert hasty.fate is Fate.CUT_INTO
    (quick,) = gaps(recording(6000, pausing, greeting | {3100: voice(200)}), said=said)
    assert quick.fate is Fate.YIELDED_TO


def test_openers_interruptions_and_clicks_are_not_turns() -> None:
    click = np.full(40, 20_000, dtype=np.int16)
    sound = recording(
        12_000,
        caller={300: voice(400), 3000: voice(500), 6000: voice(700)},
        agent={1000: voice(1500), 2800: voice(600), 6900: click, 7200: voice(900)},
    )
    found = gaps(sound, said=[(300, 700), (3000, 3500), (6000, 6700)])
    assert [gap.fate for gap in found] == [Fate.OPENER, Fate.INTERRUPTING, Fate.ANSWERED]
    assert found[2].gap_ms == pytest.approx(500, abs=6)


def test_a_turn_nobody_answers_is_counted_apart() -> None:
    sound = recording(
        20_000,
        caller={2000: voice(600), 8000: voice(600), 15_000: voice(600), 18_500: voice(600)},
        agent={500: voice(900), 13_000: voice(900), 15_900: voice(500)},
    )
    said = [(2000.0, 2600.0), (8000.0, 8600.0), (15_000.0, 15_600.0), (18_500.0, 19_100.0)]
    found = gaps(sound, said=said, not_answers=[(13_000.0, 13_900.0)])
    assert [gap.fate for gap in found] == [
        Fate.UNANSWERED, Fate.UNANSWERED, Fate.ANSWERED, Fate.UNFINISHED,
    ]  # fmt: skip
    result = tally(found)
    assert (result["n"], result["unanswered"], result["unanswered_share"]) == (1, 2, 0.667)
