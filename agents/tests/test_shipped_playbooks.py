"""Whole calls by text with the playbooks that ship: each qualifies, objects, books and ends."""

from __future__ import annotations

from typing import Any

import pytest

from agents.interface import Action, ActionDone, KeyPress, MachineAnswered, Silence, WrapUp
from agents.llm.book import book_of
from agents.models import Playbook
from agents.playbook import Script, spoken_lines
from agents.scoring import score
from agents.selectors import playbook_script, playbook_version_current
from agents.services.playbooks import SHIPPED
from agents.summary import summarise
from agents.tests.talking import BUYER, OLD_LEAD, RENTER, SELLER, Talk, opened

ALL = pytest.mark.parametrize(
    "script",
    [SELLER, BUYER, RENTER, OLD_LEAD],
    ids=["seller", "buyer", "renter and landlord", "old lead"],
)
BOOKED = ActionDone(Action.BOOK, True)


def known(talk: Talk) -> dict[str, Any]:
    """Return slot -> value as understood so far."""
    return dict(talk.call.talk.values)


@pytest.mark.django_db
def test_a_fresh_database_has_all_four_and_calls_can_begin_with_them() -> None:
    assert set(Playbook.objects.values_list("name", flat=True)) == set(SHIPPED)
    for playbook in Playbook.objects.all():
        version = playbook_version_current(playbook.id)
        assert version is not None
        Script.checked(playbook_script(version).model_dump())


async def test_a_buyer_qualifies_and_books() -> None:
    talk = await opened(script=BUYER)
    assert "buying a home" in talk.words
    await talk.says("yes sure", "we are tired of renting", "somewhere near oak park i think")
    await talk.says("a house with three bedrooms", "around four fifty", "in about six months")
    assert talk.asks == "ask.financing"
    await talk.says("we would need a mortgage")
    assert talk.asks == "ask.lender"
    await talk.says("no not yet")
    assert talk.asks == "ask.has_agent"
    await talk.says("no we do not", "the first one", "yes please", BOOKED)
    notes = await talk.close()
    assert notes.outcome == "appointment"
    assert {slot: answer["value"] for slot, answer in notes.answers.items()} == {
        "motivation": "first_home",
        "area": "near oak park",
        "property": {"kind": "house", "bedrooms": 3},
        "budget": 450_000,
        "timeframe": 6,
        "financing": "loan",
        "lender": False,
        "has_agent": False,
    }
    assert score(notes).value >= 60
    assert "area: near oak park" in summarise(notes, script=BUYER)


async def test_a_buyer_who_says_it_all_at_once_is_not_asked_again() -> None:
    talk = await opened(script=BUYER)
    await talk.says("yeah we want a three bedroom house in brookfield for four fifty thousand")
    assert known(talk) == {
        "area": "brookfield",
        "property": {"kind": "house", "bedrooms": 3},
        "budget": 450_000,
    }
    assert talk.asks == "ask.motivation"
    await talk.says("i got a new job there", "in two months", "i've preapproved")
    assert known(talk)["financing"] == "preapproved"
    assert talk.asks == "ask.home_to_sell"  # who relocates may own a home


async def test_who_pays_cash_is_not_asked_for_a_lender() -> None:
    talk = await opened(script=BUYER)
    await talk.says("yes", "first home", "downtown", "condo two bedrooms", "300 thousand", "soon")
    await talk.says("cash")
    assert talk.asks == "ask.has_agent"


async def test_who_has_just_sold_is_a_buyer_and_not_sent_away() -> None:
    talk = await opened(script=BUYER)
    await talk.says("we just sold our house so yes")
    assert talk.asks == "ask.area"


async def test_who_rents_is_no_wrong_number_to_a_buyers_agent() -> None:
    talk = await opened(script=BUYER)
    await talk.says("yes", "well i rent here")
    assert known(talk)["motivation"] == "first_home"
    assert talk.asks == "ask.area"


async def test_a_renter_is_asked_what_matters_to_a_renter() -> None:
    talk = await opened(script=RENTER)
    await talk.says("yes")
    assert talk.asks == "ask.side"
    await talk.says("i am looking for an apartment")
    assert talk.asks == "ask.area"
    await talk.says("downtown or the west end")
    assert talk.asks == "clarify.home_wanted"  # the kind was said, the rooms were not
    await talk.says("two bedrooms", "next month", "about fifteen hundred", "yes a dog")
    assert talk.asks == "offer_slot"
    assert known(talk) == {
        "side": "renter",
        "area": "downtown or the west end",
        "home_wanted": {"kind": "apartment", "bedrooms": 2},
        "move_in": 1,
        "rent": 1500,
        "pets": True,
    }
    await talk.says("the second one", "yes", BOOKED)
    notes = await talk.close()
    assert notes.outcome == "appointment"
    summary = summarise(notes, script=RENTER)
    assert "rent: $1,500 a month" in summary
    assert "Open: nothing." in summary  # a landlord's questions are not open


async def test_a_landlord_is_asked_what_matters_to_a_landlord() -> None:
    talk = await opened(script=RENTER)
    await talk.says("yes", "my tenant is moving out")
    assert talk.asks == "ask.rental"
    await talk.says("a condo with two bedrooms", "in six weeks", "eighteen fifty")
    assert talk.asks == "ask.has_agent"
    assert known(talk)["asking_rent"] == 1850
    await talk.says("i do it all myself")
    assert talk.asks == "offer_slot"


async def test_a_landlord_with_a_manager_is_respected() -> None:
    talk = await opened(script=RENTER)
    await talk.says("yes", "i own a duplex i rent out", "two bedrooms", "it is empty now", "skip")
    await talk.says("yes we have a property manager")
    assert talk.asks == "reengage.has_manager"
    await talk.says("no")
    assert talk.done(Action.HANG_UP) == {"outcome": "not_interested"}


