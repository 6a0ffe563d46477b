"""Hearing "never call me again" in the wordings people use, and not in those that only sound alike.

Revocation "by any reasonable means" counts (47 CFR 64.1200(a)(10)), so in doubt the answer is yes.
The exceptions are narrow: a request about *when* to call, and talk about something else.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

from agents.understanding.words import normalised

_WHOM = r"(me|us|here|him|her|them|this (number|phone|house|line)|(my|our) (\w+ )?(phone|number|house|home|cell|line|wife|husband|mother|father|mom|dad|office))"
_TO_CALL = r"(call|phone|ring|dial|contact|text|bother|bug|harass|disturb|pester|solicit|spam)"
_CALLING = r"(calling|phoning|ringing|dialing|dialling|contacting|texting|bothering|bugging|harassing|disturbing|pestering|soliciting|spamming|blowing up)"
_LIST = r"((your|the|this|that|any|all|every|these|those|our) )*((\w+) )?(list|lists|lest|database|data base|system|systems|records|record|file|files|directory|sheet|contacts|books|rolls?)"

# A request about the hour, not about calling as such.
_WHEN = (
    r"(before|after|until|till|during|while|between|at (?!all\b)(\d|one|two|three|four|five|six|"
    r"seven|eight|nine|ten|eleven|twelve|noon|night|dinner|lunch|work|the office|this (hour|time))|"
    r"today|tonight|tomorrow|now\b|right now|just now|right away|this (early|late|week|morning|"
    r"afternoon|evening|month)|so (early|late|soon)|too (early|late|soon)|that (early|late)|"
    r"yet|early|late\b|in the (morning|mornings|afternoon|evening|evenings|middle)|"
    r"on (a )?(weekend|weekends|sunday|sundays|saturday|saturdays|monday|mondays|tuesday|"
    r"wednesday|thursday|friday|fridays|the weekend)|(next|over the) week(end)?|"
    r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b|"
    r"(this|that) time|first thing|when i am|when we are|if i)"
)
_FOREVER = r"(ever|again|anymore|no more|please|at all|back|never|in the future)"

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # do not (ever) call me (again)
        rf"\b(?P<ask>do not|do not you|not to|never|you (can|may|should|must|could) not|"
        rf"(can|could|will|would|may) you( please| guys)? not|"
        rf"you are not (allowed|permitted) to|i forbid you to|better not|rather you did not|"
        rf"not (want|like|need|wish|appreciate) you( guys| people| all| folks)? to|"
        rf"not want (anyone|anybody|you( guys| people)?|nobody|somebody) to|please not)"
        rf"( (you|please|ever|even|dare|try to|keep|bother to|want to|need to|have to))* "
        rf"{_TO_CALL}(?P<whom> {_WHOM})?( {_FOREVER})*(?P<rest>.*)",
        rf"\b(?P<ask>(do not|never|not (want|need|like|appreciate) (you|them|anyone|anybody|people)( guys| people| all)?) "
        rf"(ever )?(keep |be )?){_CALLING}(?P<whom> {_WHOM})?"
        rf"( {_FOREVER})*(?P<rest>.*)",
        # stop calling
        rf"\b(?P<ask>stop|quit|cease|discontinue|end|halt|cut out|enough( with)?|knock off|lay off|no more|tired of( you)?|"
        rf"sick of( you)?|done with( you)?)( (all|with|the|these|this|those|your|you|people|guys|"
        rf"ever|damn|stupid|constant|phone|sales|making|keep|it|and|fucking|freaking|goddamn|"
        rf"robo|spam))* ({_CALLING}|call(s|ing)?|robocalls?|phone ?calls|messages|harassment)\b"
        rf"(?P<whom> {_WHOM})?( {_FOREVER})*(?P<rest>.*)",
        # I do not want (any more) calls
        r"\b(?P<ask>(do|did|would|will|does) not (want|need|wish|like|care|consent|agree|ask)( for| to)?|"
        r"(prefer|rather|like|ask|asked|asking) not to|"
        r"no longer (want|wish)( to)?|never (want|wanted|asked for|agreed to|consented to)( to)?|"
        r"not interested in( getting| receiving)?|not (get|getting|receive|receiving|take|taking|"
        r"accept|accepting)|not want to (get|receive|take|have)|never want to)"
        r"( (any|anymore|more|these|those|your|the|this|to|get|getting|receive|receiving|be|being|"
        r"such|of|kind|sales|phone|further|have|hear))* "
        r"(calls|phone calls|phonecalls|called|contacted|phoned|bothered|disturbed|"
        r"from you( guys| people| all| folks)?|from your (company|office))\b(?P<rest>.*)",
    )
)

_PLAIN = tuple(
    re.compile(pattern)
    for pattern in (
        # take me off your list
        r"\b(take|get|remove|delete|strike|cross|scratch|drop|pull|wipe|erase|keep|leave|kick)\s"
        r"((me|us|my|our|this|the|that|his|her|him|phone|cell|home|number|name|info|information|"
        r"details|contact|data|both|please|it|completely|the hell|just) )+"
        rf"(off|of|from|out of|out)( of)? {_LIST}\b",
        rf"\b(removed|taken|deleted|struck|crossed|dropped) (off|of|from|out of)( of)? {_LIST}\b",
        rf"\b(want|get|be|need|like to be|like) (off|out of)( of)? {_LIST}\b",
        r"\b(remove|delete|unsubscribe|erase|purge|scrub|wipe|clear)( all| all of| just)? (me|us|"
        r"(my|our|his|her|their|this|the) (\w+ )?(number|numbers|name|info|information|data|details|contact))\b",
        r"\b(be|get|been|have (me|us|(my|our|this|her|his) \w+)) (removed|deleted|unsubscribed)\b",
        r"\b(not|never) use this number\b",
        # make it stop
        r"\b(want|need|like|make|wish|have)( \w+){0,2} (calls?|you|this|it|that)( guys| people)? (to )?stop( it| now| please| already)*$",
        r"\b(call|calls|called|calling)\b.*\b(?<!not )(?<!bus )stop( it| please| now| already)*$",
        r"\bif you (would |could )?(never|not|did not|do not|stop|stopped|quit) (call|called|calling|contact|contacted|ring)\w*( (me|us|here|this number))?( again| anymore| ever)?( please)?$",
        r"\bif you( ever)? call( me| us| here)?( ever)? again\b.*\b(police|sue|lawyer|attorney|report|block|cops)\b",
        r"\b(not|never)( \w+){0,3} (another|one more) call\b",
        r"^no calls?( no \w+)+",
        r"\bno (soliciting|solicitors?|solicitation|solicitations)\b",
        r"\b(take|get) (me|us|my (name|number)|our (name|number)|this number) (off|of)( please| now|"
        r" this| it| there| here| of (there|here))?$",
        r"\b(lose|loose|forget|burn|delete|erase|trash|throw away|destroy|block|ditch|dump|discard) "
        r"(my|our|this|the|that)( \w+)? (number|info|information|contact)\b",
        r"\bforget (that )?you (ever )?(had|have|got|saw|called|knew) (my|our|this|me|us)\b",
        # the lists by name
        r"\b(do|to) not (be )?(call|called|contact) (number|list|registry|register|lists|me list|database)\b",
        r"\b(don't|no|not to|never) (call|contact) (list|registry|lists)\b",
        r"\b(d n c|dnc)\b",
        r"\b(opt|opted|opting) (me |us |my number )?out\b",
        r"\bopt (me|us) (out|off)\b",
        r"\b(unsubscribe|unsubscribed|blacklist me|block (me|us|this number) from)\b",
        # leave me alone
        r"\bleave (me|us|my family|my wife|my husband|my mother) (the (hell|fuck) )?(alone|be|in peace)\b",
        r"\b(you are|this is|you people are|quit|stop)( \w+)? (harassing|harassment|stalking)\b",
        r"\b(revok|withdraw|tak\w* back|rescind|cancel)\w*( my| our| any| all| the)? (consent|permission)\b",
        r"\b(never|not) (gave|given|give|giving) (you |anyone |anybody |any |my )*(consent|permission)\b",
        r"\bcancel my number\b",
        r"\b(not|never) (to )?(be )?(called|contacted|phoned) (again|anymore|ever|by you)\b",
        r"\b(report|reporting|sue|suing) (you|your company|this)( \w+)* (to the |with the )?"
        r"(f ?t ?c|f ?c ?c|attorney|police|authorities|for (harassment|calling))\b",
        r"\b(never|not)( ever)? (want to )?hear (from|about) (you|this|your)\b",
        r"\bcall (me|us|here|this number) (ever )?again and i\b",
        r"\bno (more|further) (phone )?(calls|calling|contact)\b",
        r"\b(this|it|that) (is|will be|better be|should be) the last (time you (call|called|are "
        r"calling)|call)\b",
        r"\bcease and desist\b",
    )
)

# Said of something else, or the opposite.
_NOT_MEANT = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(what is|what does|explain) (the |a |an )?(do not call|opt|opting|dnc)\b",
        r"\b(not|never|no need to|without) (want to |going to |have to |need to |wish to |to )?"
        r"(opt|opting|opted) (me )?out\b",
        r"\b(why|when|how come) (did|do|have|would|are) (you|they|he|she)( guys| people| all)? "
        r"(not|stop|stopped|never)\b",
        r"\b(do|did|would|will|please) not (\w+ )?(stop|quit) (calling|texting)\b",
        r"\b(do|did|would) not (take|remove|delete) (me|us|my)\b",
        r"\b(you|they|he|she|i|we|the \w+|who) (never|did not|do not|does not|will not|would not) "
        r"(call|called|ring|phone|text)( (me|us|him|her|them))? (back|about|when|last|yesterday)\b",
        r"\b(i|we|they|he|she) (never|did not|do not|does not|can not|could not|would not|will not|"
        r"should not|did) (ever )?(call|called|ring|text|contact|phone)\b",
        r"\bmy (agent|realtor|broker|tenant|tenants|wife|husband|bank|neighbor|doctor)( \w+)? "
        r"(never|did not|do not|does not|stopped|stop|will not) (call|ring|answer|pick|return|get|calling)\w*\b",
        r"\b(agents?|realtors?|brokers?|people|companies|they|investors) (have )?(stopped|never|quit|"
        r"will not stop|would not stop|do not)\b",
        r"\b(before|until|after|when|since) (you|they|i|we) (stop|stopped|quit) calling\b",
        r"\b(do|does) not (bother|disturb|bug) (me|us)( at all)?( that|if|$)?(?= (that|if|to))",
        r"\b(it|that|this|price|noise|stairs|traffic)( (is|does|do|would|will|did))? not (\w+ )?"
        r"(bother|bug|disturb) (me|us)\b",
        r"\boff the market\b|\bprice list\b|\bwish list\b|\bwaiting list\b|\bshort list\b|\btax (list|rolls?)\b",
    )
)

_BARE = re.compile(
    r"^((please|okay|no|hey|look|listen|just|i said|i say|yes|yeah|all right|sir|ma'am|madam|hello|"
    r"can you|could you|will you|would you|oh|well|now|and|nah|nope|hi|my god) )*"
    r"(stop|quit it|knock it off|cut it out)( (it|stop|this|now|please|that|right there|right now|sir|ma'am|okay|i said|thank you|"
    r"thanks))*$"
)
_SHORT_WANTED = re.compile(
    r"^(please )?(do not call|never call|stop calling|no calls|remove me|"
    r"opt out|unsubscribe|take me off)( please| now| thanks| thank you)*$"
)


def is_opt_out(text: str) -> bool:
    """Tell whether the words ask never to be called again."""
    words = normalised(text)
    if _BARE.match(words) or _SHORT_WANTED.match(words):
        return True
    if any(pattern.search(words) for pattern in _NOT_MEANT):
        words = _without_not_meant(words)
    if any(pattern.search(words) for pattern in _PLAIN):
        return True
    return any(_asks_for_good(match) for pattern in _PATTERNS for match in pattern.finditer(words))


def _without_not_meant(words: str) -> str:
    """Return the words with what was said of something else cut out."""
    for pattern in _NOT_MEANT:
        words = pattern.sub(" ; ", words)
    return words


def _asks_for_good(match: re.Match[str]) -> bool:
    """Tell a request for ever from one about the hour or about another thing."""
    groups = match.groupdict()
    rest = (groups.get("rest") or "").strip()
    said = match.group(0)
    if re.match(rf"(\w+ )?{_WHEN}", rest) and not re.search(
        r"\b(ever|anymore) |\bno more\b|\bagain (please|ever)\b", said[: len(said) - len(rest)]
    ):
        return False
    if re.search(r"(bothered|disturbed)$", said[: len(said) - len(rest)].strip()) and re.match(
        r"(with|about|by (?!you|your|any))", rest
    ):
        return False  # by repairs, not by us
    if re.match(r"(please )?(call|phone|ring|contact|try|text) ", rest):
        return False  # "don't call my wife, call me"
    # "do not call it a house", "never call a plumber": no person is named and more follows.
    has_whom = "whom" in groups and groups["whom"]
    if "whom" in groups and not has_whom and rest and re.match(r"do not|never|not to", said):
        forever = re.search(rf" {_FOREVER}( |$)", said[: len(said) - len(rest)])
        return bool(forever) or bool(re.match(r"(and|i|or|so|because|you|we|okay|thank)\b", rest))
    return True
