from __future__ import annotations

from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from calls.simulator import Fast, g711, lettered
from calls.simulator.fast import OUTCOMES, outcomes_read
from calls.simulator.persona import PersonaError, load_persona, persona_names

LINES = [line for name in persona_names() for line in load_persona(name).lines()]


@given(
    line=st.sampled_from(LINES),
    before=st.integers(0, 900),
    after=st.integers(0, 900),
)
def test_words_survive_the_line_and_a_decoder(line: str, before: int, after: int) -> None:
    sound = b"\xff" * before + lettered.sound(line) + b"\xff" * after
    assert lettered.read(g711.encode(g711.decode(sound))) == lettered.words(line)


def test_a_line_is_audible_and_short_however_much_it_says() -> None:
    for line in LINES:
        sound = lettered.sound(line)
        assert len(sound) < 700 * g711.BYTES_PER_MS
        assert g711.is_audible(sound)


def test_a_lost_frame_does_no_harm_and_from_a_torn_line_nothing_is_read() -> None:
    sound = lettered.sound("Please take me off your list.")
    assert lettered.read(sound[:80] + sound[240:]) == "please take me off your list"
    torn = b"".join(sound[at : at + 140] for at in range(0, len(sound), 160))
    assert lettered.read(torn) == ""
    assert lettered.read(g711.silence(500)) == ""


def test_the_same_seed_draws_the_same_people() -> None:
    numbers = [f"+1808555{n:04}" for n in range(400)]
    one, other, third = Fast(seed=1), Fast(seed=1), Fast(seed=2)
    drawn = [one.draw(number) for number in numbers]
    assert drawn == [other.draw(number) for number in numbers]
    assert drawn != [third.draw(number) for number in numbers]
    assert set(Counter(drawn)) == set(OUTCOMES)  # all of them come up
    assert drawn != [one.draw(number) for number in numbers]  # the next call is another lot


def test_people_hurry_but_keep_their_patience() -> None:
    person = load_persona("dnc_key")
    hurried = Fast(times=10).hurried(person)
    assert hurried.amd_ms == person.amd_ms / 10
    assert hurried.rule[0].interrupt_after_ms == person.rule[0].interrupt_after_ms / 10
    assert hurried.rule[1].interrupt_after_ms == 0  # never
    assert hurried.patience_ms == person.patience_ms


def test_outcomes_are_read_and_wrong_ones_named() -> None:
    assert outcomes_read("busy=3, eager_seller=1") == {"busy": 3, "eager_seller": 1}
    with pytest.raises(PersonaError, match="somebody"):
        outcomes_read("somebody=1")
    with pytest.raises(PersonaError, match="busy=x"):
        outcomes_read("busy=x")
    with pytest.raises(CommandError, match="times"):
        call_command("carrier", port=0, fast=0.5)
