"""The words of an opt-out by what they do in it, and the small language its frames are written in.

A frame is a phrase in which `<name>` stands for any wording of a class below and `~3` for up to
three words of no matter. What a class holds is data: add a wording here and every frame knows it.
"""

# ruff: noqa: E501  (a class is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

_RELATIVE = (
    "wife|husband|mother|mom|mum|mama|mommy|father|dad|daddy|papa|parents?|grand ?mother|grandma|"
    "granny|grand ?father|grandpa|grandparents|son|daughter|kids?|child|children|brother|sister|"
    "aunt|uncle|partner|spouse|family|in laws|roommate|girlfriend|boyfriend"
)
_LINE = "digits|phone|cell|cell ?phone|mobile|number|line|house|home|residence|household|apartment|place"
_OUR = "my|our|his|her|their"

CLASSES: Mapping[str, str] = {
    # Who is called
    "whom": (
        rf"(?:me|us|here|him|her|them|anyone|anybody|people|cell ?phones|private (?:numbers|homes|citizens)|(?:this|that|these) "
        rf"(?:{_LINE}|extension|address|business|numbers)|(?:{_OUR}) (?:\w+ )?(?:{_RELATIVE})"
        rf"(?: \w+)? (?:{_LINE})|(?:{_OUR}) (?:\w+ )?(?:{_LINE}|{_RELATIVE}))"
    ),
    "relative": _RELATIVE,
    # What the caller does, as asked for and as going on
    "contact": (
        "(?:tele)?phone|call|ring|dial|contact|text|message|solicit|spam|robocall|reach out|"
        "get in touch|get (?:a )?hold|make contact|hit (?:me|us) up|hit up|blow up|"
        "(?:reach|bother|bug|harass|pester|disturb|hound|annoy|buzz|hit|trouble)(?= <whom>)"
    ),
    "contacting": (
        "(?:tele)?phoning|calling|ringing|dialing|dialling|contacting|texting|messaging|soliciting|"
        "spamming|robocalling|reaching out|getting in touch|bothering|bugging|harassing|pestering|"
        "disturbing|hounding|annoying|reaching|blowing (?:up|my|our)|hitting (?:me|us) up|"
        "stalking|troubling"
    ),
    "contacted": (
        "called|phoned|contacted|dialed|dialled|texted|messaged|solicited|spammed|bothered|"
        "bugged|harassed|pestered|disturbed|hounded|annoyed|reached|troubled"
    ),
    # The calls themselves
    "calls": (
        "(?:phone |robo |sales |telemarketing |marketing |spam |solicitation |unwanted |cold )*"
        "(?:calls|phonecalls|robocalls|calling|telemarketers?|telemarketing|solicitors?|"
        "solicitations?|soliciting|spam|harassment|harassing)"
    ),
    "contact_as_such": "contact|communication|communications|correspondence|messages",
    # No
    "not": "(?:do|does|did|can|could|would|will|should|must|may|is|are) not|not|never|no",
    "not_wanted": (
        "not(?: even| ever| really)* (?:want|need|like|wish|care|appreciate|accept|take|consent|"
        "agree|wanting|accepting|taking|receive|receiving|get|getting|wish for|care for|ask|want to "
        "(?:get|receive|take|have|be))|never (?:want|wanted|asked|agreed|consented|need|needed)|(?:nobody|no one)(?: here| ever){1,2} (?:wants|wanted|asked|agreed|consented|needs)|"
        "no longer (?:want|wish|need)|(?:nobody|no one) (?:wants?|needs?)|no more|no further|no other|"
        "(?:want|need) no|want no part of|decline|refuse|reject|no|zero|0"
    ),
    "fed_up": (
        "(?:sick(?: and tired)?|tired|fed up|done|finished|through|exhausted) (?:of|with)|"
        "had (?:it|enough)(?: up to here)?(?: with| of)?|enough(?: already)?(?: with| of)?|"
        "(?:can|could) not (?:stand|take|bear)(?= (?:your|these|all|any|this))"
    ),
    "cease": (
        "stop|quit|finish|cease|desist(?: from)?|discontinue|end|halt|terminate|refrain from|lay off|"
        "knock off|cut out|lay off of|(?:knock|cut|cool) it(?: off| out)?|hold off on|put (?:an end|a stop|a halt|a block) (?:to|on)|"
        "no more|cease and desist(?: from)?"
    ),
    "forever": "ever|again|anymore|no more|any longer|at all|back|never|in the future|period|further",
    # Off the list
    "mine": (
        rf"(?:me|us|him|them|(?:(?:both |all |all of |both of )?(?:{_OUR}|this|the|that|these|those) (?:\w+ ){{0,2}})?"
        rf"(?:numbers?|names?|info|information|details|contacts?|data|digits)|"
        rf"(?:both(?: of)? |all(?: of)? )?(?:{_OUR}|this) (?:\w+ )?(?:phone|cell|line|landline|mobile|{_RELATIVE})|both(?: of (?:us|them))?|her)"
    ),
    "number": (
        rf"(?:{_OUR}|this|the|that|them|these|those) (?:\w+ )?(?:numbers?|info|information|details|"
        r"contacts?|data|digits)"
    ),
    "off": "off(?: of| from)?|from|out of|out(?= your)|of(?= your)",
    "which": (
        "(?:your|you|the|this|that|these|those|any|every|all|all of|whatever|whichever|a|our|of|"
        "year|you are)"
    ),
    "list": (
        "(?!(?:price|wish|waiting|short|tax|to do|punch|repair|guest|title) )(?:\\w+ )?"
        "(?:lists?|databases?|data base|systems?|records?|files?|directory|sheets?|books?|rolls?|"
        "registry|computers?|dialer|thing|machine|program|rotation|roster|contacts)"
    ),
    "unlist": (
        "remove|delete|erase|unsubscribe|unlist|purge|scrub|wipe|clear|expunge|suppress|deactivate|deregister|unregister|"
        "blacklist|block|strike|nix|axe|zap|eliminate|disable"
    ),
    "take": "take|get|cross|scratch|pull|drop|kick|bump|yank|leave|keep|clean|rub|chop|cut|blot|x|edit|write|count",
    "gone": (
        "removed|deleted|erased|unsubscribed|purged|scrubbed|wiped|expunged|struck|blocked|"
        "blacklisted|suppressed|(?:taken|took|crossed|scratched|dropped|pulled|left|kept) "
        "(?:off|out)"
    ),
    "lose": (
        "lose|loose|forget|delete|erase|remove|trash|toss|scrap|dump|ditch|bin|burn|discard|destroy|"
        "disregard|cancel|block|throw (?:away|out)|(?:tear|rip) up|get (?:rid|shot) of|do away with|throw|"
        "(?:pretend|act like|act as if)(?: that)? you never (?:had|saw|got)|forget (?:that )?you (?:ever )?(?:had|have|saw|got)|"
        "never use|not use|stop using|unlist|scratch|cross out|rub out|white out|strike|nix|axe|zap|purge|scrub|wipe|drop|pull|yank"
    ),
}


# Words of a clause of its own, of another request, or of not knowing, forgetting and minding.
_ENDS_A_GAP = (
    "i|we|they|he|she|who|because|but|until|before|after|if|not|never|no|do|does|did|know|forget|"
    "hesitate|mind(?! not)|stop|stops|stopped|quit|quits|cease|call|contact|text|ring|phone|without|"
    "agents|realtors|brokers|investors|strangers|now|just|rather|use|worry|wait|why|how|when|where|remember|only"
)


@cache
def frame(pattern: str) -> re.Pattern[str]:
    """Return a frame ready to search normalised words with."""
    return re.compile(rf"\b{_expanded(pattern)}")


def _expanded(pattern: str) -> str:
    while found := re.search(r"<(\w+)>(?!=)", pattern):
        pattern = f"{pattern[: found.start()]}(?:{CLASSES[found[1]]}){pattern[found.end() :]}"
    gap = rf"(?: (?!(?:{_ENDS_A_GAP})\b)[\w'.]+){{0,%s}} "
    return re.sub(r" ?~(\d) ?", lambda found: gap % found[1], pattern)
