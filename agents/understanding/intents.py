"""What a lead wants with a sentence, apart from answers: yes, no, busy, wrong number, and so on."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Intent(StrEnum):
    """What a sentence does in the talk."""

    YES = "yes"
    NO = "no"
    NOT_INTERESTED = "not_interested"
    HOSTILE = "hostile"
    SOLD = "sold"
    BUSY = "busy"
    CALLBACK = "callback"
    WRONG_NUMBER = "wrong_number"
    NO_RECORDING = "no_recording"
    HUMAN = "human"
    MEET = "meet"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    THIRD_PERSON = "third_person"
    CHILD = "child"
    REPEAT = "repeat"
    WHY = "why"
    HELLO = "hello"
    HOLD = "hold"
    DO_NOT_KNOW = "do_not_know"
    DECLINES = "declines"
    CORRECTION = "correction"
    GOODBYE = "goodbye"
    MACHINE = "machine"


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


_VALUE = (
    r"(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d+|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|months?|years?|weeks?|house|condo)"
)

_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"

# Each list from the surest wording to the least sure; the number is the confidence of a match.
_SURE = 0.95
_LIKELY = 0.75

_PATTERNS: Mapping[Intent, tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]] = {
    Intent.NOT_INTERESTED: (
        _compiled(
            r"\bnot( \w+)? interested( in)?\b(?! in (a lower|less|your commission))",
            r"\bno interest\b",
            r"\bnot( \w+){0,2} (looking|planning|going|ready|trying|wanting|thinking) (to|of|about) (sell|selling)\b",
            r"\bnot( \w+)? want(ing)? to sell\b|\bnot selling\b|\bnot for sale\b|\bnever (going to )?sell",
            r"\bnot in the market\b|\bno longer (selling|interested|looking)\b",
            r"\b(changed (my|our) minds?|decided not to( sell)?|decided against)\b",
            r"\bwhen hell freezes\b|\bover my dead body\b|\bnot in a million years\b|\bhell no\b",
            r"\bwe are staying(?! (in|at|with|for|here for|only)\b)|\bstaying put\b|\bhappy where (we|i) (are|am)\b",
        ),
        _compiled(
            r"^(no|nope|nah)( \w+)? (thanks|thank you)( \w+)?( \w+)?$",
            r"\bnot for (me|us)\b|\bno need\b|\bwe are (all )?(good|set)\b|\bi am (all )?(good|set)\b$",
            r"\bnot (really )?(want|need) (any of )?(this|that|it|your (help|service|services))\b",
            r"\b(do not|not) bother\b|\bwaste of (my )?time\b|\bwasting (your|my) time\b",
        ),
    ),
    Intent.SOLD: (
        _compiled(
            r"\b(we|i)( have)?( just)?( already)? sold (it|the (house|home|place|property)|(our|my) (house|home|place|property))\b(?!.*\b(years|last time|once)\b)",
            r"\b(house|home|it|property|place) (is|was|has been|is all|got) (already |just )?sold\b|\balready sold\b",
        ),
        (),
    ),
    Intent.HOSTILE: (
        _compiled(
            r"\b(fuck|piss|screw|bugger|buzz) (off|you)\b|\bgo to hell\b|\bget lost\b|\bgo away\b",
            r"\b(asshole|bastard|bitch|idiot|moron)\b|\bshut up\b|\bkiss my\b|\bshove it\b",
        ),
        (),
    ),
    Intent.WRONG_NUMBER: (
        _compiled(
            r"\bwrong (number|person|guy|lady|house|phone|party)\b",
            r"\b(nobody|no one|no such person|no \w+|no body) (here )?(by|with|of|called|named) (that|this|the) name\b",
            r"\b(nobody|no one|no body) (here )?(called|named|by)\b|\bno such person\b",
            r"\bnot (live|living) here( anymore)?\b|\bnot at this number\b",
            r"\b(had|have|got) this (number|phone|line) (for|since|about|over|almost|just|only)\b|\b(just|recently) (got|changed) (this|a new|my) (number|phone)\b|\b(new|different) owner of this number\b",
            r"\bwhoever (you are|it is|that is|you want|she is|he is)\b|\bused to (have|be) (his|her|their|somebody|someone) \w* ?(number|phone)\b|\b(he|she|they) (used to|no longer|does not|do not) have (this|that) number\b",
            r"\bi am not (him|her|that person|the (person|owner|one)|who you)\b",
            r"\b(never heard of|do not know) (him|her|that person|anyone by|anybody by|any such)\b",
            r"\b(do|does|did) not own (a|any|the|that) (house|home|property|place)\b",
        ),
        _compiled(
            r"\b(she|he|they) (moved|passed)( \w+)?( away)?\b(?!.*\b(so|and) (we|i)\b)",
            r"\bi (am|rent)( just)? (a |the )?(tenant|renter|renting)\b(?!.*\bout\b)|\bi (just )?rent (here|it|this)\b",
        ),
    ),
    Intent.NO_RECORDING: (
        _compiled(
            r"\b(not|stop|quit|without) (\w+ ){0,3}(record|recording|recorded)\b|\bno recordings?\b",
            r"\bturn (off|it off)( the)? record|\bturn the record\w* off\b|\b(turn|switch|shut) (that|it|this|that thing|the thing) off\b|\bstop (taping|recording)\b|\b(do|would) not (want|like) (to be |being )?(taped|on tape)\b",
        ),
        (),
    ),
    Intent.BUSY: (
        _compiled(
            r"\b(i am|we are|am|too|very|really|pretty|kind|bit|little|super) (\w+ )?busy\b|\bbusy (right now|now|at the moment|today)\b|^busy$",
            r"\b(bad|not a good|not the best|not a great|terrible|awkward|inconvenient|poor|horrible|wrong) (time|moment)\b",
            r"\b(not|no|never) (\w+ )?time (right now|now|for this|today|to talk|at the moment|at this)\b|\b(not|no) (really |got |have |have any |any )*time$",
            r"\b(i am|we are|am) (\w+ )?(driving|at work|working(?! with| for| on)|in a meeting|at the (doctor|store|office|hospital|gym|dentist)|on my way|on the road|cooking|eating|having (dinner|lunch|breakfast)|in the middle|on another (call|line)|on the other line|about to|in the car|at dinner|at lunch|out (right now|at the moment)|walking|shopping|running late|feeding|sleeping|asleep|in class|at school|at church)\b",
            r"\b(can not|can i not|not able to|unable to) (really )?(talk|speak|chat|do this)\b",
            r"\bwith (a |my |the )?(client|clients|customer|customers|patient|boss|doctor)\b|\b(was|were) (just )?(sleeping|asleep|napping|in bed)\b|\bit is (dinner|lunch|supper|bed) ?time\b",
            r"\b(sitting|sat|sit) down (to|for) (eat|dinner|lunch|supper|breakfast|a meal)\b|\b(putting|getting|giving|picking|dropping) (up )?(the |my |our )?(baby|kids?|children|son|daughter|dog|toddler)\b|\b(heading|walking|running|stepping) (out|in|into|to)\b",
            r"\bcaught me at|\bi have to (go|run|leave)\b|\b(i )?(got|need) to (go|run|leave)\b(?!.*\bhouse\b)|\bin a (hurry|rush|meeting)\b",
        ),
        _compiled(
            r"\bnot (right )?now\b|\bnot at the moment\b|\bnot today\b",
            r"(?<!the )\b(later(?! one| time| slot)|another time|some other time|other time|some time else|different time)\b",
        ),
    ),
    Intent.CALLBACK: (
        _compiled(
            r"(?<!not )(?<!never )\b(call|phone|ring|try|reach|get|contact|catch|buzz)( (me|us|him|her|my \w+))? (back|again|later|another|tomorrow|tonight|today|this|next|on|at|in|after|around|when|some|monday|tuesday|wednesday|thursday|friday|saturday|sunday|before|by|any|first)\b",
            r"\b(you|please|better|just) (\w+ )?(call|phone|ring) my (son|daughter|husband|wife|brother|sister|mother|father|mom|dad)\b",
            r"\b(could|can|would|will|please|just|maybe|better) (you )?(please |just |maybe )?(call|phone|ring)( me| us)?$",
            r"\b(talk|speak|chat) (\w+ )?(later|tomorrow|another|some other)\b",
            r"\b(call|phone|ring) (me|us) (\w+ )?(later|tomorrow|tonight|monday|tuesday|wednesday|thursday|friday|saturday|sunday|back|instead|then)\b",
        ),
        _compiled(
            r"\b(call me|call back|callback|ring me)\b",
            r"\b(use|try|call|on|ring) (my|the) (cell|mobile|other|home|house)( \w+)?\b",
        ),
    ),
    Intent.HUMAN: (
        _compiled(
            r"\b(talk|speak|chat|deal)( \w+)? (to|with) (a |an |some |your |the )?(real |actual |live |human )?(person|human|someone|somebody|people|manager|supervisor|representative|agent|operator|being)\b",
            r"\b(get|give|put|transfer|connect)( me| us)?( \w+)? (a |an |to a |to an |through to a )?(real |actual |live )?(person|human|representative|operator|agent on)\b",
            r"^(a )?(real person|human|representative|operator|agent)( please)?$",
            r"\bnot (want to )?(talk|talking|speak|speaking) (to|with) (a |an )?(robot|machine|computer|bot|ai)\b",
        ),
        (),
    ),
    Intent.MEET: (
        _compiled(
            r"\b(book|schedule|arrange|make|set up|set) (\w+ )?(an? )?(appointment|meeting|visit|time|viewing)\b",
            r"\b(come|stop|swing|drop) (by|over|out|see)\b|\bcome (and |to )?(see|look)\b|\bsend (someone|somebody|an agent)\b",
            r"\b(like|want|love|happy|willing|ready) to meet\b|\bwhen can (we|you|they|someone) (meet|come)\b",
        ),
        (),
    ),
    Intent.RESCHEDULE: (
        _compiled(
            r"\b(reschedul\w*|rebook\w*|re schedule)\b",
            r"\b(move|change|switch|push|shift|bump|swap)( \w+){0,2} (appointment|meeting|visit|time|day|date|booking|viewing|showing|slot|slots|it to|that to|it back|it out|it up)\b",
            r"\b(move|push|bump|shift|switch|change) (it|that|this|us|me|mine)\b(?! (down|in|out of|away))",
            rf"\b(can|could|will|am) not( be able to| going to be able to)? (make|do|keep|attend)( it| that| the| our| my)?( \w+)?( (appointment|meeting|visit|on|{_WEEKDAY}|tomorrow|today|anymore|after all|then|time))?\b(?!.*\b(payment|mortgage|offer|decision|talk|stairs)\b)",
            r"\b(different|another|new|other|better) (time|day|date|slot) (for|than)\b.*\b(appointment|meeting|visit|that|it)\b",
            r"\bsomething (has |is |just )?(came|come) up\b|\b(appointment|meeting|visit)\b.*\b(does|will|is|are) not (work|suit|good|going to work)\b",
        ),
        (),
    ),
    Intent.CANCEL: (
        _compiled(
            r"\b(cancel|cancelling|canceling)\b(?!.*\b(listing|contract|insurance|policy|subscription|service)\b)|\bcall (it|the (appointment|meeting|visit)) off\b|\bcall off\b",
            r"\b(not|no longer)( \w+){0,3} (need|want|needing|wanting|keep)( \w+){0,3} (appointment|meeting|visit|viewing)\b",
            r"\b(drop|scrap|forget|skip|scratch) (the|my|our|that) (appointment|meeting|visit|viewing)\b",
        ),
        (),
    ),
    Intent.CHILD: (
        _compiled(
            r"\b(my|mine) (mommy|daddy|mummy)\b|\b(mommy|mummy|daddy)\b.*\b(phone|home|here|shower|asleep|sleeping|work|busy)\b|^(mommy|mom|daddy|dad) (mom|mommy|dad|daddy|phone|it is)\b",
            r"\bi am (only |just )?(four|five|six|seven|eight|nine|ten|eleven|twelve|4|5|6|7|8|9|10|11|12)( and a half)?( years old)?$",
            r"\bi am (only |just )?(a kid|a child|a little (kid|boy|girl)|in (first|second|third|fourth|fifth|sixth) grade|the (kid|babysitter))\b|\bi am (their|her|his) (little )?kid\b",
            r"\b(not|never) (supposed|allowed) to (talk|speak|answer)\b|\b(my )?(mom|dad|mother|father|parents|grandma) (is|are) (not (home|here)|in the (shower|bath|garage|yard|basement)|at (work|the store)|asleep|sleeping|outside|upstairs|busy|out)\b",
        ),
        (),
    ),
    Intent.THIRD_PERSON: (
        _compiled(
            r"\b(he|she|they) (is|are)( \w+)? (not (home|here|in|available|around|back)|out( of town)?|at (work|church|school|the (store|doctor|gym|hospital|office))|in (class|school|a meeting|bed)|away|asleep|sleeping|in the (shower|bath|garage|yard|hospital)|working|busy|on (vacation|another call)|deployed|traveling|gone)\b",
            r"\b(take|leave|give (him|her|them)|pass (on|along)) (a |the |your )?message\b|\b(want|need|like) me to (tell|get|ask) (him|her|them)\b",
            r"\b(he|she) (handles|deals with|does|takes care of) (that|this|all that|the house|the real estate)\b",
        ),
        _compiled(
            r"\b(this is|i am|it is|you got|you have got) (his|her|their) (wife|husband|son|daughter|mother|father|mom|dad|sister|brother|partner|roommate|assistant|secretary|caregiver|nurse|aunt|uncle|boyfriend|girlfriend|fiancee?|friend|in law|mother in law|nephew|niece|grandson|granddaughter)\b",
            r"\b(you (want|would want|need|should|can|might want)|you will (want|have|need)|you would (want|have|need)|you are looking for|better|just)( to)?( (talk|speak) (to|with)| ask| call)? my (wife|husband|mother|father|mom|dad|son|daughter|brother|sister|roommate)\b(?! first)",
        ),
    ),
    Intent.REPEAT: (
        _compiled(
            r"\b(repeat|rephrase)\b|\bsay (that|it|this) (\w+ )?again\b|\bsay again\b|\b(once|one) more time\b|\bcome again\b",
            r"\bwhat (times?|days?|options?|choices) (was|were|are) (those|these|they|it|that)\b|\bwhat (was|were|is|are) (the|those) (first|second|last|other|times?|options?|days?)\b|\bwhich (day|time|one) (was|did|is)\b|\b(wait|sorry) (which|what) (day|time)\b",
            r"\bwhat (did|was) (you|that|it)( say| saying)?\b(?! (about|for))",
            r"\b(did not|can not|could not|can hardly|can barely|not) (\w+ )?(hear|catch|understand|get|make out)( you| that| it| what)?\b(?!.*\b(agent|offer|price|house|money)\b)",
            r"^(what|pardon|pardon me|sorry|excuse me|huh|sorry what|i am sorry|i beg your pardon|come again|eh|what now|say what|beg your pardon)$",
            r"\bspeak (up|louder|slower|more slowly|slowly)\b|\b(too fast|slow down|breaking up|cutting out)\b",
        ),
        (),
    ),
    Intent.WHY: (
        _compiled(
            r"\bwhy (do|would|are|should|does|is) (you|i|that|it)( \w+)? (ask|asking|need|want|know|tell|matter|care|important|to know)\b",
            r"\bwhat (do you need|is) (that|this|it) for\b|\bwhy (that|this)( question)?$|^why( do you ask)?$",
            r"\b(none|any) of your (business|concern)\b|\bnot your (business|concern)\b|\bwhy (does|would|should) (that|it) matter\b|\bwhat is it to you\b",
        ),
        (),
    ),
    Intent.DECLINES: (
        _compiled(
            r"\b(rather not|prefer not|not want to|not going to|not comfortable|not willing to|would not) (say|tell|answer|share|saying|discuss|disclose|give)\b|\brather not\b",
            r"\bnot (telling|saying|sharing|discussing|giving|disclosing)( you| anyone| a stranger| that| out)?\b|\bkeep that to (myself|ourselves)\b",
            r"\b(none of your|not your) business\b|\b(that is|it is) (private|personal)\b|\b(pass|skip( it| that)?|next question)$",
        ),
        (),
    ),
    Intent.DO_NOT_KNOW: (
        _compiled(
            r"\b(do|did|would) not (really |quite |actually |even )?(know|have any idea|have a clue)\b",
            r"\b(could|can) not (really |even )?(tell|say)( you)?\b|\b(have|going|got) to (wait and )?see$|\bwe will see\b|\bno (idea|clue)\b|\bnot (\w+ )?(sure|certain|decided|thought about)\b|\bnot (\w+ )?thought\b|\bhave not decided\b",
            r"\b(hard|difficult|tough) to say\b|\bdepends\b|\bwho knows\b|\bno particular\b|\bunsure\b|\bundecided\b",
        ),
        _compiled(r"\bmaybe\b|\bperhaps\b|\bi guess\b|\bpossibly\b|\bkind of$"),
    ),
    Intent.CORRECTION: (
        _compiled(
            r"\b(i|we) (said|meant|mean|told you)\b|\bi mean\b|\b(that is|that was|you are|it is) (not right|wrong|not correct|incorrect|not what i)\b",
            r"\bcorrection\b|\bactually\b|\bsorry (i|it|that|no|make|one|two|three|four|five|six|seven|eight|nine|ten|\d+)\b|\bmake that\b|\bno wait\b|\b(you (misheard|misunderstood|got (it|that) wrong|heard wrong))\b|\blet me correct\b",
            r"\bnot (\w+ )?(days?|weeks?|months?|years?|bedrooms?)\b.*\b(it is|that is|but|more like)\b",
            rf"\b{_VALUE} not (a |an |on )?{_VALUE}$",
        ),
        (),
    ),
    Intent.HOLD: (
        _compiled(
            r"^(\w+ ){0,2}(hold on|hang on|wait|one (moment|second|sec|minute)|(just )?a (moment|second|sec|minute)|give me a (second|moment|minute|sec)|bear with me|let me (see|think|check|look))( (please|a (moment|second|minute|sec)|for (me|a second|a moment)|one (second|moment|minute)|second|let me \w+( \w+)?))*$",
            r"\b(let me|i will|i am going to)( go)? (get|go get|grab|find|fetch|put)( you)? (him|her|them|my (wife|husband|mom|dad|mother|father))( on| for you)?$",
        ),
        (),
    ),
    Intent.HELLO: (
        _compiled(
            r"^(oh |yes |yeah )?(hello|hi|hey|good (morning|afternoon|evening)|howdy)( (hello|hi|there|ava|yes|this is \w+|who is (this|that)|anybody there|anyone there|are you there|are you still there|speaking))*$",
            r"^(yes )?(this is|speaking|it is)( (he|she|him|her|me|speaking|\w+))?$",
            r"\bare you (still )?there\b|\b(anybody|anyone) there\b|\bcan you hear me\b",
        ),
        (),
    ),
    Intent.GOODBYE: (
        _compiled(
            r"\b(good ?bye|bye( bye)?|see (you|ya)|take care|have a (good|nice|great) (day|one|evening|night))\b"
        ),
        (),
    ),
    Intent.MACHINE: (
        _compiled(
            r"\b(leave|record) (a|your|me a|us a) (\w+ )?(message|name)\b|\b(after|at) the (tone|beep|signal)\b",
            r"\b(you have|you) reached (the |our |my )?(voicemail|voice|mailbox|\w+ \w+ (at|please))\b|\b(not|un)( \w+)? ?(available|able) to (take|come to|answer|get to) (your|the) (call|phone)\b",
            r"\b(mailbox is full|voicemail box|forwarded to|press (one|1|pound)|the person you (are|have)|the (number|subscriber) you (have )?(dialed|dialled|are))\b",
        ),
        (),
    ),
}

_YES_SURE = _compiled(
    r"^(\w+ ){0,2}(yes|yeah|yessir|yep|yup|sure|absolutely|definitely|certainly|correct|right|exactly|okay|"
    r"of course|uh_huh|affirmative|indeed|totally|perfect|great|wonderful|lovely|excellent|awesome|fantastic|terrific|fine|si|aye|go ahead|please do)\b(?! not)",
    r"\b(that is|that would be|that will be|that|it is|this is|sounds|looks|seems|is|works|would be) (\w+ )?(right|correct|true|good|great|fine|perfect|okay|all right|wonderful|nice)\b",
    r"\b(that|this|it|which|sure|sense) (works|makes sense|will do|would work|will work)\b|\bmakes sense\b|\bwhy not\b",
    r"\b(i|we) (do|am|are|have|would|can|could|will)$|\bgo (ahead|on|for it)\b|\bplease (do|go ahead)\b(?! not)",
    r"\b(have|got|spare) (a |an |some |two |one |five |ten |couple |few |\w+ )*(minutes?|moments?|seconds?|time|sec)\b",
    r"\b(i|we) can (talk|speak)\b|\bgood time\b|\bnot a problem\b|\bno problem\b|\bnot at all\b|\bi guess so\b|\bi think so\b|\bi suppose( so)?\b",
    r"(?<!\bthe )(?<!\bsay )(?<!\bnot )\b(yes|yeah|yep|yup)$|^(that is it|that is the one|right on|bingo|spot on|you got it|dead on|let us do it|works for me)\b|\b(love to|like that|happy to|would like( that| to)?|sounds good|you bet(cha)?|roger that|ten four|(good|great|perfect) timing|by all means|for sure|all right|i agree|do it|book it)\b",
)
_NO_SURE = _compiled(
    r"^(\w+ ){0,1}(no|nope|nah|nuh_uh|negative)\b",
    r"\bnot (really|yet|anymore|any longer|at all|now|right now|at the moment|currently|particularly|today|quite|true|right|correct|that i know|so far|exactly)\b",
    r"\b(i|we|it|that|there|he|she|they) (do|does|did|am|are|is|have|has|would|can|will|should)( \w+)? not\b",
    r"\b(none|neither|never|not a chance|no way|absolutely not|said no|told you no|definitely not|of course not|not interested|i doubt it|not necessarily)\b",
    r"\b(afraid|think|hope|guess|suppose) not\b",
    r"(?<!\bor )(?<!\bis )(?<!\ba )\b(no|nope|nah)$",
)
# The last word of mixed answers counts: "yeah nah" is no, "no yeah" is yes.
_MIXED_NO = _compiled(
    r"\b(yeah|yes|yep|well|sure|okay) (but )?(nah|no|nope|not)\b",
    r"\b(yeah|yes) (i )?(do not|am not|have not) (think|want|really)\b",
    r"^(sure|right|okay|yeah|yes) (but )?(not|i am not|we are not|i do not|no)\b",
    r"\bnot (a )?(good|great|right|okay|fine|sure|correct|perfect|work|working)\b|\b(does|do|will|would|is|did) not (work|sound|suit|fit)\b",
)
_MIXED_YES = _compiled(
    r"\b(no|nah) (yeah|yes|yep|sure|that is (fine|okay|right|good|correct)|it is (fine|okay|good))\b",
    r"^(no|nah)\b.*\b(actually|on second thought|i mean)( \w+)? (yes|yeah|yep|maybe)$",
    r"\b(would|could|can|will) not (hurt|mind|be bad)\b|\bdo not mind( if i do)?$|\bhow could i (say no|resist)\b",
    r"^(no )?(no problem|not a problem|not at all|no worries|why not)\b",
    r"^(yes|yeah|sure|okay) (not a problem|no problem|no worries|why not)\b|\b(can not|could not) be better\b",
    r"^no (i do not mind|not at all|go ahead|please go|that is fine|i am free|i have (time|a (minute|moment)))\b",
)


def intents_in(words: str) -> dict[Intent, float]:
    """Return what the normalised words do, each with a confidence 0-1. Yes and no exclude each
    other."""
    found: dict[Intent, float] = {}
    for intent, (sure, likely) in _PATTERNS.items():
        if any(pattern.search(words) for pattern in sure):
            found[intent] = _SURE
        elif any(pattern.search(words) for pattern in likely):
            found[intent] = _LIKELY
    found.update(_yes_or_no(words))
    return found


def refuses_recording(words: str) -> bool:
    """Tell whether normalised words refuse the recording: all that the guard asks of them."""
    sure, likely = _PATTERNS[Intent.NO_RECORDING]
    return any(pattern.search(words) for pattern in (*sure, *likely))


def _yes_or_no(words: str) -> dict[Intent, float]:
    if any(pattern.search(words) for pattern in _MIXED_YES):
        return {Intent.YES: _LIKELY}
    if any(pattern.search(words) for pattern in _MIXED_NO):
        return {Intent.NO: _LIKELY}
    no = any(pattern.search(words) for pattern in _NO_SURE)
    yes = any(pattern.search(words) for pattern in _YES_SURE)
    if no and yes:
        # Whichever is said first leads: "yes, we do not have one" agrees, "no, that's right" denies.
        first_no = min(m.start() for p in _NO_SURE if (m := p.search(words)))
        first_yes = min(m.start() for p in _YES_SURE if (m := p.search(words)))
        return {Intent.NO if first_no <= first_yes else Intent.YES: 0.6}
    if no:
        return {Intent.NO: _SURE if len(words.split()) <= 6 else _LIKELY}
    if yes:
        return {Intent.YES: _SURE if len(words.split()) <= 6 else _LIKELY}
    return {}
