"""Somebody unknown calls us: a name, what it is about, and on with the playbook."""

from __future__ import annotations

from dataclasses import replace

from agents.graph import callbacks
from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Item, Say
from agents.understanding.callers import caller_name, caller_need

AGENT = "greeter"
NAME, NEED = "intake.name", "intake.need"

Said = tuple[Talk, tuple[Item, ...]]


def is_open(talk: Talk) -> bool:
    """Tell whether a question of the intake is open."""
    return talk.expecting in (NAME, NEED)


def opened(talk: Talk, setting: Setting) -> Said:
    """Ask who is calling."""
    talk = replace(talk, expecting=NAME).step(AGENT, "somebody unknown calls us")
    return talk, question(NAME, setting)


def question(topic: str, setting: Setting) -> tuple[Say, ...]:
    """Return a question of the intake."""
    lines = setting.script.intake
    return (say(lines.name if topic == NAME else lines.need, topic, AGENT, setting),)


def answered(talk: Talk, said: str, setting: Setting) -> tuple[Talk, tuple[Item, ...], bool]:
    """Take an answer. The third value is whether to go on with the playbook's questions: the
    caller wants what they are about, or it could not be told."""
    talk = replace(talk, human_heard=True)
    need = caller_need(said)
    if talk.expecting == NAME:
        name = caller_name(said)
        if not name and not need and talk.tried(NAME) == 0:
            talk = replace(talk, tries={**talk.tries, NAME: 1}).step(AGENT, "no name understood")
            line = say(setting.script.intake.name_again, NAME, AGENT, setting)
            return talk, (line,), False
        if name:
            talk = talk.signal("caller_name", name)
        if not need:
            talk = replace(talk, expecting=NEED).step(AGENT, "asks what it is about")
            return talk, question(NEED, setting), False
    if not need and talk.tried(NEED) == 0:
        talk = replace(talk, tries={**talk.tries, NEED: 1}, expecting=NEED)
        line = say(setting.script.intake.need_again, NEED, AGENT, setting)
        return talk.step(AGENT, "asks again what it is about"), (line,), False
    if need:
        talk = talk.signal("caller_need", need)
    if need and setting.brief.lead_kind and need != setting.brief.lead_kind:
        line = say(setting.script.intake.other, "intake.other", AGENT, setting)
        talk, items = callbacks.time_asked(talk, setting)
        return talk.step(AGENT, f"the caller wants something else: {need}"), (line, *items), False
    talk = replace(talk, stage="qualify", expecting="").step(AGENT, "the caller is known now")
    return talk, (say(setting.script.intake.thanks, "intake.thanks", AGENT, setting),), True
