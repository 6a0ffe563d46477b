"""What the agent does with a machine that answers: a screen, a menu, a voicemail."""

from __future__ import annotations

from dataclasses import replace

from agents.graph import closer
from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Item
from agents.understanding.machines import Machine

AGENT = "supervisor"
MOST_TOLD = 2
"""How often a screen is told who calls."""
MOST_SILENCES = 4
"""How long a person may take to come through the screen, in silences of six seconds."""

Said = tuple[Talk, tuple[Item, ...]]


def is_screened(talk: Talk) -> bool:
    """Tell whether a screen was answered, and nobody has come through it yet."""
    return talk.signals.get("screening") == "answered" and not talk.human_heard


def answered(talk: Talk, machine: Machine, setting: Setting) -> Said:
    """Do what fits the machine that is talking."""
    talk = talk.signal("machine", machine.value)
    if machine is Machine.SCREENING:
        return _told(talk, setting)
    if machine is Machine.WAIT:
        return talk.step(AGENT, "a machine asks to wait"), ()
    if machine is Machine.MENU:
        line = say(setting.script.machines.menu, "menu", AGENT, setting, interruptible=False)
        return closer.ended(
            talk, setting, line, outcome="voicemail", why="a menu answered", goodbye=False
        )
    if machine is Machine.FULL:
        return closer.voicemail(talk, setting, beep=False)
    talk = replace(talk, machine_heard=True)
    return talk.step(AGENT, "sounds like a voicemail's greeting"), ()


def came_through(talk: Talk) -> Talk:
    """Note that a person has taken the call behind the screen: they have heard nothing yet."""
    return replace(talk.signal("screening", "through"), due=()).step(
        AGENT, "a person comes through the screen"
    )


def still_screened(talk: Talk, setting: Setting, silences: int) -> Said:
    """Wait for a person behind the screen, for a while."""
    if silences > MOST_SILENCES:
        return closer.voicemail(talk, setting, beep=False)
    return talk.step(AGENT, "waits behind the screen"), ()


def _told(talk: Talk, setting: Setting) -> Said:
    told = talk.tried("screening")
    if told >= MOST_TOLD:
        return closer.voicemail(talk, setting, beep=False)
    talk = replace(
        talk.signal("screening", "answered"), tries={**talk.tries, "screening": told + 1}, due=()
    )
    line = say(setting.script.machines.screening, "screening", AGENT, setting)
    return talk.step(AGENT, "a screen asks who is calling"), (line,)
