"""Who answers instead of a person, told by words; and what the agent does then."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import pytest

from agents.interface import Action, MachineAnswered, Silence
from agents.tests.talking import opened
from agents.understanding.machines import Machine, machine_in

GREETINGS = {
    Machine.VOICEMAIL: (
        "hello you have reached our voice mail we are not at home please leave a message after the tone",
        "hi this is dave i can't come to the phone right now leave me a message",
        "you've reached the voicemail of five one two five five five please record your message after the beep",
        "your call has been forwarded to an automated voice messaging system",
        "the person you are trying to reach is not available at the tone please record your message",
        "sorry we missed you please leave your name and number and we will get back to you as soon as possible",
        "hi it's erin i'm not available to take your call",
        "this is the answering machine of the walsh family",
        "when you have finished recording you may hang up or press one for more options",
        "the google subscriber you have called is not available",
        "hey this is mike leave a message",
        "we cannot take your call at the moment",
    ),
    Machine.FULL: (
        "the mailbox is full and cannot accept any messages at this time goodbye",
        "the person you called has a voicemail box that has not been set up yet",
        "this mailbox is not accepting new messages",
    ),
    Machine.SCREENING: (
        "hi if you record your name and reason for calling i'll see if this person is available",
        "hi the person you're calling is using a screening service from google and will get a copy of this conversation go ahead and say your name and why you're calling",
        "please state your name and why you're calling",
        "please say your name and the reason for your call",
        "this call is being screened please say your name after the tone",
        "state your name and the purpose of your call",
        "please say your name to be connected",
        "to complete your call press 1",
        "the person you are calling is screening their calls",
    ),
    Machine.WAIT: (
        "thanks please stay on the line",
        "thank you please hold on the line while i try to connect you",
        "please hold",
        "google is trying to reach the person",
    ),
    Machine.MENU: (
        "thank you for calling first national for sales press one for service press two",
        "para continuar en espanol oprima nueve",
        "please listen carefully as our menu options have changed",
        "if you know your party's extension enter the extension now",
        "for english press 1",
        "to speak with an agent say four",
        "this call may be recorded for quality assurance",
        "our office hours are monday to friday nine to five",
    ),
}
PEOPLE = (
    "hello",
    "hello who is this",
    "yes this is erin",
    "can i take a message",
    "she is not home can i take a message",
    "do you want to leave a message?",
    "he's not here right now",
    "what is your name",
    "who may i say is calling",
    "what is this about",
    "hold on a second",
    "one moment please",
    "i am not interested",
    "why are you calling me",
    "yeah go ahead",
    "i pressed nine and you still call",
    "take me off your list",
    "we are not available next week but the week after",
    "the house is not available it is sold",
    "i will get back to you",
    "",
)


@pytest.mark.parametrize(
    ("kind", "said"), [(kind, said) for kind, lines in GREETINGS.items() for said in lines]
)
def test_a_machine_is_told_by_its_words(kind: Machine, said: str) -> None:
    assert machine_in(said) is kind


@pytest.mark.parametrize("said", PEOPLE)
def test_a_person_is_no_machine(said: str) -> None:
    assert machine_in(said) is None


SCREEN = GREETINGS[Machine.SCREENING][0]
VOICEMAIL = GREETINGS[Machine.VOICEMAIL][0]
MENU = GREETINGS[Machine.MENU][0]


async def test_a_screen_is_told_who_calls_and_why() -> None:
    talk = await opened()
    await talk.says(SCREEN)
    assert talk.topics == ["screening"]
    assert "AI assistant" in talk.words
    assert "Sunrise Realty" in talk.words
    assert talk.done(Action.HANG_UP) is None


async def test_the_person_behind_the_screen_hears_the_whole_opening() -> None:
    talk = await opened()
    await talk.says(SCREEN)
    await talk.says("thanks please stay on the line")
    assert talk.topics == []
    for count in (1, 2):
        await talk.says(Silence(count))
        assert talk.topics == []
    await talk.says("hello who is this")
    assert talk.topics == ["disclosure", "disclosure", "disclosure", "greet"]
    await talk.says("yes this is a good time")
    assert talk.asks == "ask.motivation"


async def test_a_screen_that_asks_again_is_told_again_and_then_left() -> None:
    talk = await opened()
    await talk.says(SCREEN)
    await talk.says(SCREEN)
    assert talk.topics == ["screening"]
    await talk.says(SCREEN)
    assert talk.done(Action.HANG_UP) == {"outcome": "voicemail"}


async def test_nobody_comes_through_the_screen() -> None:
    talk = await opened()
    await talk.says(SCREEN)
    for count in range(1, 6):
        await talk.says(Silence(count))
    assert talk.done(Action.HANG_UP) == {"outcome": "voicemail"}


async def test_a_screen_that_turns_into_a_voicemail_gets_the_message() -> None:
    talk = await opened()
    await talk.says(SCREEN)
    await talk.says(MachineAnswered(beep=False))
    assert talk.done(Action.HANG_UP) is None, "detection takes a screen for a machine"
    await talk.says("the person you called is not available please leave a message after the tone")
    await talk.says(MachineAnswered(beep=True))
    assert set(talk.topics) == {"voicemail"}


async def test_a_menu_is_left_politely() -> None:
    talk = await opened()
    await talk.says(MENU)
    assert talk.topics == ["menu"]
    assert "Goodbye" in talk.words
    assert talk.done(Action.HANG_UP) == {"outcome": "voicemail"}


async def test_a_full_mailbox_is_hung_up_on() -> None:
    talk = await opened()
    await talk.says(GREETINGS[Machine.FULL][0])
    assert talk.topics == []
    assert talk.done(Action.HANG_UP) == {"outcome": "voicemail"}


async def test_a_message_is_left_only_where_the_policy_says_so() -> None:
    talk = await opened(leave_message=False)
    await talk.says(VOICEMAIL)
    await talk.says(MachineAnswered(beep=True))
    assert talk.topics == []
    assert talk.done(Action.HANG_UP) == {"outcome": "voicemail"}


async def test_without_detection_the_message_follows_the_silence() -> None:
    talk = await opened()
    await talk.says(VOICEMAIL)
    assert talk.topics == []
    await talk.says(Silence(1))
    assert set(talk.topics) == {"voicemail"}


async def test_a_person_who_has_spoken_may_say_what_machines_say() -> None:
    talk = await opened()
    await talk.says("yes this is a good time")
    await talk.says("please hold")
    assert talk.topics != []
    await talk.says("press one for what")
    assert talk.done(Action.HANG_UP) is None
