"""How written text is read aloud."""

from __future__ import annotations

import pytest

from voice.engines.espeak import pause_after
from voice.engines.speakable import speakable


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It sold for $450,000.", "It sold for 450,000 dollars."),
        ("About $1.2 million, or $450k", "About 1.2 million dollars, or 450 thousand dollars"),
        ("It costs $1 and $2.50.", "It costs 1 dollar and 2 dollars and 50 cents."),
        ("At 3:30 PM.", "At 3 30 PM."),
        ("At 10:00 AM or 4:05pm?", "At 10 AM or 4 oh 5 PM?"),
        ("Is 2 p.m. good?", "Is 2 PM good?"),
        ("At 9:00 then", "At 9 o'clock then"),
        (
            "Call (512) 555-0143.",
            "Call five one two, five five five, zero one four three.",
        ),
        ("between 3-6 months", "between 3 to 6 months"),
        ("on 12 Oak St. near", "on 12 Oak Street near"),
        ("1,800 sq ft & a 3br", "1,800 square feet and a 3 bedroom"),
        ("<speak>Hi</speak> <there", "Hi there"),
        ("**Great** \U0001f600\n news\x00!", "Great news !"),
        ("I am an AI assistant", "I am an A.I. assistant"),
    ],
)
def test_it_reads(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize("nothing", ["", "   ", "...", "<b></b>", "—", "\U0001f600"])
def test_it_finds_nothing_to_say_in(nothing: str) -> None:
    assert speakable(nothing) == ""


def test_it_pauses_longer_after_a_sentence_than_within_one() -> None:
    assert pause_after('He said "stop."') > pause_after("first,") > pause_after("and then")
