"""Recognised speech made comparable: one spelling, no fillers, numbers as digits, near misses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from text_to_num import alpha2digit

_CONTRACTIONS = (
    (re.compile(r"\b(ca)n't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bain't\b"), "is not"),
    (re.compile(r"\bshan't\b"), "shall not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(i)'m\b"), r"\1 am"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\b(i|you|we|they|he|she|it|that|there)'d\b"), r"\1 would"),
    (re.compile(r"\b(it|that|what|who|where|there|he|she|here|when|how)'s\b"), r"\1 is"),
    (re.compile(r"\b(nobody|somebody|everybody|no one|everyone|everything|nothing)'s\b"), r"\1 is"),
    (re.compile(r"\blet's\b"), "let us"),
)
# Spellings without the apostrophe and words run together, as recognisers and chat give them.
_SPELLINGS = (
    (re.compile(r"\b(dont|dunt)\b"), "do not"),
    (re.compile(r"\bdinnae\b"), "do not"),
    (re.compile(r"\boutta\b"), "out of"),
    (re.compile(r"\b(cannot|cant)\b"), "can not"),
    (re.compile(r"\b(didnt)\b"), "did not"),
    (re.compile(r"\b(isnt)\b"), "is not"),
    (re.compile(r"\b(doesnt)\b"), "does not"),
    (re.compile(r"\b(wont)\b"), "will not"),
    (re.compile(r"\b(im)\b"), "i am"),
    (re.compile(r"\bive\b"), "i have"),
    (re.compile(r"\bthats\b"), "that is"),
    (re.compile(r"\bwhats\b"), "what is"),
    (re.compile(r"\b(wanna)\b"), "want to"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bgotta\b"), "got to"),
    (re.compile(r"\b(lemme)\b"), "let me"),
    (re.compile(r"\bgimme\b"), "give me"),
    (re.compile(r"\b(y'all|yall)\b"), "you all"),
    (re.compile(r"\b(any more)\b"), "anymore"),
    (re.compile(r"\b(yea|yeh|ya|yah|yessir|yessum|yass)\b"), "yeah"),
    (re.compile(r"\b(naw|nae|nay|nuh|nop|noo+)\b"), "no"),
    (re.compile(r"\b(gimme)\b"), "give me"),
    (re.compile(r"\b(dunno)\b"), "do not know"),
    (re.compile(r"\b(em)\b"), "them"),
    (re.compile(r"\bcolour\b"), "color"),
    (re.compile(r"\b(furst|fist|forst)(?= (one|time|slot|yin|option))"), "first"),
    (re.compile(r"\b(yin|wan)\b"), "one"),
    (re.compile(r"\b(ok|okey|okie|kay|mkay)\b"), "okay"),
    (re.compile(r"\balright\b"), "all right"),
    (re.compile(r"\b(mm|mhm|um|uh) ?-?(hm+|huh)\b|\bmhm+\b"), "uh_huh"),
    (re.compile(r"\b(uh|nuh|unh) ?-?uh\b"), "nuh_uh"),
    (re.compile(r"\bvoice mail\b"), "voicemail"),
    (re.compile(r"\bpre[ -](?=approv|qualif)"), "pre"),
    (re.compile(r"\bto ?night\b"), "tonight"),
    (re.compile(r"\b(wensday|wendsday|wednesdays?)\b"), "wednesday"),
    (re.compile(r"\bo'? ?clock\b"), "oclock"),
)
# What telephone recognition makes of the words of this trade.
_MISHEARD = (
    (re.compile(r"\bcell(?= (my|our|the|this|a|it|in|within|soon|now|right|as)\b)"), "sell"),
    (re.compile(r"\b(to|not) cell\b"), r"\1 sell"),
    (re.compile(r"\bcelling\b"), "selling"),
    (re.compile(r"\b(real tour|real tor|realter|reel tor|relator)s?\b"), "realtor"),
    (re.compile(r"\ba gent\b"), "agent"),
    (re.compile(r"\bbed ?room(s?)\b"), r"bedroom\1"),
    (re.compile(r"\bbath ?room(s?)\b"), r"bathroom\1"),
    (re.compile(r"\bcondo ?minium(s?)\b"), r"condo\1"),
    (re.compile(r"\btown (house|home)\b"), r"town\1"),
    (re.compile(r"\b(to|too)(?= (month|week|year|bedroom)s?\b)"), "two"),
    (re.compile(r"\b(for|fore)(?= (month|week|year|bedroom|hundred)s?\b)"), "four"),
    (re.compile(r"\b(ate)(?= (month|week|year|bedroom|hundred)s?\b)"), "eight"),
    (re.compile(r"\b(won)(?= (month|week|year|bedroom|hundred)s?\b)"), "one"),
    (re.compile(r"\b(free|tree)(?= (month|week|year|bedroom|hundred|thousand)s?\b)"), "three"),
    (
        re.compile(r"\bnot (interest it|interesting|interest|interests|an interested)\b"),
        "not interested",
    ),
    (re.compile(r"\bno interested\b"), "not interested"),
    (re.compile(r"\b(that is|it is|is) write\b"), r"\1 right"),
    (re.compile(r"\b(wrong) (numb are|numb|member)\b"), "wrong number"),
)
_FILLERS = re.compile(
    r"\b(um+|uhm*|er+m*|ah+|hm+|mm+|eh|och|you know what|you know|i mean(?= i)|kind of|sort of)\b"
)


@lru_cache(maxsize=512)
def normalised(text: str) -> str:
    """Return the words of `text` in one spelling: lower case, contractions open, no fillers."""
    text = text.lower().replace("’", "'").replace("‘", "'").replace("`", "'")
    # Accents are not heard: "más" and "mas", "José" and "Jose" are the same words.
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\$ ?([\d.]+) ?(k|m|thousand|million|grand)?\b", r"\1 \2 dollars", text)
    text = re.sub(r"\b(\d+)(k|am|pm)\b", r"\1 \2", text)
    text = re.sub(r"[^a-z0-9':. ]+", " ", text)
    text = re.sub(r"\.(?!\d)", " ", re.sub(r"\b([ap])\.m\.?", r"\1m", text))
    for pattern, spelling in (*_CONTRACTIONS, *_SPELLINGS):
        text = pattern.sub(spelling, text)
    text = re.sub(r"\b(\w{2,}|\d) ([ap]) m\b", r"\1 \2m", text)
    text = _FILLERS.sub(" ", text)
    text = re.sub(r"(?<![a-z])'|'(?![a-z])|:(?!\d)", " ", text)
    text = " ".join(text.split())
    for pattern, spelling in _MISHEARD:
        text = pattern.sub(spelling, text)
    return text


_ONE_AS_PRONOUN = re.compile(
    r"\b(first|second|third|last|latter|earlier|early|later|late|other|that|this|which|any|either|"
    r"no|every|each|some|the|a|good|better|new|bigger|smaller|another|right|wrong|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|morning|afternoon) one\b"
    r"(?! (bed|bedroom|bath|bathroom|story|acre|month|year|week|day|hour|hundred|thousand|million|"
    r"point|car|family))"
)


_A_MONTH = re.compile(
    r"((?:hundred|thousand|million|grand|dollars?|bucks|\d|(?:one|two|three|four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve|\w+teen|\w+ty)) )?\ban?(?= (?:month|week|year)\b)"
)


@lru_cache(maxsize=512)
def digits(words: str) -> str:
    """Return normalised words with every number in digits: "four fifty" -> "4 50".

    "one" is left alone where it stands for a thing: "the first one".
    """
    guarded = _ONE_AS_PRONOUN.sub(r"\1 thing", words)
    guarded = re.sub(r"\ba (couple|dozen)( of)?\b", r"\1", guarded)
    guarded = re.sub(r"\bcouple( of)?\b", "two", guarded)
    guarded = re.sub(r"\b(a )?few\b", "three", guarded)
    guarded = re.sub(r"\ba dozen\b", "twelve", guarded)
    guarded = re.sub(r"\b(an?)(?= (hundred|thousand|million)\b)", "one", guarded)
    # "In a month" is one; "twenty five hundred a month" is no 2501.
    guarded = _A_MONTH.sub(lambda found: found[0] if found[1] else "one", guarded)
    found: str = alpha2digit(guarded, "en", threshold=0)
    return found


def close(word: str, wanted: str) -> bool:
    """Tell whether `word` may be `wanted` misheard: same beginning, one or two letters off."""
    if word == wanted:
        return True
    shorter = min(len(word), len(wanted))
    if shorter < 5 or word[0] != wanted[0]:
        return False
    return _distance_within(word, wanted, 2 if shorter >= 8 else 1)


def _distance_within(one: str, other: str, most: int) -> bool:
    """Tell whether at most `most` letters have to be put in, left out or changed."""
    if abs(len(one) - len(other)) > most:
        return False
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, wanted in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (letter != wanted))
        if min(row) > most:
            return False
    return row[-1] <= most


_DETERMINERS = (
    frozenset({"a", "an", "some", "any", "another"}),
    frozenset({"the", "that", "this", "these", "those"}),
)


_ITSELF = frozenset({"interested", "interesting", "nothing", "something", "anything", "everything"})
"""Words that mean something else without their ending: "interested" is not "interest rates"."""


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return a word without its ending, so that "selling", "sells" and "sell" are one."""
    word = word.removesuffix("'s")
    for group in _DETERMINERS:
        if word in group:
            return min(group)
    if word in _ITSELF:
        return word
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and re.search("[aeiouy]", base):
            if base[-1] == base[-2] and base[-1] not in "lsz":
                return base[:-1]
            return base.removesuffix("e")
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


