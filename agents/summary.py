"""A call in five lines that a representative reads in ten seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.interface import Notes
from agents.model import Review
from agents.playbook import Script
from agents.spoken import answer_text

_RESULTS: Mapping[str, str] = {
    "appointment": "Appointment booked",
    "qualified": "Qualified, no appointment yet",
    "callback": "Asked to be called again",
    "not_interested": "Not interested",
    "do_not_call": "Asked never to be called again",
    "wrong_number": "Wrong number",
    "language": "Speaks another language",
    "voicemail": "Reached a machine",
    "incomplete": "Ended before it was complete",
    "hung_up": "Hung up early",
    "transferred": "Transferred to a person",
}
_SETTLED = ("do_not_call", "wrong_number", "not_interested", "language", "voicemail")
"""Outcomes after which the next step is what it is."""
_NEXT: Mapping[str, str] = {
    "appointment": "Prepare recent sales nearby and keep the appointment.",
    "qualified": "Call to agree on a time to meet.",
    "callback": "Call at the time the lead named.",
    "not_interested": "Leave the lead in peace.",
    "do_not_call": "None. The number is on the do-not-call list.",
    "wrong_number": "Check the number before anyone calls again.",
    "language": "Have somebody call who speaks the lead's language.",
    "voicemail": "Try again at another time of day.",
}


def summarise(notes: Notes, *, script: Script, review: Review | None = None) -> str:
    """Return five lines: result, situation, what is missing, mood, next step.

    Result and what is missing are facts, and never a model's to tell. The other lines are the
    model's where there is a review, and whatever of it did not pass the checks is the template's.
    """
    told = review or Review()
    return "\n".join(
        (
            f"Result: {_result(notes)}",
            f"Lead: {told.situation or _situation(notes, script)}",
            f"Open: {_missing(notes, script)}",
            f"Mood: {_lower(told.mood) or _mood(notes)}",
            f"Next: {recommended_step(notes, review)}",
        )
    )


def recommended_step(notes: Notes, review: Review | None = None) -> str:
    """Return what a representative should do now.

    A model has no say where the lead has spoken: who wants no call gets none.
    """
    if review is not None and review.next_step and notes.outcome not in _SETTLED:
        return review.next_step
    return _NEXT.get(notes.outcome, "Try again at another time.")


def sentiment(notes: Notes, review: Review | None = None) -> str:
    """Return how the lead took the call: positive, neutral, negative or mixed."""
    if notes.signals.get("hostile"):
        return "negative"
    if review is not None and review.sentiment:
        return review.sentiment
    objected = set(notes.signals.get("objections", ()))
    settled = objected <= set(notes.signals.get("objections_recovered", ()))
    if notes.outcome in ("not_interested", "do_not_call"):
        return "negative"
    if notes.outcome in ("appointment", "qualified", "transferred"):
        return "positive" if settled else "mixed"
    return "mixed" if objected and not settled else "neutral"


def _lower(text: str) -> str:
    text = text[:1].lower() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def _result(notes: Notes) -> str:
    result = _RESULTS.get(notes.outcome, "Ended without a result")
    if notes.signals.get("appointment_cancelled") and notes.outcome != "appointment":
        result = f"Appointment cancelled. {result}"
    moment = notes.signals.get("appointment") or notes.signals.get("callback_at")
    if moment and notes.outcome in ("appointment", "callback"):
        result += f", {datetime.fromisoformat(moment):%a %d %b %Y %H:%M} UTC"
    return f"{result}."


_GIVEN = {"phone": "a number", "email": "an e-mail address", "name": "the name"}


def _situation(notes: Notes, script: Script) -> str:
    parts = []
    for question in script.questions:
        answer = notes.answers.get(question.slot)
        if answer:
            text = answer_text(question.type, answer["value"])
            if answer["value"] == "other":
                text = f"“{_shortened(str(answer.get('said', '')))}”"
            parts.append(f"{question.slot.replace('_', ' ')}: {text}")
    for name, value in (notes.signals.get("contact") or {}).items():
        parts.append(f"gave {_GIVEN.get(name, name)}: {value}")
    return "; ".join(parts) + "." if parts else "nothing learned."


def _missing(notes: Notes, script: Script) -> str:
    values = {slot: answer["value"] for slot, answer in notes.answers.items()}
    open_slots = [
        question.slot.replace("_", " ")
        for question in script.questions_for(values)
        if question.slot not in notes.answers
    ]
    return ", ".join(open_slots) + "." if open_slots else "nothing."


def _mood(notes: Notes) -> str:
    signals: Mapping[str, Any] = notes.signals
    if signals.get("hostile"):
        return "hostile."
    objections = [str(key).replace("_", " ") for key in signals.get("objections", ())]
    recovered = len(signals.get("objections_recovered", ()))
    if notes.outcome in ("not_interested", "do_not_call"):
        mood = "declined"
    elif notes.outcome == "appointment" or len(notes.answers) >= 3:
        mood = "open"
    else:
        mood = "hard to tell"
    if objections:
        mood += f"; objected ({', '.join(objections)})"
        mood += ", went on after it" if recovered == len(objections) else ""
    return f"{mood}."


def _shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
