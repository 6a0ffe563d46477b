"""The frames about being known to us: lists, numbers, consent, peace, and the law."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

from agents.understanding.opt_out.frame import Frame
from agents.understanding.opt_out.scope import (
    asked_about,
    negated,
    of_another,
    of_something_else,
    rather_so,
)

_OFF_THE_LIST = Frame.of(
    "asks to be taken off the list",
    r"(?:<mine>|i|we|get|got|getting|be|being|been|come|go|taken|removed|want|like|need|off) ~1(?:<off>) (?:of |from )?(?:<which> )+(?:<list>)\b",
    r"(?:remove|delete|strike|take|get|drop|cross|pull|taken|removed|keep|leave)(?: (?:it|that|this|me|us|my))? (?:off|from|out of)(?: of)? (?:<which> )+(?:<list>)\b",
    r"number\b.{0,30}\b(?:take|get) (?:it|that) off(?: (?:it|there|the list))*$",
    r"(?:suppression|removal|block|opt out|exclusion|no contact) list\b",
    r"off (?:of )?your (?:\w+ )?lists?$",
    r"(?:off|of|from) list$|(?:^|(?<=; )|(?<=please )|(?<=no ))(?:off|out of) (?:the|your|this|that) (?:list|system|database)\b",
    r"(?:not|no)(?: \w+){0,2} (?:be|belong|being|stay|remain)? ?on (?:your|any|this|that|the) (?:call |calling |phone |contact )?lists?\b",
    unless=(negated, of_something_else, asked_about),
)
_FORGOTTEN = Frame.of(
    "asks to have the number removed",
    r"(?:<unlist>)(?: all| all of| both)? (?:<mine>)\b(?! (?:call|ex|old|house|home)\b)",
    r"(?:<take>) (?:<mine>) (?:off|of|out)(?: of)?(?: (?:it|this|that|there|here|now|already|too|also|as well|the thing))*(?: of (?:it|there|that|your \w+|this|here))?(?= (?:and|he|she|they|we|i|or|so|because|before|right|today|immediately|if|you)\b|$)",
    r"(?:<take>) (?:<mine>) (?:off|out of|from) (?:your|that|this|the|whatever) (?:thing|phone|computer|dialer|program|machine|system|end|side|business)\b",
    r"(?:<take>) (?:<mine>) (?:off|out)(?: of)? (?:these|those|your|all|any|the)(?: \w+)? calls\b",
    r"take (?:<mine>) out\b(?! (?:to|for|on))",
    r"(?:<mine>|i|we)(?: (?:am|is|are|was|were|be|been|being|get|gets|getting|to|have|want|need|would|like|wanna|should|has|had|please|could|can|asked|supposed|may))* (?:<gone>)\b",
    r"(?:could|can|may|might|want to|like to|asked to|need to|way to|to|about|how do (?:i|we)|please)(?: (?:i|we))? (?:be|get|getting|being) (?:<gone>)\b",
    r"(?:i|we) (?:want|wanna|need|would like)(?: (?:my|our|this) (?:number|name))? (?:off|out)(?: of)?(?: (?:it|this|that|here|there|the list))*$",
    r"(?:<lose>) (?:<number>)\b",
    r"number\b.{0,40}\b(?:delete|remove|purge|erase|scrub|destroy) it\b",
    r"removal (?:of (?:<mine>)|from)\b|request(?:ing)?(?: \w+)? removal\b",
    r"(?:i|we)(?: \w+){0,2} (?:asked|want|wanted|need|like|supposed|told you|wish) to be off(?: (?:it|this|that|there))*$",
    r"why (?:have|did|are|is) (?:you|they) not(?: \w+)? (?:<gone>|remove|removing|take|taking|delete)\b",
    r"(?:number|line|phone)(?: \w+){0,4} do not (?:ever )?(?:use|call|dial|ring|phone) it\b",
    r"(?:i|we) (?:do )?not (?:want|like) you ~1(?:have|having|to have|with|use|using|to use|keep|keeping|to keep) (?:<number>)\b",
    r"you (?:should|must|may) not (?:even )?have (?:<number>)\b",
    r"(?:i|we) (?:want|need|would like) (?:<number>|my name) gone\b",
    r"(?:delete|erase) (?:this|it)$",
    r"(?:tell|ask|have|get) (?:them|him|her|someone|somebody|your \w+|you)(?: to)? (?:drop|<unlist>) <mine>$",
    r"(?:<number>|my name) (?:needs|has|must|should|got|better)(?: to)? (?:come|go|be) off\b",
    r"(?:forget|pretend|act like)(?: that)? (?:i|we) (?:ever |never |do not )?exist(?:ed)?\b",
    r"hard(?: is it)? to (?:remove|delete|erase) (?:a|one|my|the) (?:number|name)\b|(?:^|(?<=; )|(?<=no ))removal$",
    r"(?:and|am|now|then) block(?:ing)? (?:you|this number|your number)\b",
    r"(?:^|(?<=; )|(?<=\bno ))blocking (?:you|this number|your number)\b",
    r"(?:how (?:do|can|could) i|going to|gonna|have to|i will|i am|let me) (?:block|blocking) (?:you|this number|your number)\b",
    r"(?:removing|deleting|erasing|unlisting|taking|getting|losing|removed|deleted|took|erased|lost) (?:<mine>)(?: (?:off|out|from|of|it|that|there|the|your|this|list))*$",
    r"(?:you (?:can|could|should|may)|go ahead and) (?:<lose>) (?:<number>)\b",
    unless=(
        negated,
        of_something_else,
        of_another,
        asked_about,
        lambda found: ("use" in found.said or found.said.endswith(" it")) and rather_so(found),
        lambda found: bool(re.match(r"i (gave|said|told|mentioned|just)\b", found.after)),
        lambda found: (
            bool(re.search(r"\b(i|we|he|she|they|might|may|could|will|would)$", found.before))
            and found.said.startswith(("lose", "forget", "loose", "drop"))
        ),
        lambda found: bool(
            re.match(
                r"(i|we) (have|had) (removed|deleted|taken|struck|dropped|pulled|blocked|left|kept|erased)",
                found.said,
            )
        ),
        lambda found: bool(
            re.match(
                r"(i|we) (removed|deleted|taken|took|struck|dropped|pulled|blocked|erased|left|kept)",
                found.said,
            )
        ),
    ),
)
_NUMBER_FOUND = Frame.of(
    "asks to have the number removed",
    r"(?:how|where|who)\b.{0,30}\b(?:got|get|gave)\b.{0,12}\bnumber\b.{0,12}\b(?:delete|remove|erase|purge|destroy|lose) it\b",
    unless=(negated,),
)
_REGISTERED = Frame.of(
    "names the do-not-call list",
    r"(?:do|to) not (?:be )?(?:call|called|contact)(?: me)? (?:number|list|lists|registry|register|database|law|laws)\b",
    r"(?:do not|no|not to|never|not) (?:call|contact|bother|disturb) (?:list|registry|lists|register)\b",
    r"(?:put|add|mark|mark down|flag|place|list|get|place|set|register|note|on|am|are) (?:<mine> |it |this |down |as |on |to |in |the |your |a |registered |for |number |national )*(?:do not|no) (?:call|contact)\b(?! (?:<whom>))",
    r"(?:number|line|phone) (?:is |has been |on |registered |in |as |for )+(?:the |a )?(?:national )?(?:do not call|no call|do not contact)\b",
    r"(?:on|in|with) the (?:national |federal |state |government )?(?:do not call )?registry\b",
    r"(?:d n c|dnc)\b",
    unless=(
        asked_about,
        lambda found: bool(
            re.search(
                r"\b(are|is|am) (you|my|my number|i|it)( still| even)?( on)?( the| your| any| a)?$",
                found.before,
            )
        ),
        lambda found: bool(
            re.search(r"\bnot on (any|the|your|a)?$|\bnot( \w+)? on$", found.before)
        ),
        lambda found: bool(re.search(r"\b(am|are|is) not( on| in)?( \w+)?$", found.before)),
        lambda found: bool(re.match(r"(is|are|am|was) (this|my|it|you|i|your)\b", found.before)),
        lambda found: bool(re.match(r"(for|of) (?!calls|do|people|your)", found.after)),
        lambda found: bool(
            re.search(r"\b(was|were|used to be)( on)?( the| your| a)?$", found.before)
            and re.search(r"\b(it is|that is|i am|we are) (fine|ok|okay|off)\b", found.after)
        ),
        lambda found: bool(
            re.match(r"(apply|applies|work|works|mean|means|is for)\b", found.after)
        ),
    ),
)
_OPT_OUT = Frame.of(
    "opts out",
    r"(?:opt|opts|opted|opting)(?: (?:me|us|my number|this number))?(?: (?:out|outs|off|doubt))\b",
    r"press(?:ed|ing)? (?:nine|9)\b(?! (?:for|by|to what))",
    r"(?:unsubscribe|unsubscribed|unsubscribing|blacklist)\b(?! from)",
    r"(?:cancel|end|stop) (?:my|our|this|the) subscription to (?:<calls>|(?:these|your|the|all) <calls>)",
    unless=(
        negated,
        asked_about,
        of_something_else,
        lambda found: bool(re.match(r"of being recorded\b", found.after)),
        lambda found: (
            bool(re.search(r"\b(i|we) (have |already |had )*$", found.before + " "))
            and found.said.startswith("unsubscribed")
        ),
    ),
)
_CONSENT = Frame.of(
    "withdraws consent",
    r"(?:revok|withdraw|withdr|rescind|cancel|tak\w* back|pull)\w*(?: back)?(?: my| our| any| all| the)? (?:consent|permission|authorization)\b",
    r"(?:consent|permission)(?: is| has been)? (?:revoked|withdrawn|cancelled|canceled|rescinded)\b",
    r"(?:not|never|no|nobody|who)(?: \w+){0,2} (?:have|has|gave|given|give|giving|grant|granted|got)(?: (?:you|anyone|anybody|any|my|our|your|the|them))* (?:consent|permission)\b",
    r"not consent(?:ed)? to (?:these|this|the|any|your|being|be|get|getting)?",
    r"not (?:authorized|permitted|allowed|welcome) to (?:<contact>)\b",
    r"without (?:my|our) (?:consent|permission)\b",
    unless=(
        lambda found: "record" in f"{found.said} {found.after}",
        lambda found: bool(
            re.match(
                r"(to (?!be|receive|get|call|contact|phone|ring|text|use|keep|store|have my|dial)|from )",
                found.after,
            )
        ),
        asked_about,
    ),
)
_LEAVE_ALONE = Frame.of(
    "asks to be left alone",
    r"(?:leave|let) (?:me|us|my family|my (?:<relative>)|our family|him|her|them) (?:alone(?! decide| choose| with| to)|be(?= (?:and|or|now|already|you|i|stop|from)\b|$)|in peace)\b",
    r"leave (?:this|my|our|that) (?:number|phone|line|house|home|household) (?:alone|in peace|be$)\b",
    r"(?:^|(?<=; )|(?<=and )|(?<=or ))(?:do not|never) (?:ever )?come back(?: here)?$",
    r"(?:this|you|that|these calls|i consider this|calls)(?: (?:is|are|people|just|now|guys|has become|have become|becoming))* (?:harassment|harassing|stalking|spamming)\b",
    r"(?:want|like|prefer|need|wish|ask|asking|rather)(?: to)?(?: just)? be left (?:alone|in peace|be)\b",
    r"(?:not|never) want (?:anything|nothing|something) to do with (?:you|this|your)\b",
    r"(?:lay|back) off$",
    unless=(
        negated,
        lambda found: bool(re.search(r"\b(tenants?|she|he|they|dog|cat)$", found.before)),
        lambda found: (
            bool(re.search(r"\b(not|never|to|needs?|wants?|could|would|i|we|they)$", found.before))
            and found.said.startswith(("leave", "let"))
            and not re.search(
                r"\b(you|please|need you to|want you to|ask you to|asking you to|told you to|tell you to|like you to)( to)?( just| please)?$",
                found.before,
            )
        ),
        lambda found: bool(re.match(r"(my|our|the) ", found.after)) and "harass" in found.said,
    ),
)
_LAW = Frame.of(
    "threatens with the law",
    r"cease and desist\b(?! (?:letter )?(?:from|on|about|for) (?!you))",
    r"(?:report|reporting|reported|sue|suing) (?:you|your|this (?:number|call|company)|these calls)\b",
    r"(?:file|filing|make|making|lodge) (?:a )?complaint(?: (?:with|to|about|against))?(?: the)? (?:ftc|fcc|f t c|f c c|attorney|federal|state|government|bbb|better business|you|your|police)\b",
    r"(?:if|next time|every time|the next|one more|another|again)\b.{0,60}\b(?:call|calls|calling|contact|rings?|phone|called)\b.{0,60}\b(?:sue|suing|lawyer|attorney|police|cops|report|complaint|regret|authorities|see what happens|court|fcc|ftc)\b",
    r"next (?:call|one)\b.{0,60}\b(?:sue|suing|lawyer|attorney|police|cops|report|complaint|authorities|court|fcc|ftc)\b",
    r"call (?:me |us |here )?(?:again|one more time|once more)(?: ever)? and\b",
    r"(?:lawyer|attorney|police|cops|sue|regret|complaint|report)\b.{0,40}\b(?:if|next time) (?:you|this number|anyone)\b.{0,20}\b(?:call|ring|contact|phone|text)\b",
    r"(?:violat\w+|breaking|against|in violation of)(?: of)? (?:the )?(?:law|do not call|tcpa|t c p a|telephone consumer|federal law|my rights)\b",
    r"(?:call|calling|contact|contacting|go to)(?: the)? (?:attorney general|fcc|ftc|f c c|f t c|police|cops) (?:on|about) you\b",
    r"(?:under|rights|violation|violations|violates|know)(?: \w+){0,2} (?:tcpa|t c p a)\b|(?:tcpa|t c p a) (?:violation|violations)\b",
    r"(?:this|it|that)(?: is| be)(?: \w+)? illegal (?:call|for (?:you|a robot|robots|an ai|a machine|machines|a computer) to (?:<contact>))\b|(?:<contacting>)(?: <whom>)? illegally\b",
    r"make me block you\b|(?:you are|consider yourself|i have|i am) block(?:ed|ing)(?: you| this)?$",
    r"if i(?: ever)? hear from you(?: \w+){0,3} (?:again|time)\b",
    r"registry\b.{0,40}\bi am on (?:it|that|there)\b",
    r"calling a (?:registered|do not call|private|protected)(?: \w+)? (?:number|line|phone)\b",
    unless=(
        lambda found: (
            bool(
                re.search(
                    r"\b(sent|send|got|received|served|gave|hoa|neighbor|city)( \w+){0,2}$",
                    found.before,
                )
            )
            and found.said.startswith("cease")
            and not re.search(r"\byou\b", found.before)
        ),
        lambda found: bool(re.search(r"\b(i|we|they|he|she) (was|were|got|had)$", found.before)),
    ),
)

REMOVAL_FRAMES = (
    _OFF_THE_LIST,
    _NUMBER_FOUND,
    _FORGOTTEN,
    _REGISTERED,
    _OPT_OUT,
    _CONSENT,
    _LEAVE_ALONE,
    _LAW,
)
"""Every frame about lists, numbers and rights."""
