"""The listener understands a turn; the supervisor gives it to the agent it is for."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import closer, intake, machines, transfers
from agents.graph.appointment import is_about_appointment
from agents.graph.lines import disclosure, question_again, say
from agents.graph.persons import somebody_else
from agents.graph.state import STOP, Opening, Setting, State, Talk, lead_words
from agents.interface import (
    Action,
    ActionDone,
    ForeignLanguage,
    Item,
    KeyPress,
    Silence,
    Unheard,
    Utterance,
)
from agents.understanding import Context, Intent, Reading
from agents.understanding.machines import Machine, machine_in
from agents.understanding.questions import asks_question
from agents.understanding.spelled import contact_in

AGENT = "supervisor"
Agents = Literal["greeter", "qualifier", "objections", "scheduler", "answerer", "__end__"]
MOST_REPEATS = 2
MOST_UNHEARD = 3
MOST_TOLD = 2
SURE = 0.9


async def listener(state: State, runtime: Runtime[Setting]) -> Command[Literal["supervisor"]]:
    """Understand what was said and keep every answer in it, whoever takes the turn."""
    event, talk, setting = state["event"], state["talk"], runtime.context
    if not isinstance(event, Utterance):
        return Command(goto="supervisor", update={"reading": None})
    brief = setting.brief
    reading = await setting.reader.read(
        event.text,
        Context(
            script=brief.script,
            now=brief.now,
            zone=setting.zone,
            expecting=talk.expecting,
            offered=talk.offered,
            last_answered=talk.last_answered,
            answers=talk.values,
            first_name=brief.lead_first_name,
            appointment=brief.appointment.slot if brief.appointment else None,
        ),
    )
    if given := contact_in(event.text):
        told = {name: value for name, value in asdict(given).items() if value}
        talk = talk.signal("contact", {**talk.signals.get("contact", {}), **told})
    talk = talk.signal("words", talk.signals.get("words", 0) + len(event.text.split()))
    return Command(
        goto="supervisor",
        update={"talk": _answers_kept(talk, reading, event.text, setting), "reading": reading},
    )


def _answers_kept(talk: Talk, reading: Reading, said: str, setting: Setting) -> Talk:
    """Return the talk with the turn's answers, each with the lead's own words as evidence."""
    if reading.has(Intent.MACHINE) or reading.has(Intent.WRONG_NUMBER):
        return talk
    answers = dict(talk.answers)
    last = talk.last_answered
    asked = talk.expecting.partition(".")[2]
    for slot, answer in reading.answers.items():
        known = answers.get(slot)
        if (
            known
            and known["confidence"] > answer.confidence
            and not (reading.has(Intent.CORRECTION) or known.get("earlier") or slot == asked)
        ):
            continue
        value = answer.value
        if isinstance(value, dict) and known and isinstance(known["value"], dict):
            value = {**known["value"], **value}
        question = setting.script.question(slot)
        kept: dict[str, Any] = {
            "value": value,
            "said": said,
            "turn": talk.turn,
            "type": question.type,
            "confidence": answer.confidence,
            "strength": answer.strength,
        }
        if question.type == "yes_no" and (question.objection_on_yes or question.objection_on_no):
            kept["good"] = value is not bool(question.objection_on_yes)
        answers[slot] = kept
        last = slot
    heard = talk.human_heard or bool(reading.answers)
    return replace(talk, answers=answers, last_answered=last, human_heard=heard)


async def supervisor(state: State, runtime: Runtime[Setting]) -> Command[Agents]:
    """Give the turn to an agent. What ends the call or only holds it up is settled here."""
    talk, event, reading, setting = (
        state["talk"],
        state["event"],
        state["reading"],
        runtime.context,
    )
    items = state["items"]
    if isinstance(event, ActionDone) and event.action is Action.TRANSFER:
        return _closed(*transfers.nobody_took_it(talk, setting))
    if isinstance(event, ActionDone):
        return _to("scheduler", talk, f"{event.action} {'done' if event.ok else 'failed'}")
    if transfers.is_waiting(talk):
        return _closed(*transfers.waited(talk, event, setting))
    if isinstance(event, Silence):
        return _silence(talk, event, setting, items)
    if isinstance(event, ForeignLanguage):
        return _closed(*closer.other_language(talk, setting, event.language))
    if isinstance(event, Unheard):
        return _unheard(talk, setting, items)
    if isinstance(event, KeyPress):
        if talk.expecting.endswith("offer_slot") and event.digit in ("1", "2"):
            return _to("scheduler", talk, f"key {event.digit}")
        return Command(goto=STOP, update={"talk": talk.step(AGENT, "a key without meaning here")})
    if talk.expecting == "booking":
        return Command(goto=STOP, update={"talk": talk.step(AGENT, "waits for the booking")})
    if reading is None:
        return Command(goto=STOP)
    if not talk.human_heard:
        machine = machine_in(lead_words(event))
        if machine is None and reading.has(Intent.MACHINE):
            machine = Machine.VOICEMAIL
        if machine is not None:
            return _closed(*machines.answered(talk, machine, setting))
        if machines.is_screened(talk):
            # Whoever speaks now has heard nothing: the call begins here.
            update = {"talk": machines.came_through(talk), "event": Opening()}
            return Command(goto="greeter", update={**update, "items": disclosure(setting)})
    if (
        reading.language and reading.language not in setting.script.languages
    ) and not reading.answers:
        return _closed(*closer.other_language(talk, setting, reading.language))
    if said := somebody_else(talk, reading, setting):
        talk, lines = said
        return _closed(talk, lines if talk.ended else (*items, *lines))
    sure = talk.stage == "greet" and reading.intents.get(Intent.WRONG_NUMBER, 0.0) >= SURE
    if sure or (reading.has(Intent.WRONG_NUMBER) and not reading.answers):
        return _closed(*closer.wrong_number(talk, setting))
    has_sold = reading.has(Intent.SOLD) and not reading.objection
    if has_sold and talk.stage == "greet" and not _gives_a_reason(reading, setting):
        return _closed(*closer.not_interested(talk, setting, "has sold already"))
    if reading.has(Intent.HOSTILE):
        talk = talk.signal("hostile", True)
        return _closed(*closer.not_interested(talk, setting, "the lead is hostile"))
    if talk.signals.get("recording_stopped") and not talk.signals.get("recording_noted"):
        talk = talk.signal("recording_noted", True)
        if not reading.answers:
            again = (*items, *question_again(talk, setting))
            return Command(goto=STOP, update={"talk": talk, "items": again})
    if reading.has(Intent.REPEAT) and not reading.answers and talk.tried("repeat") < MOST_REPEATS:
        return _repeated(talk, setting, items)
    if reading.has(Intent.HOLD):
        hold = say(setting.script.hold, "hold", AGENT, setting)
        talk = talk.step(AGENT, "the lead asks for a moment")
        return Command(goto=STOP, update={"talk": talk, "items": (*items, hold)})
    if intake.is_open(talk) and not reading.human and not reading.fact:
        talk, lines, known = intake.answered(talk, lead_words(event), setting)
        update = {"talk": talk, "items": (*items, *lines), "reading": None if known else reading}
        return Command(goto="qualifier" if known else STOP, update=update)
    if reading.human and transfers.may_be_tried(talk, setting):
        return _closed(*transfers.requested(talk, setting, items))
    agent, why = _agent_for(talk, reading, setting)
    return _to(agent, talk, why)


def _agent_for(talk: Talk, reading: Reading, setting: Setting) -> tuple[Agents, str]:
    """Return who takes a turn of the lead, and why."""
    in_callback = talk.stage == "callback"
    if is_about_appointment(talk, reading, setting) and not reading.fact:
        return "scheduler", "the lead speaks of the appointment"
    if reading.human:
        return "scheduler", "the lead wants a person"
    if reading.fact and not reading.answers and not _told_often(talk, reading.fact):
        return "greeter", f"the lead asks a question: {_words(reading.fact)}"
    if _refuses(talk, reading):
        return "objections", "the lead does not want to"
    if reading.objection and not in_callback and _stands_alone(talk, reading, setting):
        return "objections", f"the lead objects: {_words(reading.objection)}"
    most = MOST_TOLD if setting.model is None else MOST_TOLD + 1
    if _only_asks(reading) and talk.tried(f"asked:{talk.expecting}") < most:
        return "answerer", "the lead asks what the playbook does not know"
    if talk.expecting.startswith("reengage"):
        return "objections", "the lead answers to the re-engagement"
    if not in_callback and _wants_later(talk, reading):
        return "scheduler", "the lead has no time now"
    if in_callback:
        return "scheduler", "the lead speaks of the callback"
    if reading.has(Intent.MEET) and talk.stage != "schedule":
        return "scheduler", "the lead asks for a meeting"
    by_stage: dict[str, Agents] = {
        "greet": "greeter",
        "qualify": "qualifier",
        "schedule": "scheduler",
    }
    return by_stage[talk.stage], _goes_on(talk, reading)


def _told_often(talk: Talk, about: str) -> bool:
    """Tell whether a question was answered as often as makes sense. What the law wants said, that
    it is an AI and that the call is recorded, is said as often as it is asked."""
    return about not in ("robot", "recorded") and talk.tried(f"asked:{about}") >= MOST_TOLD


def _goes_on(talk: Talk, reading: Reading) -> str:
    """Return in words what a turn is that simply goes on where the talk was."""
    told = ", ".join(map(_words, reading.answers))
    if told:
        return f"the lead tells {told}"
    kind, _, slot = talk.expecting.partition(".")
    about = slot or kind or talk.stage
    return f"the lead answers about {_words(about)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _gives_a_reason(reading: Reading, setting: Setting) -> bool:
    """Tell whether the words answer a question of the playbook with one of its answers: to have
    sold one home is a reason to buy another."""
    return any(setting.script.question(slot).type == "choice" for slot in reading.answers)


def _refuses(talk: Talk, reading: Reading) -> bool:
    confidence = reading.intents.get(Intent.NOT_INTERESTED, 0.0)
    if confidence >= SURE:
        return True
    # "no thanks" to a question about an agent is an answer to it.
    return (
        confidence > 0
        and not reading.answers
        and not talk.expecting.startswith(
            ("callback", "clarify.callback", "confirm_slot", "offer_slot")
        )
    )


def _stands_alone(talk: Talk, reading: Reading, setting: Setting) -> bool:
    """Tell an objection from words of one inside an answer: "my wife is a realtor" to "have you
    an agent" is both, "we wait until spring" to "how soon" is only an answer."""
    asked = talk.expecting.partition(".")[2]
    if asked not in reading.answers:
        return True
    question = setting.script.question(asked)
    if question.objection_for(reading.answers[asked].value):
        return True
    # "No, and what do you charge?" answers, and wants to be answered.
    return asks_question(reading.words)


