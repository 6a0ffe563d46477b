"""What the rules understand, phrase by phrase."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from agents.tests.talking import NOW, SELLER, ZONE, slot
from agents.understanding import Context, Intent, Reading
from agents.understanding.reading import read_by_rules
from agents.understanding.times import callback_moment

OFFERED = (slot(24, 10), slot(25, 14))  # Tuesday at ten, Wednesday at two


def read(words: str, expecting: str = "", last_answered: str = "") -> Reading:
    context = Context(
        script=SELLER,
        now=NOW,
        zone=ZONE,
        expecting=expecting,
        offered=OFFERED,
        last_answered=last_answered,
    )
    return read_by_rules(words, context)


YES = """yes|yeah|yep|sure|okay|yes this is a good time|sure that's fine|absolutely|of course
go ahead|that's right|that is correct|yes yeah|no problem|no go ahead|sounds good|i guess so
uh-huh|mm-hm|yeah i have a minute|i can talk now|why not|yes i do|you bet|that works
okay that makes sense|right|perfect|i'd like that|yes please|no yeah that's fine|sure thing"""
NO = """no|nope|nah|not really|yeah nah|no we don't|i don't think so|not at all|no not yet
uh-uh|nuh-uh|no way|never|no i do not|i'm afraid not|yeah no|well no|we are not|definitely not
that is not right|no that's wrong|that does not work for me|sure but no"""


def phrases(table: str) -> list[str]:
    return [phrase.strip() for line in table.splitlines() for phrase in line.split("|")]


@pytest.mark.parametrize("words", [each for each in phrases(YES) if each != "not at all"])
def test_it_hears_a_yes(words: str) -> None:
    reading = read(words)
    assert reading.has(Intent.YES)
    assert not reading.has(Intent.NO)


@pytest.mark.parametrize("words", [each for each in phrases(NO) if each != "not at all"])
def test_it_hears_a_no(words: str) -> None:
    reading = read(words)
    assert reading.has(Intent.NO)
    assert not reading.has(Intent.YES)


@pytest.mark.parametrize(
    ("intent", "table"),
    [
        (
            Intent.NOT_INTERESTED,
            "i am not interested|not interested|i'm really not interested|no thanks|no thank you"
            "|we don't want to sell|i'm not looking to sell|we are not selling|it's not for sale"
            "|we changed our minds|not interest it|i'm no longer interested|we're staying put",
        ),
        (
            Intent.BUSY,
            "i am busy right now|i'm driving|i'm at work|this is a bad time|it's not a good time"
            "|i can't talk right now|i'm in the middle of dinner|i'm in a meeting"
            "|you caught me at a bad time|i don't have time right now|i'm cooking|i have to go",
        ),
        (
            Intent.CALLBACK,
            "call me back later|please call me tomorrow|can you call me back|try me next week"
            "|could you call back at five|call me tomorrow at three|can we talk later",
        ),
        (
            Intent.WRONG_NUMBER,
            "you have the wrong number|wrong number|sorry i think you have the wrong number"
            "|there is no one here by that name|nobody by that name|i don't own a house"
            "|she doesn't live here anymore|there is no such person here|wrong person",
        ),
        (
            Intent.REPEAT,
            "could you repeat that please|say that again|what did you say|pardon|sorry what"
            "|i didn't hear you|i didn't catch that|come again|what|can you speak up",
        ),
        (Intent.WHY, "why do you ask|why do you need to know that|why are you asking|why"),
        (Intent.DECLINES, "i'd rather not say|that's private|none of your business|next question"),
        (Intent.DO_NOT_KNOW, "i don't know|no idea|i'm not sure|hard to say|we haven't decided"),
        (Intent.NO_RECORDING, "don't record me|stop recording|i don't want to be recorded"),
        (Intent.HOLD, "hold on|just a second|one moment please|wait a minute|hang on a second"),
        (Intent.HELLO, "hello|hello are you there|hi|good morning|hello who is this"),
        (Intent.HUMAN, "can i talk to a real person|i want to speak to a human|get me a person"),
        (Intent.MEET, "can someone come by|i'd like to set up a meeting|when can you come"),
        (
            Intent.MACHINE,
            "please leave a message after the tone|you have reached our voice mail"
            "|we are not able to come to the phone|record your message after the beep",
        ),
    ],
)
def test_it_hears_what_the_lead_wants(intent: Intent, table: str) -> None:
    missed = [words for words in table.split("|") if not read(words).has(intent)]
    assert missed == []


@pytest.mark.parametrize(
    ("intent", "table"),
    [
        (Intent.NOT_INTERESTED, "we are interested|i do want to sell|i'm interested in selling"),
        (Intent.BUSY, "no i am not working with an agent|it's a busy street|the later one"),
        (Intent.WRONG_NUMBER, "the house number is wrong on the website|number two works"),
        (Intent.CALLBACK, "who is calling|why are you calling"),
        (Intent.NO_RECORDING, "is this recorded|no problem with recording"),
        (Intent.CORRECTION, "i am not interested|we do not have one|no not yet"),
    ],
)
def test_it_does_not_hear_what_only_sounds_alike(intent: Intent, table: str) -> None:
    heard = [words for words in table.split("|") if read(words).has(intent)]
    assert heard == []


