"""Words that come late find the turn they belong to, and no turn is over before its words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from voice.engines.interface import Partial, Transcript
from voice.latency import latency_of
from voice.listening import ANY_WITHIN_MS, FINAL_WITHIN_MS, LeadTurn, Listening, row_of
from voice.reply import Reply


def final(text: str) -> Transcript:
    return Transcript(text, 0.9, 1000)


class Line:
    """A lead who speaks into a `Listening`."""

    def __init__(self) -> None:
        self.ear = Listening()

    def speak(self, start_ms: float, end_ms: float) -> None:
        self.ear.begin(at_ms=start_ms, heard_ms=start_ms + 80)
        self.ear.go_on(end_ms - start_ms)

    def pause(self, end_ms: float) -> None:
        self.ear.pause(
            last_voiced_ms=end_ms, voiced_ms=500, heard_ms=end_ms + 130, now_ms=end_ms + 135
        )


def spoken(start_ms: float = 10_000, end_ms: float = 11_000) -> Line:
    line = Line()
    line.speak(start_ms, end_ms)
    return line


def test_words_that_lag_the_voice_do_not_end_the_turn() -> None:
    line = spoken()
    line.ear.take_partial(Partial("around four", 900), 10_700)  # from 9580 on: until 10480
    line.pause(11_000)
    assert line.ear.turn.text == "around four"
    assert line.ear.turn.lags
    line.ear.take_partial(Partial("around four hundred thousand", 1400), 11_150)
    assert not line.ear.turn.lags
    assert line.ear.turn.is_open, "the final words may still be others"


def test_final_words_settle_the_turn_however_little_was_known_before() -> None:
    line = spoken()
    line.pause(11_000)
    assert line.ear.turn.lags
    stretch = line.ear.take_final(final("around four hundred thousand dollars"), 11_300)
    assert stretch is not None
    assert stretch.turn is line.ear.turn
    assert not line.ear.turn.lags
    assert not line.ear.turn.is_open
    timing = line.ear.turn.timing()
    assert timing is not None
    assert (timing.last_voiced_ms, timing.paused_ms, timing.known_ms) == (11_000, 11_135, 11_300)


def test_final_words_are_waited_for_so_long_and_longer_if_the_recogniser_is_behind() -> None:
    line = spoken()
    line.pause(11_000)
    line.ear.take_partial(Partial("around", 900), 11_140)
    assert line.ear.give_up_at == 11_135 + ANY_WITHIN_MS, "there may be more than that"
    line.ear.take_partial(Partial("around four", 1400), 11_200)
    assert line.ear.give_up_at == 11_135 + FINAL_WITHIN_MS
    assert line.ear.give_up(12_000) == []
    assert line.ear.give_up(12_400) == [line.ear.turn]
    assert not line.ear.turn.is_open
    assert line.ear.turn.text == "around four"
    assert line.ear.give_up_at is None


def test_words_that_do_not_cover_the_voice_lag_however_long_they_were_waited_for() -> None:
    line = spoken()
    line.ear.take_partial(Partial("around", 900), 10_700)
    line.pause(11_000)
    assert line.ear.give_up(14_000) == [line.ear.turn]
    assert line.ear.turn.lags
    line.ear.take_partial(Partial("around four hundred thousand", 1400), 14_100)
    assert not line.ear.turn.lags


def test_half_a_sentence_that_a_recogniser_failed_at_is_no_words() -> None:
    line = spoken()
    line.ear.take_partial(Partial("around", 900), 10_700)
    line.pause(11_000)
    stretch = line.ear.take_final(Transcript("around", 0.0, 900, failed=True), 11_300)
    assert stretch is not None
    assert (stretch.words, stretch.unheard) == ("", True)
    whole = spoken()
    whole.ear.take_partial(Partial("four bedrooms", 1400), 11_050)
    whole.pause(11_000)
    stretch = whole.ear.take_final(Transcript("four bedrooms", 0.0, 1400, failed=True), 11_300)
    assert stretch is not None
    assert (stretch.words, stretch.unheard) == ("four bedrooms", False)


def test_words_that_come_after_the_turn_was_answered_still_are_its_words() -> None:
    line = spoken()
    line.ear.take_partial(Partial("around four", 1400), 11_100)
    line.pause(11_000)
    line.ear.give_up(12_400)
    answered = line.ear.next_turn()
    line.speak(13_000, 14_000)
    stretch = line.ear.take_final(final("around four hundred thousand dollars"), 13_500)
    assert stretch is not None
    assert stretch.turn is answered
    assert row_of(answered.stretches) == ("around four hundred thousand dollars", 10_000, 11_000)
    assert line.ear.turn.text == "", "not a turn of its own"
    line.pause(14_000)
    line.ear.take_final(final("in the next two months"), 14_200)
    assert line.ear.turn.text == "in the next two months"
    assert row_of(line.ear.turn.stretches)[1] == 13_000


def test_a_turn_goes_on_through_noise_and_pauses() -> None:
    line = spoken()
    line.pause(11_000)
    line.speak(11_500, 12_000)
    line.ear.take_final(final("my house has"), 11_600)
    line.pause(12_000)
    line.ear.take_final(final("four bedrooms"), 12_200)
    line.speak(12_500, 12_600)
    line.pause(12_600)
    line.ear.take_final(final(""), 12_800)
    turn = line.ear.turn
    assert turn.text == "my house has four bedrooms"
    assert turn.last_voiced_ms == 12_000, "the cough after it is not part of it"
    assert row_of(turn.stretches) == (turn.text, 10_000, 12_000)


def test_what_is_too_long_for_the_engine_comes_in_parts() -> None:
    line = spoken(10_000, 31_000)
    first = line.ear.take_final(final("well it is a long story"), 30_000)
    assert first is not None
    line.ear.take_partial(Partial("and that is it", 900), 31_000)
    line.pause(31_500)
    line.ear.take_final(final("and that is it"), 31_700)
    assert line.ear.turn.text == "well it is a long story and that is it"
    assert line.ear.turn.last_voiced_ms == 31_500


def test_a_turn_that_was_no_turn_is_taken_up_again() -> None:
    line = spoken()
    line.pause(11_000)
    line.ear.take_final(final("yes"), 11_200)
    before = line.ear.next_turn()
    later = LeadTurn()
    before.take(later)
    line.ear.turn = before
    line.speak(11_400, 12_000)
    line.pause(12_000)
    line.ear.take_final(final("and no"), 12_200)
    assert line.ear.turn.text == "yes and no"


def replied(line: Line, *, first_ms: float, made_ms: float = 0.0, **moments: float) -> Reply:
    speech = SimpleNamespace(
        started_ms_without=lambda _topic: first_ms, made_ms_without=lambda _topic: made_ms
    )
    return cast(Reply, SimpleNamespace(timing=line.ear.turn.timing(), speech=speech, **moments))


def test_latency_is_the_sum_of_its_parts_and_none_is_negative() -> None:
    line = spoken()
    line.pause(11_000)
    line.ear.take_final(final("four bedrooms"), 11_200)
    for decided_ms, made_ms in ((11_250, 11_260), (11_100, 11_120), (11_290.4, 11_299.7)):
        reply = replied(
            line, decided_ms=decided_ms, confirmed_ms=11_300, made_ms=made_ms, first_ms=11_320
        )
        latency_ms, steps = latency_of(reply)
        assert latency_ms == sum(steps.values()) == 320
        assert min(steps.values()) >= 0
        assert steps["transport"] == 20
        assert steps["synthesis"] == 0, "done ahead"


def test_what_is_decided_and_synthesised_after_the_turn_is_over_is_told_apart() -> None:
    line = spoken()
    line.pause(11_000)
    line.ear.take_final(final("four bedrooms"), 11_200)
    reply = replied(line, decided_ms=11_700, confirmed_ms=11_300, made_ms=11_800, first_ms=11_810)
    assert latency_of(reply) == (
        810,
        {
            "vad_wait": 135,
            "stt": 65,
            "decision": 500,
            "confirmation": 0,
            "synthesis": 100,
            "transport": 10,
        },
    )


def test_an_answer_to_no_words_has_no_latency() -> None:
    reply = replied(Line(), decided_ms=1.0, confirmed_ms=2.0, first_ms=30_000)
    assert latency_of(reply) == (None, {})
