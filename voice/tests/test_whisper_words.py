"""Whisper's words: which stay, which it repeats in a loop, which it makes up."""

from __future__ import annotations

import pytest

from voice.engines.whisper_agreement import StablePrefix, kept_of_repeats, plain_words
from voice.engines.whisper_guard import Hypothesis, judge


def stable(*hearings: str) -> list[str]:
    prefix = StablePrefix()
    return [" ".join(prefix.add(hearing.split())) for hearing in hearings]


def test_a_word_stays_once_two_hearings_agree_on_it() -> None:
    assert stable("yes", "yes i am", "yes i am the", "yes i am the owner") == [
        "",
        "yes",
        "yes i am",
        "yes i am the",
    ]


def test_a_word_that_was_cut_off_is_not_believed() -> None:
    assert stable("call me to", "call me tomorrow", "call me tomorrow at") == [
        "",
        "call me",
        "call me tomorrow",
    ]


def test_nothing_is_taken_back() -> None:
    assert stable(
        "i am", "i am in", "i'm in", "i'm in a", "i am in a hurry", "i am in a hurry"
    ) == [
        "",
        "i am",
        "i am",
        "i am",
        "i am",
        "i am in a hurry",
    ]


def test_an_empty_hearing_changes_nothing() -> None:
    assert stable("stop", "stop", "", "stop calling", "stop calling me") == [
        "",
        "stop",
        "stop",
        "stop",
        "stop calling",
    ]


def test_words_are_plain() -> None:
    text = " “Well… I’m asking $450,000” – at 3:30, okay?!"
    assert plain_words(text) == ("well", "i'm", "asking", "$450,000", "at", "3:30", "okay")
    assert plain_words(" … ♪ ") == ()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("stop stop stop stop stop stop", "stop stop"),
        ("no no", "no no"),
        ("we are we are we are we are we are here", "we are we are here"),
        ("the house is big and the house is old", "the house is big and the house is old"),
        ("five five five one two", "five five one two"),
    ],
)
def test_a_loop_is_cut_and_no_word_is_lost_by_it(said: str, kept: str) -> None:
    words = said.split()
    assert " ".join(words[place] for place in kept_of_repeats(words)) == kept


def heard(text: str, *, voiced_ms: int = 600, **evidence: float) -> str:
    hypothesis = Hypothesis(text, avg_logprob=evidence.pop("avg_logprob", -0.3), **evidence)
    return judge(hypothesis, audio_ms=2000, voiced_ms=voiced_ms).text


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for watching!",
        "Thank you for watching.",
        "Subtitles by the Amara.org community",
        "Please subscribe to my channel.",
        "See you in the next video.",
        "[BLANK_AUDIO]",
        " ♪♪ ",
    ],
)
def test_what_only_subtitles_say_is_never_heard(text: str) -> None:
    assert heard(text) == ""


@pytest.mark.parametrize("text", ["You", "Thank you.", "Bye-bye."])
def test_what_silence_is_turned_into_needs_a_voice(text: str) -> None:
    assert heard(text, voiced_ms=120, avg_logprob=-0.9) == ""
    assert heard(text, voiced_ms=320, avg_logprob=-0.9) != ""
    assert heard(text, voiced_ms=120, avg_logprob=-0.2) != ""


def test_without_a_voice_there_are_no_words() -> None:
    transcript = judge(Hypothesis("Sell it.", avg_logprob=-0.1), audio_ms=900, voiced_ms=0)
    assert (transcript.text, transcript.rejected, transcript.words) == ("", "sell it", ())


def test_the_models_own_doubts_count_together() -> None:
    assert heard("I am the owner", no_speech_prob=0.9, avg_logprob=-1.4) == ""
    assert heard("I am the owner", no_speech_prob=0.9) == "i am the owner"
    assert heard("I am the owner", avg_logprob=-1.4) == "i am the owner"


def test_an_improbable_stop_is_obeyed_where_there_is_a_voice() -> None:
    assert heard("Stop calling me", voiced_ms=240, avg_logprob=-2.0) == "stop calling me"
    assert heard("Stop calling me", voiced_ms=40, avg_logprob=-2.0) == ""


def test_an_angry_caller_is_not_a_loop() -> None:
    text = "Stop " * 12
    assert heard(text, voiced_ms=3000, compression_ratio=4.2) == "stop stop"
    assert heard("Stop " * 12, voiced_ms=240, compression_ratio=4.2) == "stop stop"


def test_a_loop_that_nobody_can_have_said_is_not_heard() -> None:
    assert heard("the end of " * 60, voiced_ms=200, compression_ratio=20) == ""
    assert heard("the end of " * 60, voiced_ms=2000, compression_ratio=20, avg_logprob=-1.2) == ""


def test_a_language_is_told_only_from_enough_voice() -> None:
    hypothesis = Hypothesis("no", avg_logprob=-0.2, language="es", language_probability=0.97)
    assert judge(hypothesis, audio_ms=900, voiced_ms=300).language == ""
    known = judge(hypothesis, audio_ms=2500, voiced_ms=1400)
    assert (known.language, known.language_probability) == ("es", 0.97)
