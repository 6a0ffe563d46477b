"""Arranging to call again: the scheduler's lines for a lead who has no time now."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from agents.graph import closer
from agents.graph.lines import say, spoken_time
from agents.graph.state import Setting, Talk
from agents.interface import Action, Do, Item
from agents.understanding import Intent, Reading
from agents.understanding.times import Clock, Named, callback_moment

AGENT = "scheduler"
EARLIEST, LATEST = time(9), time(20)
"""We offer less than the law allows (08:00-21:00), so that a late dial is still inside it."""
MOST_ASKED = 2
MOST_DAYS = 90

Said = tuple[Talk, tuple[Item, ...]]


def callback_turn(talk: Talk, reading: Reading, setting: Setting) -> Said:
    """Find out when to call, repeat it, arrange it."""
    talk = replace(talk, human_heard=True)
    if reading.human and talk.stage != "callback":
        talk = talk.signal("wants_person", True)
    confirming = talk.expecting == "callback.confirm" and talk.callback_at is not None
    named = _completed(reading.time, talk, setting) if confirming else reading.time
    moment = callback_moment(named, now=setting.brief.now, zone=setting.zone)
    if confirming and reading.has(Intent.YES) and not reading.has(Intent.NO):
        return _arranged(talk, setting, "confirmed")
    if moment is None and re.search(r"\b(any ?time|whenever|does not matter)\b", reading.words):
        tomorrow = setting.brief.now.astimezone(setting.zone).date() + timedelta(days=1)
        moment = callback_moment(Named(day=tomorrow), now=setting.brief.now, zone=setting.zone)
    if moment is not None:
        if confirming and talk.callback_at == moment.astimezone(UTC):
            return _arranged(talk, setting, "said again")
        return _proposed(talk, moment, setting)
    if confirming and not reading.has(Intent.NO):
        # Not a no, and the time was said by the lead: better to call than to quarrel.
        return _arranged(talk, setting, "not contradicted")
    asked_when = talk.expecting in ("callback.ask", "clarify.callback")
    if asked_when and reading.has(Intent.NO) and not reading.has(Intent.DO_NOT_KNOW):
        return closer.not_interested(talk, setting, "does not want to be called again")
    return time_asked(talk, setting)


def _completed(named: Named, talk: Talk, setting: Setting) -> Named:
    """Return what was named with the rest taken from the time proposed: "no, at four" changes
    the hour and keeps the day."""
    if not named or named.after or talk.callback_at is None:
        return named
    proposed = talk.callback_at.astimezone(setting.zone)
    if named.day is None:
        return replace(named, day=proposed.date())
    if named.clock is None and not named.part:
        half = "pm" if proposed.hour >= 12 else "am"
        return replace(named, clock=Clock(proposed.hour % 12 or 12, proposed.minute, half))
    return named


def _proposed(talk: Talk, moment: datetime, setting: Setting) -> Said:
    local = moment.astimezone(setting.zone)
    too_far = moment > setting.brief.now + timedelta(days=MOST_DAYS)
    if not EARLIEST <= local.time() < LATEST or too_far:
        hours = say(setting.script.callback.hours, "callback.hours", AGENT, setting)
        talk, items = time_asked(talk, setting)
        return talk, (items if talk.ended else (hours, *items))
    when = {"time": spoken_time(moment, setting=setting)}
    line = say(setting.script.callback.confirm, "callback.confirm", AGENT, setting, values=when)
    talk = replace(
        talk, stage="callback", expecting="callback.confirm", callback_at=moment.astimezone(UTC)
    )
    return talk.step(AGENT, "repeats the time to call"), (line,)


def time_asked(talk: Talk, setting: Setting) -> Said:
    """Ask when to call; after two vain questions, take the same time tomorrow."""
    tried = talk.tried("callback.ask")
    talk = replace(talk, tries={**talk.tries, "callback.ask": tried + 1}, stage="callback")
    lines = setting.script.callback
    if tried == 0:
        wording = lines.person if talk.signals.get("wants_person") else lines.ask[0]
        line = say(wording, "callback.ask", AGENT, setting)
        return replace(talk, expecting="callback.ask").step(AGENT, "asks when to call"), (line,)
    if tried <= min(MOST_ASKED, len(lines.clarify)):
        line = say(lines.clarify[tried - 1], "clarify.callback", AGENT, setting)
        talk = replace(talk, expecting="clarify.callback")
        return talk.step(AGENT, "asks when to call, differently"), (line,)
    local = setting.brief.now.astimezone(setting.zone)
    clock = min(max(local.time(), EARLIEST), time(LATEST.hour - 1))
    tomorrow = datetime.combine(
        local.date() + timedelta(days=1),
        clock.replace(minute=0, second=0, microsecond=0),
        tzinfo=setting.zone,
    )
    return _arranged(replace(talk, callback_at=tomorrow.astimezone(UTC)), setting, "no time named")


def _arranged(talk: Talk, setting: Setting, why: str) -> Said:
    moment = talk.callback_at
    if moment is None:
        return time_asked(talk, setting)
    talk = replace(talk, callback_set=True).step(AGENT, f"callback arranged ({why})")
    done = say(
        setting.script.callback.done,
        "callback.done",
        AGENT,
        setting,
        interruptible=False,
        values={"time": spoken_time(moment, setting=setting)},
    )
    talk, items = closer.ended(talk, setting, done, outcome="callback", why="will be called again")
    return talk, (*items[:-1], Do(Action.CALLBACK, {"at": moment}), items[-1])
