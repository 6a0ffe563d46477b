"""What is kept of a talk for the people who follow up."""

from __future__ import annotations

import pytest

from agents.interface import Action, ActionDone, Notes
from agents.scoring import MOST_POINTS, VERSION, Factor, score, subject_of, with_turns
from agents.summary import summarise
from agents.tests.talking import SELLER, at_the_offer, opened


async def booked() -> Notes:
    talk = await at_the_offer()
    await talk.says("the first one", "yes", ActionDone(Action.BOOK, True))
    return await talk.close()


async def test_a_ready_seller_scores_high_with_her_own_words_as_evidence() -> None:
    result = score(await booked())
    assert result.value >= 85
    assert result.version == VERSION
    evidence = {factor.name: factor.evidence for factor in result.factors}
    assert evidence["timeframe"] == "in the next three months"
    assert evidence["motivation"] == "we are moving for a new job"


async def test_the_score_is_the_sum_of_its_factors() -> None:
    result = score(await booked())
    assert result.value == min(100, sum(factor.points for factor in result.factors))
    assert len({factor.name for factor in result.factors}) == len(result.factors)


async def test_the_same_talk_scores_the_same() -> None:
    assert score(await booked()) == score(await booked())


async def test_who_wants_never_to_be_called_again_scores_nothing() -> None:
    talk = await (await at_the_offer()).says("never call me again")
    assert score(await talk.close()).value == 0


async def test_a_slow_seller_scores_below_a_fast_one() -> None:
    slow = await (await opened()).says("yes", "a new job", "in about two years")
    fast = await (await opened()).says("yes", "a new job", "as soon as possible")
    assert score(await slow.close()).value < score(await fast.close()).value


async def test_nothing_said_scores_nothing() -> None:
    assert score(await (await opened()).close()).value == 0


async def test_a_summary_is_five_lines() -> None:
    lines = summarise(await booked(), script=SELLER).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("Result: Appointment booked, Tue 24 Nov 2026 15:00 UTC")
    assert "3 months" in lines[1]
    assert "house, 3 bedrooms" in lines[1]
    assert "$400,000" in lines[1]


async def test_a_summary_says_what_is_still_open() -> None:
    talk = await (await opened()).says("yes", "a new job", "i have to go", "tomorrow at three")
    await talk.says("yes")
    lines = summarise(await talk.close(), script=SELLER).splitlines()
    assert lines[2] == "Open: timeframe, property, price, has agent."
    assert "Call at the time" in lines[4]


async def test_the_score_is_made_of_what_managers_look_at() -> None:
    names = [factor.name for factor in score(await booked()).factors]
    assert set(names) == set(MOST_POINTS)
    assert len(names) == len(set(names))


async def test_no_part_gives_more_than_its_share_however_much_tells_of_it() -> None:
    answers = {
        slot: {"value": 400_000, "type": "money", "said": f"said {slot}"}
        for slot in ("budget", "price", "rent")
    }
    (factor,) = score(Notes("", answers, {}, {})).factors[:1]
    assert factor.name == "price_or_budget"
    assert factor.points == MOST_POINTS["price_or_budget"]


@pytest.mark.parametrize(
    ("slot", "kind", "subject"),
    [
        ("timeframe", "months", "timeframe"),
        ("move_in", "months", "timeframe"),
        ("budget", "money", "price_or_budget"),
        ("financing", "choice", "price_or_budget"),
        ("has_agent", "yes_no", "authority"),
        ("still_moving", "yes_no", "motivation"),
        ("area", "text", "property_fit"),
        ("home_wanted", "property", "property_fit"),
        ("anything", "choice", "motivation"),
    ],
)
def test_every_answer_tells_of_one_part(slot: str, kind: str, subject: str) -> None:
    assert subject_of(slot, kind) == subject


def test_evidence_is_found_in_the_transcript() -> None:
    factor = Factor("timeframe", "3 months", 22, "In the next three months")
    turns = [(1, "yes"), (4, "well in the next three months I guess"), (6, "no")]
    assert with_turns([factor], turns)[0].turn_index == 4
    assert with_turns([factor], turns[:1])[0].turn_index is None
