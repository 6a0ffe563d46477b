"""A call in five lines that a representative reads in ten seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.interface import Notes
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


def summarise(notes: Notes, *, script: Script) -> str:
    """Return five lines: result, situation, what is missing, mood, next step."""
    return "\n".join(
        (
            f"Result: {_result(notes)}",
            f"Lead: {_situation(notes, script)}",
            f"Open: {_missing(notes, script)}",
            f"Mood: {_mood(notes)}",
            f"Next: {_NEXT.get(notes.outcome, 'Try again at another time.')}",
        )
    )


def _result(notes: Notes) -> str:
    result = _RESULTS.get(notes.outcome, "Ended without a result")
    moment = notes.signals.get("appointment") or notes.signals.get("callback_at")
    if moment and notes.outcome in ("appointment", "callback"):
        result += f", {datetime.fromisoformat(moment):%a %d %b %Y %H:%M} UTC"
    return f"{result}."


def _situation(notes: Notes, script: Script) -> str:
    parts = []
    for question in script.questions:
        answer = notes.answers.get(question.slot)
        if answer:
            text = answer_text(question.type, answer["value"])
            if answer["value"] == "other":
                text = f"“{_shortened(str(answer.get('said', '')))}”"
            parts.append(f"{question.slot.replace('_', ' ')}: {text}")
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