_SAYS_SOMETHING_ELSE = (
    Intent.CALLBACK,
    Intent.BUSY,
    Intent.MEET,
    Intent.REPEAT,
    Intent.WHY,
    Intent.HELLO,
    Intent.CORRECTION,
    Intent.DECLINES,
    Intent.NOT_INTERESTED,
)


def _only_asks(reading: Reading) -> bool:
    """Tell a question that nothing else in the turn takes precedence over."""
    if not reading.question or reading.answers or reading.time:
        return False
    if reading.choice and (reading.choice.index is not None or reading.choice.wish):
        return False
    return not any(reading.has(intent) for intent in _SAYS_SOMETHING_ELSE)


def _wants_later(talk: Talk, reading: Reading) -> bool:
    if reading.answers and not reading.has(Intent.CALLBACK):
        return False
    if reading.choice and (reading.choice.index is not None or reading.choice.wish):
        return False
    likely = 0.5 if talk.stage == "greet" else SURE
    busy = reading.intents.get(Intent.BUSY, 0.0) >= likely
    callback = reading.intents.get(Intent.CALLBACK, 0.0) >= likely
    return busy or callback


def _repeated(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Agents]:
    said = tuple(
        line for line in talk.last.lines if line.topic not in ("disclosure", "ack", "hold")
    ) or question_again(talk, setting)
    tries = {**talk.tries, "repeat": talk.tried("repeat") + 1}
    talk = replace(talk, tries=tries).step(AGENT, "asked to repeat")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, *said)})