_NEGATIONS = frozenset({"not", "no", "never", "without", "neither", "nothing", "nor"})
_CIRCUMSTANCE = frozenset({"with", "at", "under", "while", "during", "until", "because"})
_GAP = 2
"""How many words may stand between two words of a trigger."""


@lru_cache(maxsize=16_384)
def _trigger_stems(trigger: str) -> tuple[tuple[str, ...], bool]:
    """Return the stems of a trigger, and whether it holds a negation itself.

    A playbook has some seven hundred triggers, and each turn looks at all of them: a cache that is
    smaller than that would be worse than none.
    """
    words = normalised(trigger).split()
    return tuple(map(stem, words)), not _NEGATIONS.isdisjoint(words)


def trigger_found(trigger: str, tokens: Sequence[str], *, tolerant: bool = False) -> bool:
    """Tell whether the words of `trigger` stand in `tokens`, in order and close together.

    A negation just before or inside the match undoes it, unless the trigger itself holds one:
    "we do not have an agent" is not "have an agent". With `tolerant`, words that are nearly the
    trigger's count too.
    """
    stems, negative = _trigger_stems(trigger)
    return _found(stems, _stems(tuple(tokens)), tokens, tolerant, negative)


@lru_cache(maxsize=512)
def _stems(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(stem, tokens))


