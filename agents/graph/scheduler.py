"""The scheduler: offers real free times, books the one chosen, changes an appointment, or
arranges to call again."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import appointment, callbacks, closer
from agents.graph.lines import question_again, say, slot_values
from agents.graph.offers import free_now, picked
from agents.graph.state import STOP, Setting, State, Talk
from agents.interface import Action, ActionDone, Do, Item, KeyPress, Say, Slot
from agents.understanding import Intent, Reading
from agents.understanding.wish import Wish

AGENT = "scheduler"
End = Literal["__end__"]
MOST_OFFERS = 3
"""Offers that were turned down without a word of what would suit."""
MOST_WISHES = 6
"""Offers in all: who says what would suit is heard longer."""
MOST_CLARIFICATIONS = 2
Said = tuple[Talk, tuple[Item, ...]]


async def scheduler(state: State, runtime: Runtime[Setting]) -> Command[End]:
    """Take one turn about a time: an offer, a choice, a confirmation, a booking, a callback."""
    setting = runtime.context
    talk, items = _turn(state, setting)
    kept = () if talk.ended and not talk.booked else state["items"]
    return Command(goto=STOP, update={"talk": talk, "items": (*kept, *items)})


def _turn(state: State, setting: Setting) -> Said:
    talk, event, reading = state["talk"], state["event"], state["reading"]
    if isinstance(event, ActionDone):
        return _done(talk, event, setting)
    if isinstance(event, KeyPress):
        index = int(event.digit) - 1
        if index < len(talk.offered):
            return _confirming(talk, talk.offered[index], setting)
        return talk, question_again(talk, setting)
    if reading is None:
        return talk, ()
    if appointment.is_about_appointment(talk, reading, setting):
        said = appointment.appointment_turn(talk, reading, setting)
        if said is not None:
            return said
        talk = replace(talk, stage="schedule", human_heard=True, moving=_is_moving(talk, setting))
        return _offering(talk, setting, wish=reading.wish, counts=False)
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
    return _offering(talk, setting, wish=reading.wish, counts=talk.offers == 0)


def _is_moving(talk: Talk, setting: Setting) -> bool:
    return setting.brief.appointment is not None and not talk.signals.get("cancelled")


def _chooses(reading: Reading) -> bool:
    return reading.choice is not None and (
        reading.choice.index is not None or bool(reading.choice.wish)
    )


def _offering(
    talk: Talk,
    setting: Setting,
    *before: Say,
    wish: Wish | None = None,
    again: bool = False,
    counts: bool = True,
) -> Said:
    """Offer times that suit what the lead has wished so far, or the nearest to it.

    A single time that is just what was asked for is repeated at once. Offers that the lead turned
    down (`counts`) are limited.
    """
    talk = replace(talk, wish=talk.wish.also(wish) if wish else talk.wish)
    free = free_now(talk, setting)
    limit = MOST_WISHES if wish else MOST_OFFERS
    if not free or talk.offers >= limit:
        return _nothing_left(talk, setting, *before)
    offer = picked(free, talk.wish, setting)
    exact = offer.suits and len(offer.slots) == 1 and bool(wish and wish.clock)
    talk = replace(
        talk,
        stage="schedule",
        expecting="offer_slot",
        offered=offer.slots,
        chosen=None,
        offers=talk.offers + (1 if counts else 0),
        tries={**talk.tries, "clarify.offer_slot": 0},
    )
    if exact:
        talk, confirm = _confirming(talk, offer.slots[0], setting)
        return talk, (*before, *confirm)
    wording = _wording(talk, setting, suits=offer.suits, again=again)
    values = slot_values(offer.slots, setting)
    line = say(wording, "offer_slot", AGENT, setting, values=values)
    why = "that suit" if talk.wish and offer.suits else "nearest to the wish" if talk.wish else ""
    talk = talk.step(AGENT, " ".join(f"offers {len(offer.slots)} times {why}".split()))
    return talk, (*before, line)


def _wording(talk: Talk, setting: Setting, *, suits: bool, again: bool) -> str:
    lines, one = setting.script.scheduling, len(talk.offered) == 1
    if not suits:
        return lines.nearest_one if one else lines.nearest
    if one:
        return lines.offer_one
    if again:
        return lines.offer_again
    return lines.move_offer if talk.moving else lines.offer


def _nothing_left(talk: Talk, setting: Setting, *before: Say) -> Said:
    line = say(setting.script.scheduling.none_left, "no_slot", AGENT, setting)
    talk = talk.step(AGENT, "no time left to offer")
    if talk.moving:  # the old time stands until there is another one
        return closer.ended(
            talk, setting, *before, line, outcome="appointment", why="no other time found"
        )
    return closer.without_appointment(talk, setting, "no time found", *before, line)


def _offer_answered(talk: Talk, reading: Reading, setting: Setting) -> Said:
    choice = reading.choice
    if choice and choice.index is not None:
        return _confirming(talk, talk.offered[choice.index], setting)
    if (choice and choice.none) or (
        choice is None and reading.has(Intent.NO) and not reading.has(Intent.YES)
    ):
        wish = choice.wish if choice else None
        refused = frozenset(
            slot
            for slot in talk.offered
            if not (wish and wish.fits(slot.starts_at.astimezone(setting.zone)))
        )
        talk = replace(talk, gone=talk.gone | refused)
        return _offering(talk, setting, wish=wish, again=True)
    if choice and choice.ambiguous and choice.wish and len(talk.offered) < 2:
        return _offering(talk, setting, wish=choice.wish, again=True)
    if reading.has(Intent.YES) and len(talk.offered) == 1:
        return _confirming(talk, talk.offered[0], setting)
    tried = talk.tried("clarify.offer_slot")
    if choice and choice.ambiguous and tried:
        # "Wednesday is fine", of two times on Wednesday, a second time: either will do.
        return _confirming(talk, _fitting(talk, choice.wish, setting), setting)
    if tried >= MOST_CLARIFICATIONS:
        return closer.without_appointment(talk, setting, "no time chosen")
    lines = setting.script.scheduling
    wording = lines.clarify[min(tried, len(lines.clarify) - 1)]
    line = say(
        wording if len(talk.offered) > 1 else lines.offer_one,
        "clarify.offer_slot",
        AGENT,
        setting,
        values=slot_values(talk.offered, setting),
    )
    tries = {**talk.tries, "clarify.offer_slot": tried + 1}
    talk = replace(talk, expecting="clarify.offer_slot", tries=tries)
    return talk.step(AGENT, "which time is not clear"), (line,)


def _fitting(talk: Talk, wish: Wish, setting: Setting) -> Slot:
    """Return the first time on offer that suits, else the first."""
    fits = (slot for slot in talk.offered if wish.fits(slot.starts_at.astimezone(setting.zone)))
    return next(fits, talk.offered[0])


def _confirming(talk: Talk, slot: Slot, setting: Setting) -> Said:
    talk = replace(talk, chosen=slot, expecting="confirm_slot", stage="schedule", human_heard=True)
    return talk.step(AGENT, "repeats the time chosen"), (_confirmation(talk, slot, setting),)


def _confirmation(talk: Talk, slot: Slot, setting: Setting) -> Say:
    lines = setting.script.scheduling
    wording = lines.move_confirm if talk.moving else lines.confirm
    values = slot_values((slot,), setting)
    return say(wording, "confirm_slot", AGENT, setting, values=values)


def _confirm_answered(talk: Talk, reading: Reading, setting: Setting) -> Said:
    choice, chosen = reading.choice, talk.chosen
    if chosen is None:
        return _offering(talk, setting)
    says_yes = reading.has(Intent.YES) and not reading.has(Intent.NO)
    index = choice.index if choice else None
    if index is not None and talk.offered[index] != chosen and not says_yes:
        return _confirming(talk, talk.offered[index], setting)
    same = index is not None and talk.offered[index] == chosen
    if choice and choice.wish and not says_yes and not same:
        talk = replace(talk, gone=talk.gone | frozenset(talk.offered))
        return _offering(talk, setting, wish=choice.wish, again=True)
    if reading.has(Intent.NO) and not same:
        talk = replace(talk, gone=talk.gone | {chosen})
        return _offering(talk, setting, again=True)
    if says_yes or same:
        return _booking(talk, chosen, setting)
    tried = talk.tried("clarify.confirm_slot")
    if tried >= MOST_CLARIFICATIONS:
        return closer.without_appointment(talk, setting, "the time was not confirmed")
    talk = replace(talk, tries={**talk.tries, "clarify.confirm_slot": tried + 1})
    talk = talk.step(AGENT, "asks for the confirmation again")
    return talk, (_confirmation(talk, chosen, setting),)


def _booking(talk: Talk, chosen: Slot, setting: Setting) -> Said:
    line = say(setting.script.scheduling.booking, "booking", AGENT, setting)
    booked = setting.brief.appointment
    if talk.moving and booked is not None:
        talk = replace(talk, expecting="booking").step(AGENT, "moves the appointment")
        return talk, (line, Do(Action.MOVE, {"appointment_id": booked.id, "slot": chosen}))
    talk = replace(talk, expecting="booking").step(AGENT, "books")
    return talk, (line, Do(Action.BOOK, {"slot": chosen}))


def _done(talk: Talk, event: ActionDone, setting: Setting) -> Said:
    """Say what became of a booking, a move or a cancellation."""
    if event.action is Action.CANCEL:
        return appointment.cancelled(talk, setting, ok=event.ok)
    chosen = talk.chosen
    if chosen is None or talk.booked:
        return talk, ()
    lines = setting.script.scheduling
    if not event.ok:
        taken = say(lines.taken, "slot_taken", AGENT, setting)
        talk = replace(talk, gone=talk.gone | {chosen}, chosen=None).step(AGENT, "time was taken")
        return _offering(talk, setting, taken, again=True, counts=False)
    talk = replace(talk, booked=chosen, expecting="").step(AGENT, "booked")
    if event.action is Action.MOVE:
        talk, line = talk.signal("moved", True), appointment.moved_line(chosen, setting)
        return closer.ended(talk, setting, line, outcome="appointment", why="the time is changed")
    booked = say(
        lines.booked,
        "booked",
        AGENT,
        setting,
        interruptible=False,
        values={"rep": chosen.rep_name, **slot_values((chosen,), setting)},
    )
    return closer.ended(talk, setting, booked, outcome="appointment", why="an appointment is made")
