"""The frames about calling: not to be called, to stop it, to want no calls."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

from agents.understanding.opt_out.frame import Check, Frame
from agents.understanding.opt_out.lexicon import frame
from agents.understanding.opt_out.scope import (
    Found,
    asked_about,
    at_a_time,
    names_a_thing,
    negated,
    of_another,
    on_a_line,
    rather_so,
)

_LIMITS: tuple[Check, ...] = (at_a_time, on_a_line, rather_so)
_NOUN = r"(?!and\b|or\b|but\b|so\b|to\b|you\b|please\b)\w+"
_ACTOR = re.compile(
    rf"\b(i|we|they|he|she|it|who|which|(?:my|the|our|his|her|other|every|some|most|old)(?: {_NOUN})? (?!time|guy|person|number){_NOUN}|agents|realtors|"
    r"collectors|brokers|neighbors)( (do|does|did|can|could|would|will|should|have|has|had|am|are|is|was|were))?$"
)
_VOLITION = re.compile(
    r"^(not|never|no|\w+ not)( \w+){0,2} (want|wants|need|needs|like|wish|appreciate|consent|agree|care|think|believe|allow|authorize|permit)\b"
)
_WISHED = re.compile(
    r"\b(rather|prefer|prefer it if|appreciate it if|wish|if|better|glad|happier if|love it if|like it if|sure|see|that|ensure|so|told|telling|tell|warning|asked|begging|want)"
    r"( that)? (you|they|nobody|people)$"
)
_PASSIVE = re.compile(frame(r"(?:<contacted>)\b").pattern)


def _is_a_statement(found: Found) -> bool:
    """Tell "I never called you", "they did not call" from what is asked of the caller."""
    if _VOLITION.search(found.said) or _WISHED.search(found.before):
        return False
    if re.search(r"\b(was|were|been|had|have|has)$", found.before) and not re.match(
        r"no (right|business|permission|authority|cause)", found.said
    ):
        return not re.search(r"\b(asked|told|said)\b", found.before)
    if re.match(r"(did|does) not", found.said):
        return True
    if re.match(r"(not|never) to\b", found.said):
        return bool(
            re.search(r"\b(told|asked) (my|our) \w+$|\b(told|asked|warned) me$", found.before)
        )
    if _PASSIVE.search(found.said):
        return False
    if re.search(r"\b(nobody|no one|someone|somebody)( ever)?$", found.before):
        return True
    if actor := _ACTOR.search(found.before):
        # "My agent do not" is no English: the agent ends the clause before, and this asks.
        singular = (
            (" " in actor[1] or actor[1] == "it")
            and not actor[1].endswith("s")
            and actor[0] == actor[1]
        )
        return not (singular and re.match("do not|never|not to", found.said))
    return bool(re.search(r"\byou$", found.before)) and bool(
        re.match(r"(never|do not|are not(?! to))\b", found.said)
        and not re.search(r"\b(again|anymore|no more|ever)\b", found.said)
    )


def _calls_nobody_of_ours(found: Found) -> bool:
    """Tell "do not call a plumber": nobody of ours is named and something else follows."""
    if re.search(frame("<whom>").pattern + "$|(again|anymore|ever|back|no more)$", found.said):
        return False
    return bool(found.after) and not re.match(
        r"(it (again|anymore|ever)|and|so|or|because|cause|i|you|we|this|these|okay|yes|no|not|about (my|our|this|the) |regarding|with|on (this|my|our)|from|under|by|"
        r"unless|thank|thanks|period|please|that is|it is|under any|for any|ever|will you|is that|do you|did you|all right)\b",
        found.after,
    )


def _no_before_a_wish(found: Found) -> bool:
    """Tell "no, call me tomorrow" from "no call me again please"."""
    rest = f"{found.said} {found.after}".strip()
    for_good = re.search(r"\b(again|anymore|no more|ever)\b|\bmore( \w+)?$", rest)
    begins = re.match(
        r"no (?!need|reason|point|right|business|permission|authority|cause|want|\w+ing\b|calls)",
        found.said,
    )
    return bool(begins) and not for_good


def _of_others(found: Found) -> bool:
    return bool(
        re.match(
            r"(from|by|with(?= (my|our|the|her|him|them))) (?!you|your|this|these|any|all|people like|companies like|now)",
            found.after,
        )
    )


def _had_none(found: Found) -> bool:
    """Tell "I got no calls" and "I can't take calls right now"."""
    return found.said.startswith(("no ", "not ", "zero ", "0 ")) and bool(
        re.search(
            r"\b(got|get|gets|had|have|has|having|received|receive|were|was|been|there are|there is|there were|usually|normally|generally|typically)$",
            found.before,
        )
    )


_NOT_CALL = Frame.of(
    "asks not to be called",
    r"<not>(?: (?:need|reason|point|right|business|permission|authority|cause)(?: to| in)?)? ~4(?<!\ba )(?<!\bthe )(?<!\byour )(?<!\bmy )(?<!\bthat )(?<!\banother )(?<!\bthis )(?:<contact>|<contacting>)\b",
    r"<not>(?: (?:need|reason|point|right|business|permission|authority|cause)(?: to| in)?)? (?:<contact>|<contacting>)\b",
    r"<not> ~3(?:be|get|being|getting) <contacted>\b(?! (?:with|by (?!you|your|this|any)|about (?!my|our|this)))",
    r"not being <contacted>\b|no longer be <contacted>\b",
    r"<not>(?: \w+)? (?:make|making|place|placing|give|giving|put)(?: me| us)? (?:another|any|anymore|any further|more|one more|further|no more)(?: more| further)? (?:phone |sales )?calls?\b",
    r"(?:not|never) want (?:my|our|this) (?:phone|cell|line) to ring\b",
    r"(?:if|wish|that|sure) you (?:never|do not ever|would not|would never) (?:<contact>|<contacted>)\b",
    r"not appreciate(?: \w+)? <contacted>\b",
    r"(?:not|never) (?:ever )?try (?:me|us|here|this (?:number|phone|line|house)) (?:again|anymore|back)\b",
    r"(?:not|never) (?:ever )?try again$",
    r"not now(?: ;)?(?: and| or)? not ever\b",
    r"(?:not|never) <contacted>(?= (?:again|anymore|ever|by you))",
    unless=(
        *_LIMITS,
        _is_a_statement,
        _calls_nobody_of_ours,
        _no_before_a_wish,
        names_a_thing,
        asked_about,
    ),
)
_NO_ONE_CALLS = Frame.of(
    "asks that nobody calls",
    r"(?:nobody|no one|none of you)(?: else)? (?:is to|should|may|can|better|is allowed to|must|needs to|has to)(?: ever| even)? (?:<contact>)\b",
    r"(?:nobody|no one|no person)(?: from (?:your|this|that)(?: \w+)?)? (?:calls|rings|phones|contacts|bothers)(?: <whom>)? (?:again|anymore|ever)\b",
    r"(?:make sure|see to it|see|ensure|want|make certain)(?: that)? (?:nobody|no one|you never|you do not) ~1(?:<contact>s?|<contacting>|rings)\b",
    unless=_LIMITS,
)
_CALL_OTHERS = Frame.of(
    "sends us to somebody else",
    r"(?:bother|bug|harass|pester|annoy|hound) (?:somebody|someone|anybody|anyone) else\b",
    r"(?:call|ring|phone|try|pick on) (?:somebody|someone|anybody|anyone) else (?:from now on|instead of me|and not me|but not me|not me|and leave|next time)\b",
    unless=(negated,),
)
_STOP = Frame.of(
    "asks to stop calling",
    r"(?:<cease>)(?: (?:all|with|the|these|this|those|any|your|you|people|guys|ever|phone|sales|making|keep|it|and|robo|spam|"
    r"constant|on|from|texts|emails|messages|or|further|future|being|to|of|more|us|me|my|every|other|another|doing this|getting|receiving|sending))* (?:<contacting>|<calls>|<contact_as_such>)\b",
    r"(?:stop|quit|cease|discontinue)(?: with)?(?: (?:the|these|your|all|this|all the|all these))? (?:call|phone ?calls|robo ?calls)\b(?= (?:me|us|here|this|my|now|it)|$)",
    r"(?:if|wish|that|rather) you (?:would )?(?:stopped|quit|ceased|stop) (?:<contacting>|<calls>)\b",
    r"(?:stop|quit|finish|finished) (?:to|with) (?:<contact>)\b",
    r"before (?:<contacting>)(?: <whom>)? (?:again|back)\b",
    r"(?:<contacting>)(?: <whom>)? (?:again|back) (?:would|will|is|is not)(?: not| be| a| any)* (?:mistake|pointless|waste|useless|bad|wise|welcome|good)\b",
    r"(?:keep|kept) (?:<contacting>)(?: <whom>)? after (?:i|we) (?:said|told)\b",
    r"(?:nuts|crazy|insane|mad|up the wall) with (?:(?:all|of|these|your|the|those) )+(?:<calls>)",
    r"forget (?:about )?(?:<contacting>) <whom>",
    r"(?:wasting|waste) (?:my|your|our) time and (?:<contacting>)\b",
    unless=(
        *_LIMITS,
        lambda found: negated(found) and not found.said.startswith("no more"),
        of_another,
        names_a_thing,
        asked_about,
        _of_others,
    ),
)
_CALLS_END = Frame.of(
    "asks that the calls end",
    r"(?:calls|calling|harassment|this|these)(?: (?:have|has|need|needs|got|had|better|must|should|will|to|gotta|just|really|all))+ (?:stop|end|cease|quit)\b(?! (?:by|in|at|over|the|raining|snowing))",
    r"make (?:it|this|them|these|the|all this|all of this)(?: \w+)? (?:stop|end)(?: (?:now|already|it|right now))*$",
    r"(?:want|need|like|wish|make|have)(?: \w+){0,2} (?:calls?|you|this|it|that)(?: to)? stop(?: (?:it|now|already))*$",
    r"(?:the|these|all|all these) calls stop\b|how do i stop (?:this|these|you)$",
    r"(?:call|calls|called|calling)\b.{0,40} (?:stop|no more|do not)(?: (?:it|now|already|do it|do that|again))*$",
    r"you (?:need|have|got|gotta|must|should|ought|better)(?: to)? (?:stop|quit)(?: (?:it|this|that|now))*$",
    r"(?:asked|told|asking|telling|begged|begging|tell) you ~3to (?:stop|quit)(?: (?:it|this|now|already))*$",
    r"(?:calls|calling|this|it) stopped\b(?! (?:by|in|at|when|working|after))",
    r"(?:press|do|say|push|call|dial) to (?:stop|end) (?:this|it|these|the calls)\b",
    r"(?:call|calls|calling|this|it)(?: \w+)? (?:is|are) (?:unwelcome|unwanted|not welcome|not wanted)\b",
    r"(?:i|we|he|she) (?:already )?said stop\b(?! (?:it|the|at|by|record|recording|talking))",
    r"(?:^|(?<=; )|(?<=\bno ))(?:no (?:phone )?calls?|do not disturb)$",
    r"(?:^|(?<=; )|(?<=and )|(?<=\bno ))(?:do not|never)(?: ever)? (?:do (?:it|this|that)|let (?:it|this|that) happen) again$",
    r"under no circumstances ~4(?:<contact>)\b",
    r"do not (?:<contact>)(?: ;)?(?: and| or)? do not (?:<contact>)\b",
    r"(?:final|last) (?:warning|notice)$",
    r"(?:^|(?<=; )|(?<=\bno ))(?:and )?no more(?: of (?:this|these|that))+$",
    r"wish you (?:would )?(?:stop|quit|stopped)(?: (?:it|this|that|now))*$",
    r"(?:this|that|it|these)(?: (?:is|to|be|will be|was|better|better be|had|should|going to|of))*(?: \w+)? last (?:time|call|conversation|one)(?: (?:i want|that|of|you|i|these|we|will|ever|get|call|calls|are|is|to|me|us|here|calling|speak|talk|hear from|have|from|you call|phone))*$",
    unless=(negated,),
)


def _unless_usually(found: Found) -> bool:
    return bool(re.search(r"\b(but )?(go ahead|go on|what is it|tell me)\b", found.after))


_NO_CALLS = Frame.of(
    "wants no calls",
    r"(?:<not_wanted>)(?: (?:any|anymore|more|further|other|these|those|your|the|this|to|get|getting|receive|receiving|be|being|such|of|"
    r"kind|sales|have|unsolicited|all|from you|phone|else))* (?:<calls>|<contacted>|disturbed)\b",
    r"(?:<not_wanted>)(?: \w+){0,2} (?:another|one more) (?:phone |sales )?(?:call|one of these)\b",
    r"never want to (?:get|receive|have) (?:a|another) (?:phone |sales )?call\b",
    r"(?:<fed_up>)(?: (?:these|your|the|all|all the|all these|of|this|constant|you|with|already|endless))* (?:<calls>)\b",
    r"(?:no|not any|without any|want no|decline|refuse|reject)(?: any)?(?: more| further| other)? (?:<contact_as_such>)(?= (?:from you|at all|ever|again|whatsoever|with me|with us|please)|$)",
    r"(?:no|not|never)(?: (?:want|any|more|to))* (?:soliciting|solicitors?|solicitations?|telemarketers?|telemarketing|robocalls)\b",
    r"(?:not|never) (?:want|need|like|wish|care)(?: to)?(?: (?:receive|get|hear|have))? anything(?: else| more)? from (?:you|your|this)\b",
    r"nothing(?: more| else| ever)? from you\b",
    r"(?:hope|prefer|like|want)(?: to)? never (?:to )?get another\b",
    unless=(
        *_LIMITS,
        _had_none,
        _of_others,
        _unless_usually,
        lambda found: bool(re.match(r"(do|does|did|will|would) not (get|receive)", found.said)),
        lambda found: (
            bool(re.search(r"\b(bothered|disturbed|called|annoyed|harassed)$", found.said))
            and bool(re.match(r"(with|by|about) (?!you|your|any|this)", found.after))
        ),
        names_a_thing,
    ),
)
_HEAR_FROM = Frame.of(
    "does not want to hear from us",
    r"(?:<not>) ~4hear(?: anything| another word| a word| more)? (?:from|of) (?:you|your|this|anyone|anybody|any of)\b",
    unless=(at_a_time, lambda found: bool(re.search(r"\b(can|could) not\b", found.said))),
)
CONTACT_FRAMES = (_NOT_CALL, _NO_ONE_CALLS, _CALL_OTHERS, _STOP, _CALLS_END, _NO_CALLS, _HEAR_FROM)
"""Every frame about calling, the commonest first."""
