"""The closer: last words, and the outcome the call keeps."""

from __future__ import annotations

from dataclasses import replace

from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Action, Do, Item, Say

AGENT = "closer"


def outcome_reached(talk: Talk, setting: Setting) -> str:
    """Return what the talk came to so far, "" if nothing yet."""
    if talk.outcome:
        return talk.outcome
    if talk.opted_out:
        return "do_not_call"
    if talk.booked:
        return "appointment"
    if talk.callback_set:
        return "callback"
    asked = setting.script.questions_for(talk.values)
    required = [question.slot for question in asked if question.required]
    if talk.human_heard and all(slot in talk.answers for slot in required):
        return "qualified"
    return ""


def ended(
    talk: Talk, setting: Setting, *lines: Say, outcome: str, why: str, goodbye: bool = True
) -> tuple[Talk, tuple[Item, ...]]:
    """Return the talk ended and what is said and done for it."""
    items: list[Item] = list(lines)
    if goodbye:
        closing = setting.script.closing
        items.append(say(closing.goodbye, "goodbye", AGENT, setting, interruptible=False))
    items.append(Do(Action.HANG_UP, {"outcome": outcome}))
    talk = replace(talk, ended=True, outcome=outcome, expecting="").step(AGENT, why)
    return talk, tuple(items)


def closing_line(text: str, topic: str, setting: Setting) -> Say:
    """Return a line before the goodbye. It is not broken off: the call ends with it."""
    return say(text, topic, AGENT, setting, interruptible=False)


def not_interested(talk: Talk, setting: Setting, why: str) -> tuple[Talk, tuple[Item, ...]]:
    """End politely with a lead who does not want to."""
    line = closing_line(setting.script.closing.not_interested, "not_interested", setting)
    return ended(talk, setting, line, outcome="not_interested", why=why)


def wrong_number(talk: Talk, setting: Setting) -> tuple[Talk, tuple[Item, ...]]:
    """End with somebody who is not the lead."""
    line = closing_line(setting.script.closing.wrong_number, "wrong_number", setting)
    return ended(talk, setting, line, outcome="wrong_number", why="not the person meant")


def without_appointment(
    talk: Talk, setting: Setting, why: str, *lines: Say
) -> tuple[Talk, tuple[Item, ...]]:
    """End with what was learned, a person will be in touch."""
    outcome = outcome_reached(talk, setting) or "incomplete"
    line = closing_line(setting.script.closing.qualified, "qualified", setting)
    return ended(talk, setting, *lines, line, outcome=outcome, why=why)


def in_silence(talk: Talk, setting: Setting) -> tuple[Talk, tuple[Item, ...]]:
    """End with a lead who has not said anything for too long."""
    outcome = outcome_reached(talk, setting) or "incomplete"
    line = closing_line(setting.script.closing.silence, "silence", setting)
    return ended(talk, setting, line, outcome=outcome, why="the lead is silent")


def other_language(talk: Talk, setting: Setting, language: str) -> tuple[Talk, tuple[Item, ...]]:
    """End with a lead whose language the playbook does not speak; a person is to call."""
    talk = replace(talk.signal("language", language), human_heard=True)
    line = closing_line(setting.script.other_language, "other_language", setting)
    return ended(talk, setting, line, outcome="language", why=f"the lead speaks {language}")


def out_of_time(talk: Talk, setting: Setting, why: str) -> tuple[Talk, tuple[Item, ...]]:
    """End because money, time or turns are used up, and keep what was reached."""
    outcome = outcome_reached(talk, setting) or "incomplete"
    line = closing_line(setting.script.closing.out_of_time, "wrap_up", setting)
    return ended(talk, setting, line, outcome=outcome, why=why)


def voicemail(talk: Talk, setting: Setting, *, beep: bool) -> tuple[Talk, tuple[Item, ...]]:
    """Leave the message after the beep; without one, or where none is to be left, hang up."""
    beep = beep and setting.brief.leave_message
    lines = tuple(
        say(line, "voicemail", AGENT, setting, interruptible=False)
        for line in (setting.script.voicemail if beep else ())
    )
    why = "a machine answered, message left" if beep else "a machine answered"
    return ended(talk, setting, *lines, outcome="voicemail", why=why, goodbye=False)


def opted_out(talk: Talk, setting: Setting, source: str, why: str) -> tuple[Talk, tuple[Item, ...]]:
    """Confirm, record and end. Nothing else is said, and the confirmation is not broken off."""
    line = say(
        setting.script.opt_out_confirm, "opt_out.confirm", "guard", setting, interruptible=False
    )
    talk = replace(talk, ended=True, opted_out=True, outcome="do_not_call", expecting="", due=())
    talk = talk.step("guard", f"opt-out by {source}: {why}")
    return talk, (
        line,
        Do(Action.OPT_OUT, {"source": source}),
        Do(Action.HANG_UP, {"outcome": "do_not_call"}),
    )