def _silence(
    talk: Talk, event: Silence, setting: Setting, items: tuple[Item, ...]
) -> Command[Agents]:
    """Ask again, each time differently, then end politely."""
    if machines.is_screened(talk) and not talk.machine_heard:
        return _closed(*machines.still_screened(talk, setting, event.count))
    if talk.machine_heard and not talk.human_heard:
        return _closed(*closer.voicemail(talk, setting, beep=True))
    talk = talk.counted("silences")
    reprompts = setting.script.reprompts
    if event.count > len(reprompts):
        return _closed(*closer.in_silence(talk, setting))
    line = say(reprompts[event.count - 1], "reprompt", AGENT, setting)
    again = question_again(talk, setting)
    talk = talk.step(AGENT, f"silence, {event.count} in a row")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, line, *again)})


def _unheard(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Agents]:
    """Ask for it again; where nothing can be heard at all, end politely."""
    if talk.expecting == "booking":
        return Command(goto=STOP, update={"talk": talk.step(AGENT, "waits for the booking")})
    tried = talk.tried("unheard")
    if tried >= MOST_UNHEARD:
        return _closed(*closer.in_silence(talk, setting))
    talk = replace(talk, tries={**talk.tries, "unheard": tried + 1}).step(AGENT, "not heard")
    line = say(setting.script.not_understood, "reprompt", AGENT, setting)
    return Command(
        goto=STOP, update={"talk": talk, "items": (*items, line, *question_again(talk, setting))}
    )


def _to(agent: Agents, talk: Talk, why: str) -> Command[Agents]:
    return Command(goto=agent, update={"talk": talk.step(AGENT, why)})


def _closed(talk: Talk, items: tuple[Item, ...]) -> Command[Agents]:
    return Command(goto=STOP, update={"talk": talk, "items": items})


__all__ = ["lead_words", "listener", "supervisor"]
