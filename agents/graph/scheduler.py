"""The scheduler: offers real free times, books the one chosen, or arranges to call again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import callbacks, closer
from agents.graph.lines import question_again, say, slot_values
from agents.graph.state import STOP, Setting, State, Talk
from agents.interface import Action, ActionDone, Do, Item, KeyPress, Say, Slot
from agents.understanding import Intent, Reading
from agents.understanding.times import Named, nearest

AGENT = "scheduler"
End = Literal["__end__"]
MOST_OFFERS = 3
MOST_CLARIFICATIONS = 2
Said = tuple[Talk, tuple[Item, ...]]


def scheduler(state: State, runtime: Runtime[Setting]) -> Command[End]:
    """Take one turn about a time: an offer, a choice, a confirmation, a booking, a callback."""
    setting = runtime.context
    talk, items = _turn(state, setting)
    kept = () if talk.ended and not talk.booked else state["items"]
    return Command(goto=STOP, update={"talk": talk, "items": (*kept, *items)})


def _turn(state: State, setting: Setting) -> Said:
    talk, event, reading = state["talk"], state["event"], state["reading"]
    if isinstance(event, ActionDone):
        return _booking_done(talk, setting, ok=event.ok)
    if isinstance(event, KeyPress):
        index = int(event.digit) - 1
        if index < len(talk.offered):
            return _confirming(talk, talk.offered[index], setting)
        return talk, question_again(talk, setting)
    if reading is None:
        return talk, ()
    about_later = reading.has(Intent.CALLBACK) or reading.has(Intent.BUSY)
    if (
        talk.stage == "callback"
        or reading.human
        or (about_later and not _chooses(reading) and not reading.answers)
    ):
        return callbacks.callback_turn(talk, reading, setting)
    if reading.has(Intent.MEET):
        talk = replace(talk, human_heard=True)
    if talk.expecting in ("offer_slot", "clarify.offer_slot"):
        return _offer_answered(talk, reading, setting)
    if talk.expecting == "confirm_slot":
        return _confirm_answered(talk, reading, setting)
    wish = reading.time if reading.has(Intent.MEET) and reading.time else None
    return _offering(talk, setting, wish=wish, counts=talk.offers == 0)


def _chooses(reading: Reading) -> bool:
    return reading.choice is not None and (
        reading.choice.index is not None or reading.choice.wish is not None
    )


def _free(talk: Talk, setting: Setting) -> list[Slot]:
    """Return the slots that can still be offered, soonest first."""
    soonest = setting.brief.now + timedelta(minutes=30)
    slots = [
        slot for slot in setting.brief.slots if slot not in talk.gone and slot.starts_at > soonest
    ]
    return sorted(slots, key=lambda slot: (slot.starts_at, slot.rep_id))


def _two(slots: list[Slot], setting: Setting) -> tuple[Slot, ...]:
    """Return the first slot and one on another day, or simply the next."""
    if len(slots) < 2:
        return tuple(slots)
    first = slots[0]
    times = [slot for slot in slots if slot.starts_at != first.starts_at]
    day = first.starts_at.astimezone(setting.zone).date()
    other = [slot for slot in times if slot.starts_at.astimezone(setting.zone).date() != day]
    return (first, *(other or times)[:1])


def _offering(
    talk: Talk,
    setting: Setting,
    *before: Say,
    wish: Named | None = None,
    again: bool = False,
    counts: bool = True,
) -> Said:
    """Offer two free times, those nearest to what the lead wishes. Of offers that the lead turned
    down (`counts`) there are only so many."""
    free = _free(talk, setting)
    if talk.offers >= MOST_OFFERS or not free:
        line = say(setting.script.scheduling.none_left, "no_slot", AGENT, setting)
        talk = talk.step(AGENT, "no time left to offer")
        return closer.without_appointment(talk, setting, "no time found", *before, line)
    if wish:
        moments = [slot.starts_at for slot in free]
        order = nearest(wish, moments, now=setting.brief.now, zone=setting.zone)
        picked = tuple(sorted((free[i] for i in order[:2]), key=lambda slot: slot.starts_at))
    else:
        picked = _two(free, setting)
    lines = setting.script.scheduling
    wording = (lines.offer_again if again else lines.offer) if len(picked) > 1 else lines.offer_one
    offer = say(wording, "offer_slot", AGENT, setting, values=slot_values(picked, setting))
    talk = replace(
        talk,
        stage="schedule",
        expecting="offer_slot",
        offered=picked,
        chosen=None,
        offers=talk.offers + (1 if counts else 0),
        tries={**talk.tries, "clarify.offer_slot": 0},
    ).step(AGENT, f"offers {len(picked)} times")
    return talk, (*before, offer)


def _offer_answered(talk: Talk, reading: Reading, setting: Setting) -> Said:
    choice = reading.choice
    if choice and choice.index is not None:
        return _confirming(talk, talk.offered[choice.index], setting)
    if (choice and choice.none) or (
        choice is None and reading.has(Intent.NO) and not reading.has(Intent.YES)
    ):
        wish = choice.wish if choice else None
        talk = replace(talk, gone=talk.gone | frozenset(talk.offered))
        return _offering(talk, setting, wish=wish, again=True)
    if reading.has(Intent.YES) and len(talk.offered) == 1:
        return _confirming(talk, talk.offered[0], setting)
    tried = talk.tried("clarify.offer_slot")
    if tried >= MOST_CLARIFICATIONS:
        return closer.without_appointment(talk, setting, "no time chosen")
    lines = setting.script.scheduling.clarify
    values = slot_values(talk.offered, setting)
    if len(talk.offered) > 1:
        line = say(
            lines[min(tried, len(lines) - 1)],
            "clarify.offer_slot",
            AGENT,
            setting,
            values=values,
        )
    else:
        one = setting.script.scheduling.offer_one
        line = say(one, "clarify.offer_slot", AGENT, setting, values=values)
    talk = replace(
        talk, expecting="clarify.offer_slot", tries={**talk.tries, "clarify.offer_slot": tried + 1}
    )
    return talk.step(AGENT, "which time is not clear"), (line,)


def _confirming(talk: Talk, slot: Slot, setting: Setting) -> Said:
    line = say(
        setting.script.scheduling.confirm,
        "confirm_slot",
        AGENT,
        setting,
        values=slot_values((slot,), setting),
    )
    talk = replace(talk, chosen=slot, expecting="confirm_slot", stage="schedule", human_heard=True)
    return talk.step(AGENT, "repeats the time chosen"), (line,)


def _confirm_answered(talk: Talk, reading: Reading, setting: Setting) -> Said:
    choice, chosen = reading.choice, talk.chosen
    if chosen is None:
        return _offering(talk, setting)
    other = choice and choice.index is not None and talk.offered[choice.index] != chosen
    if other and choice and choice.index is not None and not _is_yes(reading):
        return _confirming(talk, talk.offered[choice.index], setting)
    if choice and choice.wish and not _is_yes(reading):
        talk = replace(talk, gone=talk.gone | frozenset(talk.offered))
        return _offering(talk, setting, wish=choice.wish, again=True)
    if reading.has(Intent.NO) and not (choice and choice.index is not None):
        talk = replace(talk, gone=talk.gone | {chosen})
        return _offering(talk, setting, again=True)
    if reading.has(Intent.YES) or (choice and choice.index is not None):
        line = say(setting.script.scheduling.booking, "booking", AGENT, setting)
        talk = replace(talk, expecting="booking").step(AGENT, "books")
        return talk, (line, Do(Action.BOOK, {"slot": chosen}))
    tried = talk.tried("clarify.confirm_slot")
    if tried >= MOST_CLARIFICATIONS:
        return closer.without_appointment(talk, setting, "the time was not confirmed")
    again = say(
        setting.script.scheduling.confirm,
        "confirm_slot",
        AGENT,
        setting,
        values=slot_values((chosen,), setting),
    )
    talk = replace(talk, tries={**talk.tries, "clarify.confirm_slot": tried + 1})
    return talk.step(AGENT, "asks for the confirmation again"), (again,)


def _is_yes(reading: Reading) -> bool:
    return reading.has(Intent.YES) and not reading.has(Intent.NO)


def _booking_done(talk: Talk, setting: Setting, *, ok: bool) -> Said:
    chosen = talk.chosen
    if chosen is None or talk.booked:
        return talk, ()
    lines = setting.script.scheduling
    if not ok:
        taken = say(lines.taken, "slot_taken", AGENT, setting)
        talk = replace(talk, gone=talk.gone | {chosen}, chosen=None).step(AGENT, "time was taken")
        return _offering(talk, setting, taken, again=True, counts=False)
    talk = replace(talk, booked=chosen, expecting="").step(AGENT, "booked")
    booked = say(
        lines.booked,
        "booked",
        AGENT,
        setting,
        interruptible=False,
        values={"rep": chosen.rep_name, **slot_values((chosen,), setting)},
    )
    return closer.ended(talk, setting, booked, outcome="appointment", why="an appointment is made")
