"""What takes an opt-out's meaning away: who is meant, when, which line, and the opposite of it.

Each check looks at a match and at the words around it, and tells whether it is *not* meant.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from dataclasses import dataclass

from agents.understanding.opt_out.lexicon import frame


@dataclass(frozen=True, slots=True)
class Found:
    """A frame's match, what stands before and after it in its sentence, and what is said later."""

    before: str
    said: str
    after: str
    later: str

    @classmethod
    def of(cls, match: re.Match[str]) -> Found:
        """Return a match with its surroundings. Whom and how long belong to what was said."""
        words = match.string
        tail = _TAIL.match(words[match.end() :])
        end = match.end() + (tail.end() if tail else 0)
        after, _, later = words[end:].partition(";")
        before = words[: match.start()].rpartition(";")[2]
        return cls(before.strip(), words[match.start() : end], after.strip(), later.strip())


_TAIL = re.compile(
    frame(r"(?:(?: (?:to|at|on|for|with))? <whom>\b)?(?: (?:<forever>)\b)*").pattern.removeprefix(
        r"\b"
    )
)
_EVER = re.compile(r"\b(ever|anymore|any longer|no more|never again)\b|\bagain (ever|period)\b")
_CLOCK = r"(\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)"
_DAYS = r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|weekday|week|christmas|holiday)s?"
_THEN = re.compile(
    r"^(\w+ ){0,2}?("
    r"(before|until|till|til|during|between|while|when|past)\b|"
    rf"after (?!this|today|all){_CLOCK}?|at (?!all\b|any|this number|my (?!work|office|job))|"
    rf"(this|so|too|that|very) (early|late|soon|often|much)\b|(early|late|yet|today|tonight|tomorrow|now(?! on)|right now|as often|first thing)\b|"
    r"in the (morning|mornings|afternoon|afternoons|evening|evenings|middle|am|pm|day)|"
    rf"(on|over|this|next|the) (a |my |the )?({_DAYS}|lunch|break|shift|night)|{_DAYS}\b|"
    r"(this|that) (time|hour|week|month|morning|afternoon|evening)\b|for (a|the next|another) (while|few|couple|day|week|month)"
    r")"
)
_WORK = r"(work|office|business|desk|landline|land line|job|other|old|second|main|school|company)"
_OTHER_LINE = re.compile(
    rf"\b(my|our|the|his|her|that|at|on)( my| the)? {_WORK}( (phone|line|number|cell|email))?$|"
    rf"^(on |at )?(my |the |our )?{_WORK}( (phone|line|number|cell))?\b|^(on )?(my|the) (house|home|work|office|land) ?(phone|line)\b"
)
_INSTEAD = re.compile(
    r"\bi will call you\b|(?<!\bor )(?<!\bnor )(?<!\byou )(?<!\bif )(?<!\bwhen )(?<!\bto )(?<!\bnot )(?<!\bnever )(?<!\bor to )(?<!\bthey )"
    r"\b((call|phone|ring|dial|use|try|text|contact|reach|email|e mail|mail|write|catch|get) "
    r"(me|us|my (?!lawyer|attorney)\w+|our \w+|the (cell|mobile|house|home|office|other|landline|land)|him|her|his \w+|in|after|at|around|"
    rf"tomorrow|later|tonight|back (?!again)|instead|again (in|at|on|after|next|when)|on|{_DAYS})\b|call (me|us|back)$)|\brather (call|phone|ring|text|email)(?= ;|$)|\b(person|human|someone|somebody)( real)?( to)? (call|phone|ring)\b"
)
_WRITTEN = re.compile(r"\b(text|texting|message|messaging)\b")
_HELD_UP = re.compile(
    r"\b(driving|in a meeting|at work|busy|hold on|hang on|wait|one second|a second|a minute|let me|call back|later|kidding|too kind)\b"
)
_NEGATED = re.compile(
    r"\b((do|does|did|will|would|should|can|could|am|are|is|have|has) not|not|never|no need|no reason|without|rather than|instead of)"
    r"( (take|taken|remove|keep|put|me|us|him|it|number|name|want|wanting|asking|ask|asked|need|needing|have|having|trying|going|saying|said|looking|like|wish|you|to|be|get|being|getting|about|for|my))*$"
)
_WHY_NOT = re.compile(
    r"\b(why|how come) \w+ (you|they|we) not$|\bwhy \w+ not (you|they)$|\byou( (will|would|do|can|could|just|still|simply))* not$|\bif (i am|we are|it is) not$"
)
_NOUN = r"(?!and\b|or\b|but\b|so\b|to\b|you\b|please\b)\w+"
_SUBJECT = re.compile(
    rf"\b(?P<who>i|we|they|he|she|who|which|nobody|no one|someone|somebody|everyone|"
    rf"(?:my|the|our|his|her|other|every|some|most|old|last|those|these)(?: {_NOUN})? {_NOUN}|\w+ agent|agents|realtors|people|"
    r"collectors|brokers|investors|companies|neighbors|buyers|tenants|bank)"
    r"(?P<then>(?: (?:will|would|can|could|should|has|have|had|do|does|did|is|are|was|were|may|might|must|to|finally|also|really|always|usually|even|still|not|never|ever|just))*)(?: too| also)?$"
)
_OTHERS = re.compile(
    r"\b(agents?|realtors?|brokers?|bank|lender|collectors?|creditors|ex|tenants?|neighbou?rs?|lawyer|attorney|doctor|boss|landlord|"
    r"(?<!our )investors?|buyers?|school|insurance|hoa|builder|contractor|they|he|she|who|which|"
    r"brother|sister|son|daughter|mother|father|wife|husband)\b"
)
_COMMAND = re.compile(r"(?!taken|gone|struck|took|left|kept)\w+(?<!ing)(?<!ed)(?<![^s]s)\b")
_HOW_I = re.compile(
    r"\b(how|what|where|who)\b.* (do|can|could|would|should|to|must) (i|we|you)( \w+){0,4}$"
)
_ASKED_FOR = re.compile(
    r"\b(make sure|sure|see|ensure|want|need|like|ask(ed)?|tell|told|say|said|says|have|rather|prefer|wish|request(ed)?|"
    r"demand|insist|if|so|that)( that| to it that| it| you)?$"
)
_QUESTION = re.compile(
    r"^(?!how|what|where|who)(\w+ )?(do|should|must|why would|why should) i( (have|need|want))?( to)?$|"
    r"\b(what is|what are|what does|what do you mean|what happens( if)?|what if|explain|does|do you know|did you( ever)?|why (did|would) you|do you( people)? ever|who needs to|is there any reason to)( \w+){0,3}$"
)


