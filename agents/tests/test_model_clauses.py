"""A stream of tokens becomes clauses, each as early as it can be known to be complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.clauses import ClauseCutter
from agents.standin.words import tokens


def cut(text: str) -> list[str]:
    cutter = ClauseCutter()
    clauses = [clause for token in tokens(text) for clause in cutter.feed(token)]
    return [*clauses, *([cutter.rest] if cutter.rest else [])]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("We do. Our agent knows.", ["We do.", "Our agent knows."]),
        (
            "Our agent brings figures, and the visit is short.",
            ["Our agent brings figures,", "and the visit is short."],
        ),
        ("Yes, of course, we do.", ["Yes, of course,", "we do."]),
        ("We do open at 9 A.M. on Monday.", ["We do open", "at 9 A.M. on Monday."]),
        ("It is 4.5 miles to Dr. Lee.", ["It is 4.5 miles to Dr. Lee."]),
        (
            "The home is photographed by a professional before it is listed",
            ["The home is photographed", "by a professional before it is listed"],
        ),
        ("First line\nSecond line", ["First line", "Second line"]),
        ("Really? Yes!", ["Really?", "Yes!"]),
    ],
)
def test_it_cuts_where_a_speaker_would_breathe(text: str, clauses: list[str]) -> None:
    assert cut(text) == clauses


def test_the_first_sentence_is_given_before_the_second_begins() -> None:
    cutter = ClauseCutter()
    given_after = [cutter.feed(token) for token in (" We", " help", " owners", ".")]
    assert given_after == [[], [], [], ["We help owners."]]


@given(st.text(alphabet="ab .,!?\n;:-'A9", max_size=200))
def test_no_letter_is_lost_or_made_up(text: str) -> None:
    assert "".join("".join(cut(text)).split()) == "".join(text.split())