@pytest.mark.parametrize(
    ("words", "months"),
    [
        ("in the next three months", 3),
        ("in about six months", 6),
        ("as soon as possible", 0),
        ("right away", 0),
        ("probably in two months", 2),
        ("to months", 2),
        ("six to nine months", 9),
        ("a couple of months", 2),
        ("a few months", 3),
        ("within a year", 12),
        ("a year and a half", 18),
        ("half a year", 6),
        ("in two weeks", 0),
        ("ninety days", 3),
        ("next month", 1),
        ("next year", 2),
        ("in the spring", 5),
        ("by june", 7),
        ("before christmas", 1),
        ("by the end of the year", 1),
        ("about three", 3),
        ("no rush", 24),
    ],
)
def test_it_reads_how_soon(words: str, months: int) -> None:
    assert read(words, "ask.timeframe").answers["timeframe"].value == months


@pytest.mark.parametrize("words", ["maybe", "i don't know", "i bought it two years ago", "hello"])
def test_it_reads_no_time_where_none_is_said(words: str) -> None:
    assert "timeframe" not in read(words, "ask.timeframe").answers


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        ("around four hundred thousand dollars", 400_000),
        ("four hundred and fifty thousand", 450_000),
        ("four hundred grand", 400_000),
        ("four fifty", 450_000),
        ("three twenty five", 325_000),
        ("five hundred", 500_000),
        ("half a million", 500_000),
        ("a million and a half", 1_500_000),
        ("one point two million", 1_200_000),
        ("a quarter million", 250_000),
        ("a million two", 1_200_000),
        ("a million one fifty", 1_150_000),
        ("one point three", 1_300_000),
        ("$450,000", 450_000),
        ("450k", 450_000),
        ("maybe 1.1 million", 1_100_000),
        ("two hundred and seventy five thousand five hundred", 275_500),
        ("between four and five hundred thousand", 450_000),
        ("somewhere from 400 to 450 thousand", 425_000),
        ("for hundred thousand", 400_000),
    ],
)
def test_it_reads_a_price(words: str, amount: int) -> None:
    assert read(words, "ask.price").answers["price"].value == amount


@pytest.mark.parametrize("words", ["in three months", "four bedrooms", "i don't know", "three"])
def test_it_reads_no_price_where_none_is_said(words: str) -> None:
    assert "price" not in read(words, "ask.price").answers


@pytest.mark.parametrize(
    ("words", "home"),
    [
        ("it is a house with three bedrooms", {"kind": "house", "bedrooms": 3}),
        ("my house has four bedrooms", {"kind": "house", "bedrooms": 4}),
        ("it's a two bed two bath condo", {"kind": "condo", "bedrooms": 2}),
        ("it is a three two ranch", {"kind": "house", "bedrooms": 3}),
        ("a three bed room town house", {"kind": "townhouse", "bedrooms": 3}),
        ("four", {"bedrooms": 4}),
        ("it's a duplex", {"kind": "multi_family"}),
        ("just a studio", {"kind": "apartment", "bedrooms": 0}),
        ("a vacant lot", {"kind": "land"}),
    ],
)
def test_it_reads_a_home(words: str, home: dict[str, Any]) -> None:
    assert read(words, "ask.property").answers["property"].value == home


@pytest.mark.parametrize(
    ("words", "has_one"),
    [
        ("no we do not have an agent", False),
        ("no i am not working with an agent", False),
        ("no agent", False),
        ("not yet", False),
        ("no", False),
        ("nobody yet", False),
        ("yes we are listed with a broker", True),
        ("my wife is a realtor", True),
        ("yes", True),
        ("we already have a real tour", True),
    ],
)
def test_it_reads_whether_there_is_an_agent(words: str, has_one: bool) -> None:
    assert read(words, "ask.has_agent").answers["has_agent"].value is has_one


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("we are moving for a new job", "relocation"),
        ("we are moving to another state", "relocation"),
        ("the children are grown and the house is too big for us", "downsizing"),
        ("because we need more space for the children", "more_space"),
        ("we are getting a divorce", "divorce"),
        ("i inherited it from my mother", "inherited"),
        ("we can't afford the mortgage any more", "financial"),
        ("my dog likes the beach and so do we", "other"),
    ],
)
def test_it_reads_the_reason(words: str, reason: str) -> None:
    assert read(words, "ask.motivation").answers["motivation"].value == reason


def test_it_reads_several_answers_in_one_sentence() -> None:
    reading = read("we are moving for work and want to sell our three bedroom house in two months")
    assert reading.answers["timeframe"].value == 2
    assert reading.answers["property"].value["bedrooms"] == 3
    assert reading.answers["motivation"].value == "relocation"


