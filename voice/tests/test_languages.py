"""A lead who speaks a language that the agent does not is told so politely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.interface import Action, Do, Event, ForeignLanguage, Say
from calls.models import Call
from voice.dialogue import Dialogue
from voice.engines.interface import Transcript
from voice.languages import LanguageWatch
from voice.tests.conftest import Caller, Daphne, script, turns_of


def said(language: str, probability: float = 0.9, audio_ms: int = 1500) -> Transcript:
    return Transcript(
        "no hablo", 0.5, audio_ms, language=language, language_probability=probability
    )


@pytest.mark.parametrize(
    ("transcripts", "found"),
    [
        ([said("es"), said("es")], ["", "es"]),
        ([said("es", 0.97, 3000)], ["es"]),
        ([said("es"), said("pt")], ["", ""]),
        ([said("es"), said("en"), said("es")], ["", "", ""]),
        ([said("es", 0.6), said("es", 0.6)], ["", ""]),
        ([said("es"), said(""), said("es"), said("es")], ["", "", "es", ""]),
        ([said("en", 0.99, 5000)], [""]),
    ],
)
def test_one_utterance_is_little_to_go_by(transcripts: list[Transcript], found: list[str]) -> None:
    watch = LanguageWatch(["en"])
    assert [watch.take(one) for one in transcripts] == found


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
async def test_the_conversation_is_told_and_the_call_ends_with_its_last_words(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_final = Dialogue.on_final

    def in_spanish(dialogue: Dialogue, transcript: Transcript) -> None:
        sure = {"language": "es", "language_probability": 0.99, "audio_ms": 3000}
        on_final(dialogue, replace(transcript, **sure))

    monkeypatch.setattr(Dialogue, "on_final", in_spanish)

    def answer(event: Event) -> list[Say | Do]:
        if not isinstance(event, ForeignLanguage):
            return [Say("I see.", "ack", "qualifier")]
        line = "I am sorry, I only speak English."
        return [
            Say(line, "other_language", "closer", interruptible=False),
            Do(Action.HANG_UP, {"outcome": "language"}),
        ]

    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("we are moving for a new job")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert talk.kept[-1] == ForeignLanguage("es")
    assert turns[-1].text == "I am sorry, I only speak English."
    assert [turn.speaker for turn in turns][1] == "lead", "what was understood is kept"
