"""What a voice over the agent has to be to take the floor."""

from __future__ import annotations

import pytest

from agents.playbook import TurnTaking
from voice.insistence import OPENING, Insistence, takes_floor
from voice.wording import is_back_channel

BALANCED = Insistence.of(TurnTaking())
EASY, HARD = (Insistence.of(TurnTaking(interrupting=knob)) for knob in ("easy", "hard"))


def takes(
    voice_ms: float, text: str = "", needed: Insistence = BALANCED, *, afterthought: bool = False
) -> bool:
    return takes_floor(
        voice_ms,
        text,
        means_nothing=is_back_channel(text),
        is_afterthought=afterthought,
        needed=needed,
    )


@pytest.mark.parametrize(
    ("voice_ms", "text"),
    [
        (100, ""),
        (400, ""),
        (650, ""),
        (600, "okay"),
        (1000, "mm hm"),
        (900, "right"),
        (600, "in the"),
    ],
)
def test_a_cough_and_a_murmur_do_not_take_it(voice_ms: float, text: str) -> None:
    assert not takes(voice_ms, text)


@pytest.mark.parametrize(
    ("voice_ms", "text"),
    [(250, "excuse me"), (400, "i am not"), (600, "stop"), (800, ""), (1300, "okay okay")],
)
def test_words_and_a_voice_that_goes_on_take_it(voice_ms: float, text: str) -> None:
    assert takes(voice_ms, text)


def test_words_are_not_believed_before_there_is_enough_voice_for_them() -> None:
    assert not takes(120, "can you please")


def test_the_rest_of_the_leads_own_sentence_takes_it_at_once() -> None:
    assert takes(250, afterthought=True)
    assert not takes(200, afterthought=True), "it may be a cough"
    assert takes(100, "bedrooms", afterthought=True)
    assert not takes(300, "yes", afterthought=True), "it agrees with what was said before"


def test_a_hello_into_the_first_words_does_not_take_it() -> None:
    assert not takes(500, "hello", OPENING)
    assert not takes(700, "", OPENING)
    assert takes(1000, "", OPENING)


def test_the_knob_says_how_much_it_takes() -> None:
    for voice_ms, text in ((250, "wait"), (450, "")):
        assert takes(voice_ms, text, EASY)
        assert not takes(voice_ms, text, BALANCED)
    for voice_ms, text in ((600, "excuse me"), (900, "")):
        assert takes(voice_ms, text, BALANCED)
        assert not takes(voice_ms, text, HARD)
    assert takes(900, "i want to say", HARD)
