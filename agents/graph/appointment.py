"""The scheduler's lines about an appointment that the lead has: keep it, move it, or cancel it."""

from __future__ import annotations

from dataclasses import replace

from agents.graph import closer
from agents.graph.lines import say, slot_values
from agents.graph.state import Setting, Talk
from agents.interface import Action, Booked, Do, Item, Say, Slot
from agents.understanding import Intent, Reading

AGENT = "scheduler"
MOST_ASKED = 2
TOPICS = ("appointment.keep", "appointment.change", "appointment.cancel", "appointment.rebook")

Said = tuple[Talk, tuple[Item, ...]]


def is_about_appointment(talk: Talk, reading: Reading, setting: Setting) -> bool:
    """Tell whether a turn is about the appointment that the lead has, or thinks to have."""
    if talk.expecting in TOPICS:
        return True
    if talk.expecting in ("offer_slot", "clarify.offer_slot", "confirm_slot"):
        return reading.has(Intent.CANCEL)
    if reading.has(Intent.CANCEL):
        return True
    booked = setting.brief.appointment
    return reading.has(Intent.RESCHEDULE) and (booked is not None or talk.stage == "greet")


def appointment_turn(talk: Talk, reading: Reading, setting: Setting) -> Said | None:
    """Take a turn about the lead's appointment. None: times have to be offered for it."""
    booked = setting.brief.appointment
    talk = replace(talk, human_heard=True, stage="schedule")
    if talk.expecting == "appointment.rebook":
        return _rebook_answered(talk, reading, setting)
    if booked is None or talk.signals.get("cancelled"):
        return _none_known(talk, reading, setting)
    if talk.expecting == "appointment.cancel":
        return _cancel_answered(talk, reading, booked, setting)
    if reading.has(Intent.CANCEL) and not reading.wish:
        return cancel_asked(talk, booked, setting)
    if reading.has(Intent.RESCHEDULE) or reading.wish.positive:
        return None
    if talk.expecting == "appointment.change":
        if reading.has(Intent.YES) or reading.choice is not None:
            return None
        if reading.has(Intent.NO):
            return _kept(talk, booked, setting)
    if talk.expecting == "appointment.keep":
        if reading.has(Intent.NO) or reading.has(Intent.BUSY):
            return _change_asked(talk, setting)
        if reading.has(Intent.YES) or reading.has(Intent.HELLO):
            return _kept(talk, booked, setting)
    return _change_asked(talk, setting)


def cancel_asked(talk: Talk, booked: Booked, setting: Setting) -> Said:
    """Repeat which appointment it is before it is cancelled."""
    values = slot_values((booked.slot,), setting)
    lines = setting.script.scheduling
    line = say(lines.cancel_confirm, "appointment.cancel", AGENT, setting, values=values)
    talk = replace(talk, expecting="appointment.cancel")
    return talk.step(AGENT, "repeats what is to be cancelled"), (line,)


def _cancel_answered(talk: Talk, reading: Reading, booked: Booked, setting: Setting) -> Said | None:
    if reading.has(Intent.RESCHEDULE) or reading.wish.positive:
        return None
    if reading.has(Intent.YES) or (reading.has(Intent.CANCEL) and not reading.has(Intent.NO)):
        line = say(setting.script.scheduling.booking, "booking", AGENT, setting)
        talk = replace(talk, expecting="booking").step(AGENT, "cancels")
        return talk, (line, Do(Action.CANCEL, {"appointment_id": booked.id}))
    if reading.has(Intent.NO):
        return _kept(talk, booked, setting)
    return _once_more(talk, setting, cancel_asked(talk, booked, setting))


def cancelled(talk: Talk, setting: Setting, *, ok: bool) -> Said:
    """Say that it is cancelled, and ask for another time once; or that it could not be done."""
    lines = setting.script.scheduling
    if not ok:
        line = say(lines.not_changed, "not_changed", AGENT, setting)
        return closer.without_appointment(talk, setting, "could not be cancelled", line)
    talk = replace(talk.signal("cancelled", True), expecting="appointment.rebook")
    return talk.step(AGENT, "cancelled"), (
        say(lines.cancelled, "cancelled", AGENT, setting, interruptible=False),
        say(lines.rebook, "appointment.rebook", AGENT, setting),
    )


def _rebook_answered(talk: Talk, reading: Reading, setting: Setting) -> Said | None:
    wants = reading.has(Intent.YES) or reading.wish.positive or reading.has(Intent.RESCHEDULE)
    if wants and not reading.has(Intent.NOT_INTERESTED):
        return None
    if reading.has(Intent.NOT_INTERESTED):
        return closer.not_interested(talk, setting, "cancelled, and not interested any more")
    outcome = closer.outcome_reached(talk, setting) or "incomplete"
    return closer.ended(talk, setting, outcome=outcome, why="cancelled, no other time wanted")


def _none_known(talk: Talk, reading: Reading, setting: Setting) -> Said | None:
    """Say that there is none; who wants a time gets one, who wants none is let go."""
    if talk.tried("no_appointment") or reading.wish.positive:
        return None
    talk = replace(talk, tries={**talk.tries, "no_appointment": 1})
    lines = setting.script.scheduling
    line = say(lines.no_appointment, "no_appointment", AGENT, setting)
    ask = say(lines.rebook, "appointment.rebook", AGENT, setting)
    talk = replace(talk, expecting="appointment.rebook")
    return talk.step(AGENT, "there is no appointment"), (line, ask)


def _change_asked(talk: Talk, setting: Setting) -> Said | None:
    line = say(setting.script.scheduling.move_or_cancel, "appointment.change", AGENT, setting)
    asked = replace(talk, expecting="appointment.change").step(AGENT, "asks whether to move it")
    return _once_more(talk, setting, (asked, (line,)))


def _once_more(talk: Talk, setting: Setting, said: Said) -> Said:
    """Say it, unless it was said too often: then a person has to take it up."""
    tried = talk.tried("appointment")
    if tried >= MOST_ASKED:
        line = say(setting.script.scheduling.not_changed, "not_changed", AGENT, setting)
        outcome = "appointment" if setting.brief.appointment else "incomplete"
        return closer.ended(talk, setting, line, outcome=outcome, why="the wish is not clear")
    asked, lines = said
    return replace(asked, tries={**asked.tries, "appointment": tried + 1}), lines


def _kept(talk: Talk, booked: Booked, setting: Setting) -> Said:
    values = slot_values((booked.slot,), setting)
    line = say(
        setting.script.scheduling.kept,
        "appointment.kept",
        AGENT,
        setting,
        interruptible=False,
        values=values,
    )
    return closer.ended(talk, setting, line, outcome="appointment", why="the appointment stays")


def moved_line(chosen: Slot, setting: Setting) -> Say:
    """Return what is said when the new time stands."""
    return say(
        setting.script.scheduling.moved,
        "moved",
        AGENT,
        setting,
        interruptible=False,
        values={"rep": chosen.rep_name, **slot_values((chosen,), setting)},
    )
