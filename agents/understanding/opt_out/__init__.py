"""Hearing "never call me again" however it is put, and not where it only sounds alike.

The words are made plain (no politeness, no swearing), then searched with frames of word classes;
what the recogniser may have misheard is mended and searched once more. In doubt the answer is yes:
revocation "by any reasonable means" counts (47 CFR 64.1200(a)(10)).
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from functools import lru_cache

from agents.understanding.opt_out.contact import CONTACT_FRAMES
from agents.understanding.opt_out.other_tongues import asks_in_another_tongue
from agents.understanding.opt_out.removal import REMOVAL_FRAMES
from agents.understanding.opt_out.scope import asked, wants_another_time
from agents.understanding.opt_out.spanish import asks_in_spanish
from agents.understanding.words import normalised

__all__ = ["is_opt_out", "opt_out_in"]

_SOFTENERS = re.compile(
    r"\b(?<!called )(please|kindly|just|simply|honestly|literally|really|seriously|honey|hon|dear|sweetie|sweetheart|pal|buddy|sir|ma'am|maam|"
    r"madam|miss|bro|dude|lady|mister|thanks|right this minute|"
    r"(mother ?)?fuck(in|ing|en)?( well)?|freak(in|ing)|frigg(in|ing)|effing|god ?damn(ed)?|damn(ed)?|dang|darn|bloody|stupid|bull ?shit|shit|shitty|"
    r"ass|the (hell|fuck|heck)|for (christ|god|pete|heaven)'?s? sakes?|jesus( christ)?|for the love of (god|christ))\b"
)
_YOU = re.compile(
    r"\byou (guys|people|folks|all|lot|all people|idiots|scammers|bastards|jerks|clowns)\b"
)
# "Can't you text me" asks for it; "can you not text me" and "don't you text me" ask for the opposite.
_SUGGESTION = re.compile(r"\b(why (do|can|could) not you|(can|could|will|would) not you)\b")
# "Don't text me, just call" wants the call: the word that says so would be dropped as manners.
_RATHER = re.compile(r"\bjust (?=(call|phone|ring|text|email)\b)")
_FUCK_OFF = re.compile(r"\b(fuck|piss) (off|you)\b")


_SENTENCE_END = re.compile(r"(?<!\b[a-zA-Z])[.!?;]+(?=\s|$)")
_LED_IN = re.compile(
    r"^((okay|so|hey|listen|look|well|hello|hi|all right|right|now look|yes|yeah|oh|man|and|but|um) )+(?=\w)"
)
_ROUNDED_OFF = re.compile(
    r"( (okay|all right|goodbye|good bye|bye( bye| now)?|you hear( me)?|man|got it|got that|understand|understood|is that clear|"
    r"have a (good|nice) (day|one)|good day|good night|thank you|yeah))+$"
)


def _plain(text: str) -> str:
    """Return the words without what only colours them, sentences apart by " ; "."""
    return " ; ".join(filter(None, map(_plain_sentence, _SENTENCE_END.split(text))))


def _plain_sentence(text: str) -> str:
    words = _FUCK_OFF.sub(" ", normalised(text))
    words = _SOFTENERS.sub(" ", _RATHER.sub("rather ", words))
    words = re.sub(r"(\w)'s\b", r"\1", words).replace("'", "")
    words = _YOU.sub("you", " ".join(words.split()))
    words = _SUGGESTION.sub("could you", words)
    return _ROUNDED_OFF.sub("", _LED_IN.sub("", words))


# What telephone recognition makes of the words that matter most, only where they would fit.
_OBJECT = r"(?= (me|us|my|here|this number|meet|mean|in me))"
_MISHEARD = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"\b(do|due|dough|dew|doe|don) (not|naught|knot|nut|note|nought|know)\b", "do not"),
        (r"\bdo not called(?= (me|us))", "do not call"),
        (r"\bdonot ?call\b", "do not call"),
        (r"\b(calling|call|contact) may\b(?! (be|not|have))", r"\1 me"),
        (r"\bnumb (or|are|er|our)\b", "number"),
        (
            r"\b(doan|done|dont|dun|donut|don)(?= (ever )?(call|coal|cole|col|hall|ring|phone|contact) )",
            "do not",
        ),
        (r"(?:^|(?<=; ))stopped(?= calling )", "stop"),
        (
            r"\b(top|stob|stock|stab|stuff|step|shop|stopper)(?= (\w+ )?(call|calling|callin|colin|coling|falling|all in|calm|contacting|ringing) )",
            "stop",
        ),
        (
            r"\b(stop|quit) (callin|colin|collin|collins|colon|coling|cawlin|cawling|cauling|falling|hauling|caring|carling|calm|going|"
            r"(call|all|col|con|fall|car) in)" + _OBJECT,
            r"\1 calling",
        ),
        (
            r"\b(not|never|dare|not you) (coal|cole|col|hall|kohl|car|cold|cull|cool|fall|caul|crawl)"
            + _OBJECT,
            r"\1 call",
        ),
        (
            r"\bdo not (coal|cole|col|colin|calling|call|fall|car|care|cold|called|hall) (list|lists|lest|least|lift|lease|let|lisp)\b",
            "do not call list",
        ),
        (
            r"\b((off|of|from|on|often)( of)? (your|the|you|this|a|that|year|you are|year's)( \w+)?) (lest|least|lift|lifts|lis|lists|lisp|let|lust|listen)\b",
            r"\1 list",
        ),
        (r"\b(off|of|from) your (lease|leash)\b", "off your list"),
        (r"\boften (your|the|this|that)\b", r"off \1"),
        (r"\b(me|number|name) (of|a) (your|the|this)\b", r"\1 off \3"),
        (r"\b(tag|bake|make|tape|tick|tack|talk|fake|rake|tech) (?=(me|us|my|this) )", "take "),
        (
            r"\b(move|reno|remoov|remo|were move|re move|remorse|removed|rem of) (?=(me|us|my (number|name)) )",
            "remove ",
        ),
        (r"\b(calling|call|contact) (meet|mean|mia|mee|meat)\b", r"\1 me"),
        (r"\bme (a gain|a game|gain|against|a guy and|a gun)\b", "me again"),
        (r"\b(up|opt|apt|opped|oped|hopped|opted|upped) (me )?(out|doubt|outs|ow)$", r"opt \2out"),
        (r"\b(on|un|in) ?(subscribe|subscribed)\b", "unsubscribe"),
        (r"\b(loose|lewis|lows|loves) (my|this|our) number\b", r"lose \2 number"),
        (r"\b(sees|seize|seas|seeds) and (desist|the sist|deceased|resist)\b", "cease and desist"),
    )
)


def _mended(words: str) -> str:
    for pattern, meant in _MISHEARD:
        words = pattern.sub(meant, words)
    return " ".join(words.split())


_BARE = re.compile(
    r"^((no|i said|i say|can you|could you|will you|would you|and|nah|nope|my god|wrong number|not interested|i am not interested|no interest) )*"
    r"(you( (must|need to|have to|better|got to|should))? )?"
    r"(stop|quit|quit it|knock it off|cut it out|end (it|this)|unsubscribe|opt out|revoke|desist|refrain|cease|remove|delete|take me off)"
    r"( (it|stop|this|now|that|right there|right now|immediately|i said|quit|end|already|at once))*$"
)
# "Stop" as the last word is one too, unless it is the bus's, or what somebody cannot do.
_LAST_STOP = re.compile(
    r"(?<!bus)(?<!truck)(?<!train)(?<!pit)(?<!rest)(?<!the)(?<!last)(?<!first)(?<!next)(?<!\ba)(?<!to)(?<!not)(?<!can)(?<!will)(?<!would)(?<!could)"
    r"(?<!never)(?<!should)(?<!\bit)(?<!they)(?<!non)(?<!tram)(?<!one)(?<!full)(?<!short)(?<!kids)(?<!guys)(?<!boys)(?<!girls)(?<!children)(?<!dog)(?<!does)(?<!\bdo)(?<!i)(?<!we) (stop|cut it out|knock it off)( (it|now|immediately|right now))*$"
)


_STOP_AND_NO = re.compile(
    r"(^|\b(no|and|this|hello|interested|it) )stop( stop)* (i|we|this|that|it)\b.*\b(not (interested|selling|buying|looking|moving|renting)|not want (this|it|any|that|anything)|enough)\b"
)


def _says_stop(words: str) -> bool:
    """Tell a bare "stop" from "stop, I am driving, call me later"."""
    sentences = words.split(" ; ")
    said = [
        bool(_BARE.match(each) or _STOP_AND_NO.search(each))
        or bool((last := _LAST_STOP.search(each)) and not asked(each[: last.start()]))
        for each in sentences
    ]
    if not any(said):
        return False
    rest = " ".join(each for each, bare in zip(sentences, said, strict=True) if not bare)
    return not wants_another_time(rest)


@lru_cache(maxsize=512)
def opt_out_in(text: str) -> str:
    """Return how the words ask never to be called again, for the record; "" if they do not."""
    words = _plain(text)
    for form in dict.fromkeys((words, _mended(words))):
        if _says_stop(form):
            return "says stop"
        for frame in (*CONTACT_FRAMES, *REMOVAL_FRAMES):
            if frame.asked_in(form):
                return frame.why
    if asks_in_spanish(words):
        return "asks in Spanish not to be called"
    return "asks in another language not to be called" if asks_in_another_tongue(words) else ""


def is_opt_out(text: str) -> bool:
    """Tell whether the words ask never to be called again."""
    return bool(opt_out_in(text))
