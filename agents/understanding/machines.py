"""What kind of machine is talking, by its words. Pure.

Telephones answer in four ways that are no person: a voicemail, a full mailbox, a call screen that
asks who is calling (iOS, Google, carriers), and a menu of keys. People say some of the same words;
what only a machine says decides.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from enum import StrEnum


class Machine(StrEnum):
    """Who answers instead of a person."""

    VOICEMAIL = "voicemail"
    """Takes a message after its beep."""
    FULL = "full"
    """A mailbox that takes no more messages."""
    SCREENING = "screening"
    """Asks who is calling and why; a person may come after the answer."""
    WAIT = "wait"
    """Asks to stay on the line while a person is found, as call screens do."""
    MENU = "menu"
    """Offers keys to press."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_FULL = _any(
    r"\b(mail ?box|voice ?mail)( box)? (is|was) (now )?full\b",
    r"\b(is not|isn't|cannot|can't) (able to )?(accept|accepting|receive|take|taking)( any| new| more)* messages\b",
    r"\bhas not (been )?set up (a |the |their )?(yet )?(voice|mail)\w*\b",
    r"\bvoice ?mail\w* (box )?(that )?has not been set up\b",
)
_SCREENING = _any(
    r"\b(record|say|state|give|tell (me|us)) (me |us )?your (full )?name (and|then)( the)? (the |your )?(reason|why|purpose|what)\b",
    r"\b(state|say|record) (your )?(the )?(name|reason|purpose)( and| for| of)? (the )?(reason|your call|calling)\b",
    r"\b(see|check|find out) if (this|the) person is available\b",
    r"\b(call|calls) (is|are) being screened\b|\bscreen(ing|s)? (service|(his|her|their|this|the|your) calls?)\b",
    r"\b(go ahead and |please )?(say|state) (your name|who you are) and why you('re| are) calling\b",
    r"\bplease (say|state) your name (and |after|at|to)\b",
    r"\bwho may i (say|tell \w+) is calling\b.*\bpress\b|\bunknown callers?\b.*\b(name|reason)\b",
    r"\bpress (one|1) to be connected\b|\bto (complete|connect) (this|your) call\b.*\b(say|press)\b",
    r"\bwill get a copy of (this|the) conversation\b",
)
_WAIT = _any(
    r"\b(stay|remain|hold) on the line\b|\bplease (hold|stand by)\b(?!.*\?)",
    r"\b(is|are) (now )?(trying to|attempting to) (reach|connect|locate)\b",
    r"\b(the person you('re| are) calling|they) (is|are|will) (being )?(asked|notified|checking)\b",
    r"^(thanks|thank you)( please)?( stay| hold| wait).*\bline\b",
)
_MENU = _any(
    r"\bpress(ing)? (the )?(\d|zero|one|two|three|four|five|six|seven|eight|nine|star|pound)\b.{0,60}"
    r"\b(for|to|if)\b|\b(for|to) [\w' ]{2,40},? (please )?(press|dial|say) (\d|zero|one|two|three|four|five|six|seven|eight|nine|star|pound)\b",
    r"\b(menu|options) (have|has) (recently )?changed\b|\blisten (carefully )?(to|as)\b.*\b(menu|options)\b",
    r"\bpara (continuar en )?espanol\b|\bfor (english|spanish),? (press|say)\b",
    r"\b(enter|dial|say) (your|the|a) (party'?s?|\w+ )?(extension|account number)\b|\bdial by name\b",
    r"\bcalls? (may|might|will) be (recorded|monitored) for (quality|training)\b",
    r"\b(our|the) (office|business) hours are\b",
)
_VOICEMAIL = _any(
    r"\b(leave|record) (a|your|me a|us a|him a|her a|them a) (\w+ ){0,3}message\b(?!.*\?)",
    r"\b(leave|with) (your|a) name(,| and)? (and )?(\w+ ){0,3}(number|message)\b",
    r"\b(after|at|wait for|hear) the (tone|beep|signal)\b",
    r"\b(reached|this is) (the |our |my |\w+'s )?(voice ?mail|voice mail ?box|mail ?box|answering machine)\b",
    r"\b(not|un) ?(currently )?available to (take|answer|come to|get to)\b|\bcan ?(not|'t|t) (take|answer|come to|get to) (your call|the phone)\b",
    r"\b(person|party|number|customer|subscriber) (that )?you( have|'ve|'re| are)? (calling|called|dialed|dialled|trying to (call|reach)) (is|can ?not|has)\b",
    r"\b(has been|have been|was|been) forwarded to (an? )?(automated |automatic )?(voice|answering)\b",
    r"\b(get|call) (right )?back to you\b.*\b(soon|possible|message)\b|\bnot (at home|home) right now\b",
    r"\bat the (tone|beep),? please\b|\brecord your message\b|\byou may hang up\b",
)


def machine_in(said: str) -> Machine | None:
    """Return what kind of machine says these words; None for a person, or when it is not clear.

    A screen that also speaks of a message is a screen: it is answered, and says what follows.
    """
    words = re.sub(r"[^\w' ?-]+", " ", said.lower().replace("ñ", "n"))
    words = " ".join(words.split())
    if not words:
        return None
    for kind, pattern in (
        (Machine.FULL, _FULL),
        (Machine.SCREENING, _SCREENING),
        (Machine.VOICEMAIL, _VOICEMAIL),
        (Machine.MENU, _MENU),
        (Machine.WAIT, _WAIT),
    ):
        if pattern.search(words):
            return kind
    return None
