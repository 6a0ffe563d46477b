"""Who has picked up: the lead, a child, or somebody who can say when the lead is in."""

from __future__ import annotations

from dataclasses import replace

from agents.graph import callbacks, closer
from agents.graph.greeter import fact_lines
from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Item
from agents.understanding import Intent, Reading
from agents.understanding.feelings import tells_of_death

AGENT = "greeter"
SURE = 0.9

Said = tuple[Talk, tuple[Item, ...]]


def somebody_else(talk: Talk, reading: Reading, setting: Setting) -> Said | None:
    """Take the turn of somebody who is not the lead; None if it is the lead, for all we know.

    A child is asked nothing. A grown-up is asked when the lead can be reached; who owns the home
    as well and likes to talk is as good as the lead.
    """
    if talk.stage != "greet":
        return None
    somebody = reading.has(Intent.THIRD_PERSON)
    if tells_of_death(reading.words, setting.brief.lead_first_name, of_any=somebody):
        line = closer.closing_line(setting.script.closing.bereaved, "bereaved", setting)
        talk = talk.signal("died", True)
        return closer.ended(talk, setting, line, outcome="wrong_number", why="the lead has died")
    if reading.has(Intent.CHILD):
        line = closer.closing_line(setting.script.greeting.child, "child", setting)
        talk = talk.signal("child", True)
        return closer.ended(talk, setting, line, outcome="incomplete", why="a child has answered")
    if not reading.has(Intent.THIRD_PERSON) or _speaks_for_both(reading):
        return None
    talk = talk.signal("third_person", True).step(AGENT, "somebody else has answered")
    if reading.time:
        return callbacks.callback_turn(replace(talk, stage="callback"), reading, setting)
    line = say(setting.script.greeting.third_person, "callback.ask", AGENT, setting)
    tries = {**talk.tries, "callback.ask": 1}
    talk = replace(talk, tries=tries, stage="callback", expecting="callback.ask", human_heard=True)
    asked = fact_lines(talk, reading.fact, setting) if reading.fact else ()
    return talk, (*asked, line)


def _speaks_for_both(reading: Reading) -> bool:
    """Tell "this is her husband, we own it together, go ahead" from "she is not in"."""
    if reading.intents.get(Intent.THIRD_PERSON, 0.0) >= SURE:
        return False
    goes_on = reading.has(Intent.YES) and not reading.has(Intent.NO)
    return bool(reading.answers) or goes_on
