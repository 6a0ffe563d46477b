"""An utterance that is over: what is told at once, and whether its long search is waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.audio import mulaw_decode
from voice.engines import pocketsphinx_decoding as decoding
from voice.engines.pocketsphinx_search import Engine

AUDIO = Path(__file__).parent / "audio"
SPOKEN = "slt_i_am_busy_right_now_can_you_call_me_back_later"


class Clock:
    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(decoding, "time", made)
    # The short search is never sure of its words: the long one is worth something.
    monkeypatch.setattr("voice.engines.pocketsphinx_search.SURE", 0.0)
    return made


def ended(engine: Engine) -> decoding.Decoding:
    """Return an utterance that is over, of which only the short work is done."""
    made = decoding.Decoding(engine, 1, 8000, None)
    made.add(mulaw_decode((AUDIO / f"{SPOKEN}.ulaw").read_bytes()))
    made.step()
    made.end()
    while made.has_work:
        made.step()
    assert made.has_long_work
    return made


def test_a_search_that_gets_on_is_waited_for_to_its_end(engine: Engine, clock: Clock) -> None:
    utterance = ended(engine)
    while utterance.has_long_work:
        utterance.step_long()
        clock.now_s += 0.01
    general = utterance._general
    assert general.at >= utterance._end
    assert utterance.close()["words"]


def test_one_that_nobody_has_time_for_is_given_up_as_soon_as_that_is_clear(
    engine: Engine, clock: Clock
) -> None:
    utterance = ended(engine)
    utterance.step_long()
    clock.now_s += decoding.PACE_KNOWN_S / 2
    assert utterance.has_long_work
    clock.now_s += decoding.PACE_KNOWN_S
    assert not utterance.has_long_work
    assert utterance.close()["words"], "those of the short search"


def test_none_goes_on_for_ever(engine: Engine, clock: Clock) -> None:
    utterance = ended(engine)
    began_s = clock.now_s
    while utterance.has_long_work:
        utterance.step_long()
        clock.now_s += 0.04
    assert clock.now_s - began_s <= decoding.LONGEST_END_S + 0.04
    utterance.close()


def test_words_that_cover_the_voice_are_told_before_the_long_search(
    engine: Engine, clock: Clock
) -> None:
    sound = mulaw_decode((AUDIO / f"{SPOKEN}.ulaw").read_bytes())
    utterance = decoding.Decoding(engine, 1, 8000, None)
    utterance.add(sound[:38_400])
    while utterance.has_work:
        utterance.step()
    assert utterance.news()
    covered_ms = utterance.decoded_ms
    utterance.add(sound[38_400:])
    utterance.end()
    told = []
    while utterance.has_work:
        utterance.step()
        told.append(utterance.news())
    assert utterance.has_long_work, "the final words are far"
    *early, text = told
    assert text == "i am busy right now can you call me back later"
    assert set(early) == {None}, "once, when there is all of it"
    assert covered_ms < utterance.decoded_ms == utterance.heard_ms
    utterance.step_long()
    assert utterance.news() is None
    utterance.close()


def test_a_sound_without_words_before_its_end_has_none_before_the_final_ones(
    engine: Engine, clock: Clock
) -> None:
    utterance = ended(engine)
    assert utterance.news() is None
    assert utterance.close()["words"]
