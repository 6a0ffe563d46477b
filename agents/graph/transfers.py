"""Putting a lead through to a person: the lines while one is looked for, and after."""

from __future__ import annotations

from dataclasses import replace

from agents.graph import callbacks
from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Action, Do, Item, Silence

AGENT = "scheduler"
WAITING = "transfer"
"""The topic that is open while somebody is looked for."""

Said = tuple[Talk, tuple[Item, ...]]


def may_be_tried(talk: Talk, setting: Setting) -> bool:
    """Tell whether to look for a person: once a call, and where the campaign puts leads through."""
    return setting.brief.transfers and talk.tried("transfer") == 0 and not talk.booked


def is_waiting(talk: Talk) -> bool:
    """Tell whether somebody is being looked for."""
    return talk.expecting == WAITING


def requested(talk: Talk, setting: Setting, before: tuple[Item, ...]) -> Said:
    """Say that somebody is looked for, and have them rung."""
    talk = replace(
        talk.signal("wants_person", True),
        human_heard=True,
        expecting=WAITING,
        tries={**talk.tries, "transfer": 1},
    ).step(AGENT, "the lead wants a person, who is looked for")
    line = say(setting.script.transfer.ring, "transfer.ring", AGENT, setting)
    return talk, (*before, line, Do(Action.TRANSFER, {"reason": "wants to speak with a person"}))


def waited(talk: Talk, event: object, setting: Setting) -> Said:
    """Keep the lead company at every longer silence. What they say meanwhile is for the human;
    opting out is settled before it comes here, and silence ends nothing."""
    if not isinstance(event, Silence):
        return talk.step(AGENT, "waits for a person"), ()
    lines = setting.script.transfer.wait
    told = talk.tried("transfer.wait")
    talk = replace(talk, tries={**talk.tries, "transfer.wait": told + 1})
    line = say(lines[told % len(lines)], "transfer.wait", AGENT, setting)
    return talk.step(AGENT, "asks for patience"), (line,)


def put_through(talk: Talk, setting: Setting, name: str) -> Said:
    """Tell the lead who comes, and connect."""
    line = say(
        setting.script.transfer.connect,
        "transfer.connect",
        AGENT,
        setting,
        interruptible=False,
        values={"rep": name or "my colleague"},
    )
    talk = replace(talk, ended=True, outcome="transferred", expecting="")
    return talk.step(AGENT, "a person takes the call"), (line, Do(Action.CONNECT))


def nobody_took_it(talk: Talk, setting: Setting) -> Said:
    """Say so, and arrange to call again."""
    line = say(setting.script.transfer.nobody, "transfer.nobody", AGENT, setting)
    talk, items = callbacks.time_asked(talk, setting)
    return talk.step(AGENT, "nobody takes the call"), (line, *items)
