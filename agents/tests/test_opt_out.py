"""Which words end the calls for good, and which only sound like it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.evaluation.wordings import wordings
from agents.understanding.opt_out import is_opt_out, opt_out_in

OPT_OUTS = wordings("opt_outs")
OTHER_WORDS = wordings("not_opt_outs")


def test_it_hears_every_wording_of_never_call_again() -> None:
    assert [words for words in OPT_OUTS if not is_opt_out(words)] == []


def test_it_does_not_hear_an_opt_out_where_none_is_said() -> None:
    assert [words for words in OTHER_WORDS if is_opt_out(words)] == []


@pytest.mark.parametrize(
    "words",
    [
        "no more of this",
        "don't do it again",
        "kindly do not disturb",
        "blocking this number now",
    ],
)
def test_a_hesitant_no_before_it_does_not_hide_it(words: str) -> None:
    assert is_opt_out(f"yeah no {words}")


@pytest.mark.parametrize(
    "words", ["Don't CALL me again!", "  stop   calling,  me ", "don’t call me", "No me llame más."]
)
def test_it_does_not_mind_spelling_case_and_accents(words: str) -> None:
    assert is_opt_out(words)


POLITE = ("", "please ", "okay so ", "hey ", "listen ", "look buddy ", "um ", "yeah no ")
ENDED = ("", " please", " okay", " thank you", " goodbye", " bye now", " you hear me", " sir")


@given(st.sampled_from(OPT_OUTS), st.sampled_from(POLITE), st.sampled_from(ENDED))
def test_manners_do_not_hide_an_opt_out(words: str, before: str, after: str) -> None:
    assume(not (words.endswith("called") and after == " sir"))  # who dislikes that word
    assert is_opt_out(f"{before}{words}{after}")


@given(
    st.sampled_from(OPT_OUTS),
    st.sampled_from(
        ("I am not interested", "who is this", "hello", "I already sold it", "no no no")
    ),
)
def test_an_opt_out_counts_after_whatever_else_is_said(words: str, first: str) -> None:
    assert is_opt_out(f"{first}. {words}")


@given(
    st.lists(st.sampled_from(sorted({w for line in OPT_OUTS for w in line.split()})), max_size=60)
)
def test_no_jumble_of_words_breaks_it_or_makes_it_think_long(words: list[str]) -> None:
    assert is_opt_out(" ".join(words)) in (True, False)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("take my husband's number off your list", "asks to be taken off the list"),
        ("quit calling here", "asks to stop calling"),
        ("I revoke my consent", "withdraws consent"),
        ("stop", "says stop"),
    ],
)
def test_it_says_in_words_what_was_asked(words: str, why: str) -> None:
    assert opt_out_in(words) == why