def _found(
    wanted: Sequence[str],
    stems: Sequence[str],
    tokens: Sequence[str],
    tolerant: bool,
    negative: bool,
) -> bool:
    if not wanted or not (tolerant or wanted[0] in stems):
        return False
    for start in range(len(tokens)):
        end = _match_from(start, wanted, stems, tokens if tolerant else ())
        if end is None:
            continue
        if negative or not _denied(tokens, max(0, start - 2), end):
            return True
    return False


def _denied(tokens: Sequence[str], start: int, end: int) -> bool:
    """Tell whether a negation stands there. "Not with these rates" denies something else."""
    return any(
        token in _NEGATIONS and not (tokens[at + 1 : at + 2] and tokens[at + 1] in _CIRCUMSTANCE)
        for at, token in enumerate(tokens[start:end], start)
    )


def _match_from(
    start: int, wanted: Sequence[str], stems: Sequence[str], spelled: Sequence[str]
) -> int | None:
    """Return the end of the trigger's match that begins at `start`, if there is one.

    Args:
        spelled: the words themselves, where near misses count.
    """
    at = start
    for number, word in enumerate(wanted):
        reach = 1 if number == 0 else 1 + _GAP
        for here in range(at, min(at + reach, len(stems))):
            if stems[here] == word or (spelled and close(spelled[here], word)):
                at = here + 1
                break
        else:
            return None
    return at


def first_trigger(
    triggers: Iterable[str], tokens: Sequence[str], *, tolerant: bool = False
) -> str | None:
    """Return the first of `triggers` that is found in `tokens`."""
    return next((each for each in triggers if trigger_found(each, tokens, tolerant=tolerant)), None)


def specificity(trigger: str) -> int:
    """Return how much a trigger tells: the letters of its longest word, as heard."""
    return max((len(word) for word in _trigger_stems(trigger)[0]), default=0)