@pytest.mark.parametrize(
    ("words", "last", "slot", "value"),
    [
        ("i said three not two", "timeframe", "timeframe", 3),
        ("no i said three months not two", "price", "timeframe", 3),
        ("sorry i meant four bedrooms", "price", "property", {"bedrooms": 4}),
        ("actually make that four hundred thousand dollars", "price", "price", 400_000),
    ],
)
def test_a_correction_replaces_what_it_is_about(
    words: str, last: str, slot: str, value: object
) -> None:
    answers = read(words, "ask.has_agent", last).answers
    assert answers[slot].value == value
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("words", "index"),
    [
        ("the first one is good for me", 0),
        ("the first one works", 0),
        ("either one works", 0),
        ("tuesday is good for me", 0),
        ("wednesday is better for me", 1),
        ("the second one", 1),
        ("ten works", 0),
        ("two p m", 1),
        ("the later one", 1),
        ("the earlier one please", 0),
        ("tomorrow", 0),
        ("the morning", 0),
        ("i'll take the afternoon", 1),
        ("not tuesday wednesday", 1),
        ("let's do the one on wednesday", 1),
        ("at two o'clock", 1),
        ("whichever", 0),
        ("the latter", 1),
    ],
)
def test_it_hears_which_offered_time_is_chosen(words: str, index: int) -> None:
    choice = read(words, "offer_slot").choice
    assert choice is not None
    assert choice.index == index


@pytest.mark.parametrize(
    "words",
    [
        "neither",
        "none of those",
        "how about friday afternoon",
        "do you have something else",
        "i can't do either",
        "anything next week",
        "tuesday does not work for me",
    ],
)
def test_it_hears_that_no_offered_time_suits(words: str) -> None:
    choice = read(words, "offer_slot").choice
    assert choice is not None
    assert choice.index is None
    assert choice.none


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("tomorrow at three in the afternoon", (24, 15, 0)),
        ("please call me tomorrow at three in the afternoon", (24, 15, 0)),
        ("tomorrow at three p m", (24, 15, 0)),
        ("in two hours", (23, 12, 0)),
        ("in half an hour", (23, 10, 30)),
        ("this afternoon", (23, 14, 0)),
        ("tuesday morning", (24, 10, 0)),
        ("next thursday at ten a m", (26, 10, 0)),
        ("five thirty", (23, 17, 30)),
        ("after five", (23, 17, 0)),
        ("half past ten tomorrow", (24, 10, 30)),
        ("at nine", (24, 9, 0)),
        ("friday at noon", (27, 12, 0)),
        ("the day after tomorrow at 4:15 pm", (25, 16, 15)),
        ("next week", (30, 10, 0)),
        ("monday", (30, 10, 0)),
        ("this evening", (23, 18, 0)),
    ],
)
def test_it_reads_when_to_call_back(words: str, moment: tuple[int, int, int]) -> None:
    day, hour, minute = moment
    named = read(words, "callback.ask").time
    assert callback_moment(named, now=NOW, zone=ZONE) == datetime(
        2026, 11, day, hour, minute, tzinfo=ZONE
    )


def test_next_tuesday_is_not_tomorrow() -> None:
    named = read("next tuesday at ten a m", "callback.ask").time
    assert callback_moment(named, now=NOW, zone=ZONE) == datetime(2026, 12, 1, 10, tzinfo=ZONE)


def test_it_reads_a_date() -> None:
    named = read("december third at two p m", "callback.ask").time
    assert callback_moment(named, now=NOW, zone=ZONE) == datetime(2026, 12, 3, 14, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("i think the commission is very high", "commission"),
        ("your fees are way too high", "commission"),
        ("i want to sell it myself", "by_owner"),
        ("i need to think about it", "think_about_it"),
        ("i have to talk to my wife first", "think_about_it"),
        ("just send me an email", "send_information"),
        ("is this a scam", "scam"),
        ("the market is really bad", "market"),
        ("i already have an agent", "has_agent"),
    ],
)
def test_it_hears_objections(words: str, key: str) -> None:
    assert read(words).objection == key


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("are you a robot", "robot"),
        ("am i talking to a machine", "robot"),
        ("is this a real person", "robot"),
        ("who is this", "who"),
        ("what company are you with", "who"),
        ("what is this about", "why_calling"),
        ("hold on is this about my house", "why_calling"),
        ("how did you get my number", "number_source"),
        ("how much is my house worth", "worth"),
    ],
)
def test_it_hears_questions(words: str, key: str) -> None:
    assert read(words).fact == key


def test_near_misses_of_key_words_are_understood_when_nothing_else_is() -> None:
    assert read("tumorrow afternoen", "callback.ask").time
    assert read("in thee next three munths", "ask.timeframe").answers["timeframe"].value == 3


def test_it_understands_nothing_in_noise() -> None:
    assert not read("earthbound", "greet").understood