def negated(found: Found) -> bool:
    """Tell "please do not stop calling" and "I am not asking to be removed"."""
    return bool(_NEGATED.search(found.before)) and not _WHY_NOT.search(found.before)


def at_a_time(found: Found) -> bool:
    """Tell a request about the hour, "do not call me before nine", from one for good."""
    if found.after == "now" and re.search(r"\b(back|again|here)$", found.said):
        return False  # "and don't you call back now"
    return bool(_THEN.search(found.after)) and not _EVER.search(found.said)


def on_a_line(found: Found) -> bool:
    """Tell "do not call my work phone", which leaves the others."""
    return bool(_OTHER_LINE.search(found.said) or _OTHER_LINE.search(found.after))


def rather_so(found: Found) -> bool:
    """Tell "do not call my wife, call me" and "call, don't text": the call itself is wanted."""
    if _WRITTEN.search(found.said) and re.search(r"\b(call|phone|ring)\b", found.before):
        return True
    return bool(_INSTEAD.search(f"{found.after} ; {found.later}"))


def wants_another_time(words: str) -> bool:
    """Tell words that put the call off or hold it up: "I am driving, call me later"."""
    return bool(_INSTEAD.search(words) or _HELD_UP.search(words))


def of_another(found: Found) -> bool:
    """Tell what somebody else does or did: "the bank will not stop calling", "I never called"."""
    match = _SUBJECT.search(found.before)
    if not match or _HOW_I.search(found.before):
        return False
    who = match["who"]
    if " " in who and not who.endswith("s") and not match["then"] and _COMMAND.match(found.said):
        return False  # "my agent stop calling me" is no English: a new clause begins
    if found.before[: match.start()].endswith("your "):
        return False  # "tell your people to stop calling me"
    if _OTHERS.search(who):
        return True
    if _ASKED_FOR.search(found.before[: match.start()].strip()):
        return False
    return not re.search(r"\b(calls|calling|numbers?|phone|person|guy|lady|caller|time|list)$", who)


def asked_about(found: Found) -> bool:
    """Tell "what is the do not call list?" from "put me on it"."""
    return asked(found.before)


def asked(before: str) -> bool:
    """Tell whether what stands before makes a question of it."""
    return bool(_QUESTION.search(before))


def names_a_thing(found: Found) -> bool:
    """Tell "do not call it a mansion" and "stop calling my house a condo"."""
    return bool(
        re.search(r"\b(call|calling|called)$", found.said)
        and re.match(
            r"(it|that|this|them|him|her|yourself|myself) (?!again|anymore|$)", found.after
        )
    ) or bool(
        re.search(r"\bcall(ing)? (me|us|him|her|them)$", found.said)
        and re.match(r"(a|an) \w+|motivated|crazy|desperate|(my|the) name is", found.after)
    )


def of_something_else(found: Found) -> bool:
    """Tell "take it off the market" and "my name off the deed"."""
    return bool(
        re.search(
            r"\b(market|mls|deed|title|mortgage|loan|lease|listing|tax|wall|lawn|property|contract|grid|zillow|airbnb|"
            r"price|hands|commission|insurance|will|trust|utilities|account|recording)\b",
            found.said,
        )
        or re.match(
            r"(from |off |of |on |in )*(the |my |our |that |a )?(market|mls|deed|title|mortgage|loan|lease|listing|tax|wall|lawn|"
            r"property|house|home|contract|grid|zillow|airbnb|price|hands|commission|insurance|will|trust|utilities|account|top|recording)\b",
            found.after,
        )
    )
