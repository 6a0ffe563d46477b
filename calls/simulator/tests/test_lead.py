from __future__ import annotations

import pytest

from calls.simulator import g711
from calls.simulator.clips import clip, line_sound, tone
from calls.simulator.lead import STUCK_MS, UNMARKED_EXTRA_MS, SimulatedLead
from calls.simulator.persona import Persona, Rule, load_persona

SPEECH = tone(300, 20)


class Conversation:
    """Speaks to one person frame by frame, without a clock."""

    def __init__(self, persona: Persona) -> None:
        self.keys: list[str] = []
        self.gone = False
        self.now_ms = 0
        self.lead = SimulatedLead(persona, press=self.keys.append, hang_up=self._leave)

    def _leave(self) -> None:
        self.gone = True

    def _frame(self, frame: bytes, **more: object) -> bytes:
        self.now_ms += 20
        return self.lead.step(frame, **more)  # type: ignore[arg-type]

    def agent(self, ms: int, mark: str = "", *, next_mark: str = "") -> bytes:
        """Speak for a while, then pass a mark; return what the person said meanwhile."""
        said = b""
        for _ in range(ms // 20):
            said += self._frame(SPEECH, audible_pending=True, next_mark=next_mark)
        if mark:
            self.lead.mark_passed(mark)
        return said

    def quiet(self, ms: int) -> bytes:
        return b"".join(self._frame(g711.SILENCE_FRAME) for _ in range(ms // 20))

    def answer(self, limit_ms: int = 8000) -> tuple[str, int]:
        """Wait for the next thing said; return it and how long the silence before it was."""
        count, began = len(self.lead.said), self.now_ms
        while len(self.lead.said) == count:
            assert self.now_ms - began < limit_ms, "nothing was said"
            self.quiet(20)
        utterance = self.lead.said[-1]
        return utterance.text, utterance.started_ms - began


def person(**fields: object) -> Persona:
    base = {"name": "test", "about": "", "expected": "", "reaction_ms": 300}
    return Persona.model_validate({**base, **fields})


ANSWERS = (
    Rule(when=("greet",), say=("Yes, I can talk now.",)),
    Rule(
        when=("*.price",), say=("Six hundred thousand dollars.", "Five hundred thousand dollars.")
    ),
)


def test_it_says_hello_first() -> None:
    talk = Conversation(person(opening="Hello?", opening_after_ms=500))
    sound = talk.quiet(1500)
    assert talk.lead.said[0].text == "Hello?"
    assert talk.lead.said[0].started_ms == 480
    assert clip("Hello?") in sound


def test_it_does_not_say_hello_into_the_agents_words() -> None:
    talk = Conversation(person(opening="Hello?", opening_after_ms=500, rule=ANSWERS))
    assert not g711.is_audible(talk.agent(1000, "1.0/greet/end"))
    assert talk.answer()[0] == "Yes, I can talk now."


def test_it_answers_the_topic_after_its_reaction_time() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(600, "1.0/disclosure")
    talk.agent(400, "1.1/greet/end")
    text, silence_ms = talk.answer()
    assert text == "Yes, I can talk now."
    assert 280 <= silence_ms <= 320


def test_it_waits_for_the_end_of_the_turn_across_a_pause() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(600, "1.0/disclosure")
    assert not g711.is_audible(talk.quiet(1500))
    talk.agent(400, "1.1/greet/end")
    assert talk.answer()[0] == "Yes, I can talk now."


def test_it_gives_another_answer_when_asked_again() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(200, "1.0/ask.price/end")
    first = talk.answer()[0]
    talk.agent(200, "2.0/clarify.price/end")
    assert (first, talk.answer()[0]) == (
        "Six hundred thousand dollars.",
        "Five hundred thousand dollars.",
    )


def test_it_repeats_itself_when_it_was_not_understood() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(200, "1.0/greet/end")
    talk.answer()
    talk.agent(200, "2.0/reprompt/end")
    assert talk.answer()[0] == "Yes, I can talk now."


def test_it_answers_the_unexpected_politely() -> None:
    talk = Conversation(person(rule=ANSWERS, fallback=("No agent.",)))
    talk.agent(200, "1.0/weather/end")
    assert talk.answer()[0] == "No agent."


def test_it_follows_its_script_with_an_agent_that_sets_no_marks() -> None:
    talk = Conversation(person(script=("No agent.", "As soon as possible.")))
    for expected in ("No agent.", "As soon as possible."):
        talk.agent(600)
        assert not g711.is_audible(talk.quiet(500))
        talk.agent(200)
        text, silence_ms = talk.answer()
        assert text == expected
        assert silence_ms >= 300 + UNMARKED_EXTRA_MS - 20


def test_it_speaks_up_when_the_agent_never_ends_its_turn() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(200, "1.0/greet")
    text, silence_ms = talk.answer()
    assert (text, silence_ms >= STUCK_MS - 20) == ("Yes, I can talk now.", True)


def test_it_breaks_in_when_its_persona_says_so() -> None:
    rule = Rule(agent_turn=2, interrupt_after_ms=500, uses=1, say=("Sorry, what is this about?",))
    talk = Conversation(person(rule=(rule, *ANSWERS)))
    talk.agent(600, "1.0/greet/end")
    talk.answer()
    talk.agent(480)
    assert g711.is_audible(talk.agent(600))


def test_it_breaks_in_on_a_topic_it_hears_coming() -> None:
    rule = Rule(when=("ask.price",), interrupt_after_ms=200, uses=1, say=("No agent.",))
    talk = Conversation(person(rule=(rule,)))
    assert g711.is_audible(talk.agent(600, next_mark="1.0/ask.price/end"))


def test_it_never_talks_over_itself() -> None:
    talk = Conversation(person(rule=ANSWERS))
    talk.agent(200, "1.0/greet/end")
    talk.quiet(400)
    talk.agent(100, "2.0/ask.price/end")  # the agent asks on while this person still speaks
    assert talk.answer()[0] == "Yes, I can talk now."
    assert talk.answer()[0] == "Six hundred thousand dollars."
    first, second = talk.lead.said
    assert second.started_ms >= first.ended_ms


def test_it_forgets_words_the_agent_began_and_dropped_while_it_spoke() -> None:
    talk = Conversation(person(rule=ANSWERS, patience_ms=60_000))
    talk.agent(200, "1.0/greet/end")
    talk.quiet(600)
    talk.agent(60)  # a false start, cleared
    talk.answer()
    talk.quiet(5000)
    assert len(talk.lead.said) == 1


def test_it_lets_the_agent_finish_before_its_planned_answer() -> None:
    rule = Rule(when=("greet",), think_ms=500, say=("No agent.",))
    talk = Conversation(person(rule=(rule, *ANSWERS)))
    talk.agent(200, "1.0/greet/end")
    talk.quiet(400)
    talk.agent(400, "1.1/ask.price/end")
    assert talk.answer()[0] == "Six hundred thousand dollars."


def test_it_pauses_within_a_sentence() -> None:
    line = "Maybe [700] in about six months."
    talk = Conversation(person(rule=(Rule(when=("*",), say=(line,)),)))
    talk.agent(200, "1.0/ask.timeframe/end")
    sound = talk.quiet(5000)
    assert clip("Maybe") + g711.silence(700) + clip("in about six months.") in sound
    assert talk.lead.said[0].ended_ms - talk.lead.said[0].started_ms >= len(line_sound(line)) // 8


def test_it_presses_keys() -> None:
    talk = Conversation(load_persona("dnc_key"))
    talk.agent(7000, "1.0/disclosure/end")
    talk.quiet(1000)
    assert talk.keys == ["9"]


def test_it_loses_patience_and_leaves() -> None:
    talk = Conversation(person(patience_ms=1000, patience_say="Are you there?", patience_times=2))
    talk.quiet(8000)
    assert [one.text for one in talk.lead.said] == ["Are you there?"] * 2
    assert talk.gone


def test_it_hangs_up_in_the_middle() -> None:
    talk = Conversation(load_persona("hangs_up"))
    talk.quiet(2000)
    talk.agent(600, "1.0/greet/end")
    talk.answer()
    talk.agent(1100)
    assert talk.gone


def test_it_hears_a_farewell_out_before_it_hangs_up() -> None:
    rule = Rule(when=("goodbye",), hang_up_after_ms=1000)
    talk = Conversation(person(rule=(rule,)))
    talk.agent(200, "9.0/goodbye/end")
    talk.quiet(800)
    talk.agent(3000)
    assert not talk.gone
    talk.quiet(1100)
    assert talk.gone


def test_a_machine_greets_beeps_and_listens() -> None:
    talk = Conversation(load_persona("voicemail"))
    sound = talk.quiet(12_000)
    assert tone(1000, 400) in sound
    talk.agent(2000, "1.0/voicemail/end")
    assert not g711.is_audible(talk.quiet(3000))
    talk.quiet(20_000)
    assert talk.gone


@pytest.mark.parametrize("turns", [50])
def test_it_does_not_talk_for_ever(turns: int) -> None:
    talk = Conversation(person(fallback=("No agent.",), most_turns=10))
    for number in range(turns):
        talk.agent(100, f"{number}.0/again/end")
        talk.quiet(1500)
    assert talk.gone
    assert len(talk.lead.said) <= 10


QUESTIONS = [
    "1.0/disclosure", "1.1/greet/end", "2.0/ask.motivation/end", "3.0/ask.timeframe/end",
    "4.0/ask.property/end", "5.0/ask.price/end", "6.0/ask.has_agent/end", "7.0/offer_slot/end",
    "8.0/confirm_slot/end",
]  # fmt: skip


@pytest.mark.parametrize("name", ["eager_seller", "interrupter", "slow_talker"])
def test_sellers_answer_every_question_with_its_own_answer(name: str) -> None:
    talk = Conversation(load_persona(name))
    talk.quiet(1500)
    answers = []
    for mark in QUESTIONS:
        talk.agent(200, mark)
        if mark.endswith("/end"):
            answers.append(talk.answer()[0])
    assert len(set(answers)) == len(answers) == 8


def test_the_objector_gives_in_after_an_answer() -> None:
    talk = Conversation(load_persona("objection_then_books"))
    talk.quiet(1500)
    said = []
    for mark in ("7.0/offer_slot/end", "8.0/reengage.commission/end", "9.0/offer_slot/end"):
        talk.agent(200, mark)
        said.append(talk.answer()[0])
    assert said == [
        "I think the commission is very high.",
        "Okay, that makes sense.",
        "The second one is better for me.",
    ]