async def test_an_old_lead_who_still_wants_to_move_books() -> None:
    talk = await opened(script=OLD_LEAD)
    assert "some time ago you asked us about a move" in talk.words
    await talk.says("sure", "yeah we are still thinking about it", "both", "interest rates mostly")
    assert talk.asks == "ask.timeframe"
    await talk.says("maybe in a year", "a house with four bedrooms", "half a million", "no")
    assert talk.asks == "offer_slot"
    await talk.says("the first one", "yes", BOOKED)
    assert (await talk.close()).outcome == "appointment"


async def test_an_old_lead_who_buys_is_asked_for_the_area_and_the_budget() -> None:
    talk = await opened(script=OLD_LEAD)
    await talk.says("yes", "yes", "buying", "we got outbid twice", "in six months")
    assert talk.asks == "ask.area"
    await talk.says("near the lake", "four hundred")
    assert talk.asks == "ask.has_agent"
    assert known(talk)["budget"] == 400_000


async def test_an_old_lead_whose_plans_changed_is_asked_once_more_and_let_go() -> None:
    talk = await opened(script=OLD_LEAD)
    await talk.says("yes", "no we decided to stay")
    assert talk.asks == "reengage.plans_changed"
    await talk.says("no")
    assert talk.done(Action.HANG_UP) == {"outcome": "not_interested"}


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_an_old_lead_who_has_moved_is_congratulated(when: str) -> None:
    talk = await opened(script=OLD_LEAD)
    await talk.says(*([] if when == "at once" else ["yes"]), "we already sold it last year")
    assert "Congratulations" in talk.words


@ALL
def test_it_has_every_part_and_its_lines_are_short_enough_to_be_listened_to(
    script: Script,
) -> None:
    assert 8 <= len(script.objections) <= 12
    assert max(len(line.split()) for _, line in spoken_lines(script)) <= 24
    assert script.never_say
    assert script.transfer_triggers
    assert all(len(objection.triggers) >= 6 for objection in script.objections)


@ALL
def test_a_language_model_is_told_its_manner(script: Script) -> None:
    assert script.persona.manner
    assert script.persona.manner in book_of(script, "Oak Homes").prefix


@ALL
async def test_it_discloses_first_and_opts_out_by_voice_and_key(script: Script) -> None:
    talk = await opened(script=script)
    assert talk.topics[0] == "disclosure"
    await talk.says("please take me off your list")
    assert talk.done(Action.OPT_OUT) == {"source": "voice"}
    talk = await opened(script=script)
    await talk.says(KeyPress("9"))
    assert talk.done(Action.OPT_OUT) == {"source": "key"}


@ALL
async def test_each_objection_is_heard_in_each_of_its_wordings_and_gets_going_again(
    script: Script,
) -> None:
    for objection in script.objections:
        for words in objection.triggers:
            talk = await opened(script=script)
            await talk.says("yes this is a good time", f"well {words}")
            asked = talk.asks.partition(".")[2]
            reached = talk.topics and talk.topics[-1].startswith("reengage.")
            answered = asked and script.objection(asked) is None  # the words were an answer too
            assert reached or answered, (objection.key, words, talk.topics)


@ALL
async def test_each_fact_is_stated_in_each_of_its_wordings(script: Script) -> None:
    for fact in script.facts:
        for words in fact.triggers:
            talk = await opened(script=script)
            await talk.says("yes this is a good time", words)
            stated = [topic for topic in talk.topics if topic.startswith("fact.")]
            assert stated, (fact.key, words, talk.topics)


@ALL
async def test_a_second_refusal_ends_the_call(script: Script) -> None:
    talk = await opened(script=script)
    await talk.says("i am not interested")
    assert talk.asks == "reengage.not_interested"
    await talk.says("no")
    assert talk.done(Action.HANG_UP) == {"outcome": "not_interested"}


@ALL
async def test_who_has_no_time_is_called_again(script: Script) -> None:
    talk = await opened(script=script)
    await talk.says("i am at work call me tomorrow at three", "yes")
    assert talk.done(Action.CALLBACK)
    assert (await talk.close()).outcome == "callback"


@ALL
@pytest.mark.parametrize(
    "words", ["am i talking to a robot", "are you a real person", "am i talking to a human"]
)
async def test_it_admits_to_be_an_ai_and_goes_on(script: Script, words: str) -> None:
    talk = await opened(script=script)
    await talk.says("yes", words)
    assert "Yes, I am an AI assistant." in talk.words
    assert talk.asks.startswith("ask.")


@ALL
async def test_silence_wrong_numbers_machines_and_the_end_of_money_end_politely(
    script: Script,
) -> None:
    talk = await opened(script=script)
    await talk.says(Silence(1), Silence(2), Silence(3))
    assert talk.topics == ["silence", "goodbye"]
    talk = await opened(script=script)
    await talk.says("you have the wrong number")
    assert (await talk.close()).outcome == "wrong_number"
    talk = await opened(script=script)
    await talk.says(MachineAnswered(beep=True))
    assert set(talk.topics) == {"voicemail"}
    talk = await opened(script=script)
    await talk.says("yes", WrapUp("budget"))
    assert talk.topics == ["wrap_up", "goodbye"]


@ALL
async def test_why_we_ask_is_said_for_every_question(script: Script) -> None:
    for question in script.questions:
        if question.only_if is None:
            talk = await opened(script=script)
            await talk.says("yes")
            for _ in script.questions:
                if talk.asks == f"ask.{question.slot}":
                    break
                await talk.says("skip")
            else:
                continue
            await talk.says("why do you ask")
            assert talk.topics[0] == f"why.{question.slot}"
