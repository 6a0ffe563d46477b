"""Somebody unknown calls: a name, what it is about, and on with the playbook."""

from __future__ import annotations

import pytest

from agents.interface import Action, Silence
from agents.tests.talking import Talk, opened
from agents.understanding.callers import caller_name, caller_need


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("my name is erin walsh", "Erin Walsh"),
        ("hi this is oscar", "Oscar"),
        ("yes hello it's mary ann o'neil", "Mary Ann O'neil"),
        ("i'm carla and i want to sell my house", "Carla"),
        ("jean-luc speaking", "Jean-luc"),
        ("nathan stone", "Nathan Stone"),
        ("this is vera calling about my home", "Vera"),
        ("i am calling about my house", ""),
        ("i am interested in selling", ""),
        ("what is this about", ""),
        ("no", ""),
        ("who is this", ""),
        ("", ""),
        ("i would like to sell my house please", ""),
    ],
)
def test_a_name_is_taken_from_what_people_say(said: str, name: str) -> None:
    assert caller_name(said) == name


@pytest.mark.parametrize(
    ("said", "need"),
    [
        ("i want to sell my house", "seller"),
        ("what is my home worth", "seller"),
        ("we are looking for a place to buy", "buyer"),
        ("i am looking for an apartment to rent", "renter"),
        ("i invest in rental properties", "investor"),
        ("i have a question", ""),
    ],
)
def test_a_need_is_told_from_what_people_say(said: str, need: str) -> None:
    assert caller_need(said) == need


async def stranger() -> Talk:
    return await opened(inbound=True, stranger=True, lead_kind="seller", lead_first_name="")


async def test_it_discloses_and_then_asks_who_calls() -> None:
    talk = await stranger()
    assert talk.topics[-1] == "intake.name"
    assert "disclosure" in talk.topics
    assert "May I have your name" in talk.words


async def test_a_name_and_a_need_lead_into_the_playbook() -> None:
    talk = await stranger()
    await talk.says("my name is erin walsh")
    assert talk.topics == ["intake.need"]
    await talk.says("i want to sell my house")
    assert talk.topics[0] == "intake.thanks"
    assert talk.asks == "ask.motivation"
    signals = (await talk.close()).signals
    assert (signals["caller_name"], signals["caller_need"]) == ("Erin Walsh", "seller")


async def test_who_says_both_at_once_is_not_asked_again() -> None:
    talk = await stranger()
    await talk.says("this is carla i want to sell my house")
    assert talk.asks == "ask.motivation"


async def test_what_is_not_understood_is_asked_once_more_and_then_left() -> None:
    talk = await stranger()
    await talk.says("i am calling about something")
    assert "did not get your name" in talk.words
    await talk.says("hm")
    assert talk.topics == ["intake.need"]
    await talk.says("i have a question about something")
    assert talk.topics == ["intake.need"]
    await talk.says("just a thing")
    assert talk.asks == "ask.motivation"


async def test_something_else_than_the_playbook_is_about_goes_to_a_person() -> None:
    talk = await stranger()
    await talk.says("my name is erin")
    await talk.says("i am looking for an apartment to rent")
    assert talk.topics == ["intake.other", "callback.ask"]
    await talk.says("tomorrow at three")
    await talk.says("yes that is correct")
    assert talk.done(Action.CALLBACK) is not None


async def test_an_opt_out_is_obeyed_in_the_intake_too() -> None:
    talk = await stranger()
    await talk.says("take me off your list")
    assert talk.done(Action.OPT_OUT) is not None


async def test_silence_puts_the_same_question_again() -> None:
    talk = await stranger()
    await talk.says(Silence(1))
    assert talk.topics == ["reprompt", "intake.name"]
