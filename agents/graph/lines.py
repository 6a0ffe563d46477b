"""The playbook's lines made speakable: placeholders filled, times said aloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents.graph.state import Setting, Talk
from agents.interface import Say, Slot
from agents.playbook import PLACEHOLDER, Script
from agents.spoken import answer_text

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = (*("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),)
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
    *("seventeenth", "eighteenth", "nineteenth", "twentieth"),
)


_EXPECTED = {
    "greet": "yes_no",
    "clarify.greet": "yes_no",
    "reengage": "yes_no",
    "offer_slot": "slot",
    "clarify.offer_slot": "slot",
    "confirm_slot": "yes_no",
    "callback.ask": "time",
    "clarify.callback": "time",
    "callback.confirm": "yes_no",
}
"""What is expected after other lines than the playbook's questions, by topic or its first part."""


def _number(value: int) -> str:
    """Return 0 to 999 999 999 in words."""
    if value < 20:
        return _ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if value >= size:
            many, rest = divmod(value, size)
            return f"{_number(many)} {name}" + (f" {_number(rest)}" if rest else "")
    return str(value)


def spoken_answer(kind: str, value: Any) -> str:
    """Return an answer as it is said: "three months", "four hundred thousand dollars"."""
    if kind == "months" and isinstance(value, int):
        if value == 0:
            return "as soon as possible"
        return f"{_number(value)} month{'' if value == 1 else 's'}"
    if kind in ("money", "rent") and isinstance(value, int):
        return f"{_number(value)} dollars" + (" a month" if kind == "rent" else "")
    return answer_text(kind, value)


