"""When a turn is over, by the words."""

from __future__ import annotations

import pytest

from agents.playbook import TurnTaking
from voice.phrasing import word_groups, words_by
from voice.turns import Patience, silence_needed_ms
from voice.wording import is_back_channel, is_greeting

PATIENCE = Patience()


def needed(
    text: str, understood: bool | None = None, finished: float | None = None, asked: str = ""
) -> int:
    return silence_needed_ms(
        text, understood=understood, finished=finished, patience=PATIENCE, asked=asked
    )


@pytest.mark.parametrize(
    "text",
    [
        "yes", "no thank you", "Yeah, sure.", "hello", "that's right", "in the next three months",
        "it is a house with three bedrooms", "around four hundred thousand dollars", "90 days",
    ],
)  # fmt: skip
def test_a_complete_short_answer_is_taken_at_once(text: str) -> None:
    assert needed(text) == PATIENCE.closed_ms


@pytest.mark.parametrize(
    "text", ["my house has a", "yes and", "um", "let me see", "because", "it's the", "in my"]
)
def test_it_waits_for_a_caller_who_is_about_to_go_on(text: str) -> None:
    for finished in (None, 0.1, 0.99):
        assert needed(text, True, finished) == PATIENCE.open_ms


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("yes_no", "well i think so"), ("yes_no", "not yet"), ("yes_no", "no we don't"),
        ("yes_no", "yes it is"),
        ("count", "about three"), ("money", "maybe four hundred thousand"),
        ("money", "half a million"), ("rent", "around fifteen hundred"),
        ("months", "as soon as possible"), ("months", "next spring"),
        ("", "five five five oh one two three four five six"), ("text", "it is 555-012-3456"),
    ],
)  # fmt: skip
def test_a_full_answer_to_what_was_asked_is_taken_at_once(asked: str, text: str) -> None:
    assert needed(text, asked=asked) == PATIENCE.closed_ms


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("money", "around four hundred"), ("months", "in about three"), ("text", "maybe three"),
        ("rent", "maybe fifteen"), ("count", "i think"),
        ("months", "the market is nice"), ("yes_no", "well it is"), ("yes_no", "i have"),
    ],
)  # fmt: skip
def test_a_beginning_is_no_full_answer(asked: str, text: str) -> None:
    assert needed(text, asked=asked) > PATIENCE.closed_ms


@pytest.mark.parametrize(
    "text",
    ["my number is", "it's five five five", "five five five oh one two", "5 1 2 5 5 5"],
)
def test_it_waits_while_a_number_is_read_out(text: str) -> None:
    for finished in (None, 0.1, 0.99):
        assert needed(text, True, finished) == PATIENCE.open_ms


def test_the_knobs_of_a_playbook_change_how_long_it_waits() -> None:
    quick, plain, patient = (
        Patience.of(TurnTaking(patience=knob)) for knob in ("quick", "balanced", "patient")
    )
    for text, understood, finished in (
        ("let me see", True, None), ("purple elephants", False, 0.9), ("it is a house", True, 0.3),
    ):  # fmt: skip
        waits = [
            silence_needed_ms(text, understood=understood, finished=finished, patience=knob)
            for knob in (quick, plain, patient)
        ]
        assert waits == sorted(set(waits))
    assert plain == PATIENCE
    floor = Patience.of(TurnTaking(least_gap_ms=500))
    wait = {
        text: silence_needed_ms(text, understood=True, finished=0.9, patience=floor)
        for text in ("yes", "yes and")
    }
    assert wait == {"yes": 500, "yes and": PATIENCE.open_ms}, "a floor, not something added"


@pytest.mark.parametrize("text", ["my house has", "about", "well I", "around"])
def test_a_last_word_that_seldom_is_one_waits_unless_voice_and_sense_disagree(text: str) -> None:
    assert needed(text, True, 0.9) == PATIENCE.soft_ms
    for understood, finished in ((True, 0.6), (True, None), (None, 0.9), (False, 0.9)):
        assert needed(text, understood, finished) == PATIENCE.open_ms


def test_a_number_without_its_unit_may_go_on() -> None:
    assert needed("around four hundred", True, 0.05) == PATIENCE.doubtful_ms
    assert needed("months", True) == PATIENCE.likely_ms


def test_what_was_understood_and_sounds_finished_is_answered_at_once() -> None:
    assert needed("as soon as possible", True, 0.8) == PATIENCE.closed_ms
    assert needed("as soon as possible", True, 0.3) == PATIENCE.likely_ms
    assert needed("as soon as possible", True, 0.05) == PATIENCE.doubtful_ms
    assert needed("as soon as possible", True) == PATIENCE.likely_ms


def test_what_was_not_understood_waits_for_more() -> None:
    assert needed("the kitchen was", False, 0.2) == PATIENCE.open_ms
    assert needed("purple elephants", False, 0.9) == PATIENCE.unsure_ms


def test_more_certainty_never_means_more_waiting() -> None:
    for text in ("four bedrooms", "as soon as possible", "yes", "and", "about"):
        for finished in (None, 0.2, 0.9):
            assert needed(text, True, finished) <= needed(text, None, finished)
            assert needed(text, None, finished) <= needed(text, False, finished)


@pytest.mark.parametrize("text", ["", "mm hm", "Okay.", "right right", "uh huh", "I see"])
def test_it_knows_a_back_channel(text: str) -> None:
    assert is_back_channel(text)


@pytest.mark.parametrize("text", ["stop", "okay but how", "no", "who is this", "wait"])
def test_it_knows_what_is_meant(text: str) -> None:
    assert not is_back_channel(text)
    assert not is_greeting(text)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Hello.", ["Hello."]),
        ("Hello. How are you?", ["Hello.", "How are you?"]),
        (
            "Mr. Smith will come at three p.m. on Friday.",
            ["Mr. Smith will come at three p.m. on Friday."],
        ),
        ("Yes, of course.", ["Yes, of course."]),
        (
            "One of our agents can meet you today, or tomorrow at noon.",
            ["One of our agents can meet you today,", "or tomorrow at noon."],
        ),
        ("It is worth $450,000 or so.", ["It is worth $450,000 or so."]),
    ],
)
def test_words_are_grouped_where_a_speaker_breathes(text: str, groups: list[str]) -> None:
    assert word_groups(text) == groups
    assert " ".join(groups) == text


def test_only_whole_words_count_as_heard() -> None:
    text = "one two three"
    assert words_by(0.0, text) == ""
    assert words_by(0.34, text) == "one"
    assert words_by(0.6, text) == "one two"
    assert words_by(1.0, text) == text