def _ordinal(day: int) -> str:
    """Return a day of the month in words."""
    if day <= 20:
        return _ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{_TENS[day // 10]} {_ORDINALS[day % 10 - 1]}"


_ZONES: Mapping[str, str] = {
    "America/New_York": "Eastern time",
    "America/Detroit": "Eastern time",
    "America/Toronto": "Eastern time",
    "America/Chicago": "Central time",
    "America/Winnipeg": "Central time",
    "America/Denver": "Mountain time",
    "America/Boise": "Mountain time",
    "America/Edmonton": "Mountain time",
    "America/Phoenix": "Arizona time",
    "America/Los_Angeles": "Pacific time",
    "America/Vancouver": "Pacific time",
    "America/Anchorage": "Alaska time",
    "Pacific/Honolulu": "Hawaii time",
    "America/Halifax": "Atlantic time",
    "America/Puerto_Rico": "Atlantic time",
    "UTC": "universal time",
}


def spoken_zone(zone: ZoneInfo) -> str:
    """Return a zone as people call it: "Pacific time"; "London time" where it has no such name."""
    if zone.key in _ZONES:
        return _ZONES[zone.key]
    if zone.key.startswith("America/Indiana") or zone.key.startswith("America/Kentucky"):
        return "Eastern time"
    return f"{zone.key.rpartition('/')[2].replace('_', ' ')} time"


def zones_differ(slot: Slot, setting: Setting) -> bool:
    """Tell whether the representative's clock shows another time at that moment."""
    try:
        theirs = ZoneInfo(slot.time_zone) if slot.time_zone else setting.zone
    except (ZoneInfoNotFoundError, ValueError):
        return False
    at = slot.starts_at
    return at.astimezone(theirs).utcoffset() != at.astimezone(setting.zone).utcoffset()


def spoken_time(moment: datetime, *, setting: Setting) -> str:
    """Return a moment as said in the lead's zone: "on Tuesday at ten thirty A M"."""
    local = moment.astimezone(setting.zone)
    today = setting.brief.now.astimezone(setting.zone).date()
    days = (local.date() - today).days
    if days == 0:
        day = "today"
    elif days == 1:
        day = "tomorrow"
    else:
        day = f"on {local:%A}"
        if not 0 < days < 7:
            day += f", {local:%B} {_ordinal(local.day)}"
    return f"{day} at {spoken_clock(local)}"


def spoken_clock(local: datetime) -> str:
    """Return a time of day in words: "noon", "two P M", "ten thirty A M"."""
    if (local.hour, local.minute) == (12, 0):
        return "noon"
    hour = _number(local.hour % 12 or 12)
    half = "A M" if local.hour < 12 else "P M"
    if local.minute == 0:
        return f"{hour} {half}"
    return f"{hour} {'oh ' if local.minute < 10 else ''}{_number(local.minute)} {half}"


def filled(line: str, setting: Setting, values: Mapping[str, str] | None = None) -> str:
    """Return a line with its placeholders filled. A lead without a first name is not named."""
    known = {
        "business": setting.brief.business_name,
        "agent": setting.script.persona.name,
        "first_name": setting.brief.lead_first_name.strip(),
        **(values or {}),
    }
    text = PLACEHOLDER.sub(lambda match: known.get(match[1], ""), line)
    text = re.sub(r"^\s*[,;:]\s*|(?<=[.!?])\s*,\s*", " ", text)
    text = re.sub(r"\s+([,.!?])", r"\1", text)
    text = " ".join(re.sub(r",(?=[.!?])", "", text).split())
    return text[:1].upper() + text[1:]


def say(
    line: str,
    topic: str,
    agent: str,
    setting: Setting,
    *,
    interruptible: bool = True,
    values: Mapping[str, str] | None = None,
) -> Say:
    """Return a line of the playbook ready to be spoken. `values` fill its own placeholders."""
    return Say(
        filled(line, setting, values),
        topic,
        agent,
        interruptible=interruptible,
        expects=expected(topic, setting.script),
    )


def expected(topic: str, script: Script) -> str:
    """Return what kind of answer a line asks for, as `Say.expects` has it."""
    kind, _, rest = topic.partition(".")
    if kind in ("ask", "clarify"):
        asked = next((each.type for each in script.questions if each.slot == rest), None)
        if asked is not None:
            return asked
    return _EXPECTED.get(topic) or _EXPECTED.get(kind, "")


def slot_values(slots: tuple[Slot, ...], setting: Setting) -> dict[str, str]:
    """Return {"slot_1": "tomorrow at ten A M", …} for a line.

    Where the representative's clock shows another time, the last one says whose time it is.
    """
    times = [spoken_time(slot.starts_at, setting=setting) for slot in slots]
    if any(zones_differ(slot, setting) for slot in slots):
        times[-1] += f" {spoken_zone(setting.zone)}"
    return {f"slot_{number}": spoken for number, spoken in enumerate(times, 1)}


def disclosure(setting: Setting) -> tuple[Say, ...]:
    """Return the first thing said: who, that it is an AI, the recording, how to opt out."""
    told = setting.script.disclosure
    lines = (told.identity, *((told.recorded,) if setting.brief.recorded else ()), told.opt_out)
    return tuple(say(line, "disclosure", "guard", setting) for line in lines)


def question_again(talk: Talk, setting: Setting) -> tuple[Say, ...]:
    """Return the open question once more, in its first wording."""
    script, topic = setting.script, talk.expecting
    kind, _, rest = topic.partition(".")
    if topic in ("greet", "clarify.greet"):
        return (say(script.greeting.clarify[0], "greet", "greeter", setting),)
    if kind in ("ask", "clarify") and any(q.slot == rest for q in script.questions):
        return (say(script.question(rest).ask[0], f"ask.{rest}", "qualifier", setting),)
    if topic in ("offer_slot", "clarify.offer_slot"):
        lines = script.scheduling
        line = lines.offer if len(talk.offered) > 1 else lines.offer_one
        values = slot_values(talk.offered, setting)
        return (say(line, "offer_slot", "scheduler", setting, values=values),)
    if topic == "confirm_slot" and talk.chosen:
        values = slot_values((talk.chosen,), setting)
        wording = script.scheduling.move_confirm if talk.moving else script.scheduling.confirm
        return (say(wording, topic, "scheduler", setting, values=values),)
    if kind == "recall" and rest in talk.answers:
        question = script.question(rest)
        told = {"answer": spoken_answer(question.type, talk.answers[rest]["value"])}
        return (say(script.greeting.still_so, topic, "qualifier", setting, values=told),)
    if kind == "intake":
        line = script.intake.name if rest == "name" else script.intake.need
        return (say(line, topic, "greeter", setting),)
    if kind == "appointment":
        return _about_appointment(topic, setting)
    if topic == "callback.confirm" and talk.callback_at:
        when = spoken_time(talk.callback_at, setting=setting)
        return (say(script.callback.confirm, topic, "scheduler", setting, values={"time": when}),)
    if topic.startswith("callback") or topic == "clarify.callback":
        return (say(script.callback.clarify[0], "callback.ask", "scheduler", setting),)
    if kind == "reengage" and (objection := script.objection(rest)):
        return (say(objection.reengage, topic, "objections", setting),)
    return ()


def _about_appointment(topic: str, setting: Setting) -> tuple[Say, ...]:
    lines, booked = setting.script.scheduling, setting.brief.appointment
    if topic == "appointment.rebook":
        return (say(lines.rebook, topic, "scheduler", setting),)
    if booked is None:
        return ()
    values = slot_values((booked.slot,), setting)
    if topic == "appointment.cancel":
        return (say(lines.cancel_confirm, topic, "scheduler", setting, values=values),)
    if topic == "appointment.change":
        return (say(lines.move_or_cancel, topic, "scheduler", setting),)
    values = {"rep": booked.slot.rep_name, **values}
    return (say(setting.script.greeting.booked, topic, "greeter", setting, values=values),)
