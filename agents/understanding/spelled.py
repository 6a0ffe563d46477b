"""Telephone numbers, e-mail addresses and names as they are said aloud, letter by letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers

from agents.understanding.words import normalised

_DIGITS: Mapping[str, str] = {
    **{
        name: str(number)
        for number, name in enumerate(
            ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
        )
    },
    **{"oh": "0", "o": "0", "nought": "0", "niner": "9", "for": "4", "to": "2", "too": "2"},
    **{"ate": "8", "won": "1", "tree": "3"},
}
_TEENS: Mapping[str, str] = {
    name: str(number)
    for number, name in enumerate(
        (
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ),
        10,
    )
}
_TENS: Mapping[str, str] = {
    name: str(number)
    for number, name in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2
    )
}
_REPEATS: Mapping[str, int] = {"double": 2, "triple": 3}
_HUNDRED = ("hundred",)
_ONLY_IN_NUMBERS = frozenset({"for", "to", "too", "ate", "won", "tree", "o"})
"""Homophones of digits: they count only between other digits."""


def phone_in(text: str, *, region: str = "US") -> str:
    """Return the telephone number said in `text`, E.164; "" if there is no valid one."""
    for run in _digit_runs(normalised(text)):
        for digits in (run, run[-10:]) if len(run) > 10 else (run,):
            try:
                number = phonenumbers.parse(digits, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return ""


def _digit_runs(words: str) -> Iterator[str]:
    """Yield every run of digits, however they were said: "five one two triple five oh one"."""
    run, repeat = "", 1
    tokens = _tens_joined(re.sub(r"(?<=\d)[-.](?=\d)", "", words).split())
    for token in [*tokens, ""]:
        digits = _as_digits(token, inside=bool(run))
        if token in _REPEATS:
            repeat = _REPEATS[token]
        elif digits:
            run += digits * repeat
            repeat = 1
        elif run and token in _HUNDRED:
            run += "00"
        elif token not in ("area", "code", "dash", "and", "then", "uh", "um", "hyphen"):
            if len(run) >= 10:
                yield run
            run, repeat = "", 1


def _tens_joined(tokens: Sequence[str]) -> list[str]:
    """Return the words with "twenty two" as one number."""
    joined: list[str] = []
    for token in tokens:
        tens = _TENS.get(joined[-1]) if joined else None
        ones = _DIGITS.get(token, "")
        if tens and ones and ones != "0" and token not in _ONLY_IN_NUMBERS:
            joined[-1] = tens + ones
        else:
            joined.append(token)
    return joined


def _as_digits(token: str, *, inside: bool) -> str:
    if token.isdecimal():
        return token
    if token in _ONLY_IN_NUMBERS and not inside:
        return ""
    if token in _TENS:
        return f"{_TENS[token]}0"
    return _DIGITS.get(token) or _TEENS.get(token, "")


_WRITTEN = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SIGNS: Mapping[str, str] = {
    "dot": ".",
    "point": ".",
    "period": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
_AT = re.compile(r"\bat (?=(?:\w+ ){1,4}dot (?:com|net|org|edu|gov|us|io|co|info|biz|me|uk|ca)\b)")
_LEAD_IN_WORDS = """
is it's its my email address e mail the to a send sent me reach use try write that and so at
would be an you can for on it yeah yes sure okay no um uh name spelled
"""
_LEAD_IN = frozenset(_LEAD_IN_WORDS.split())
_AS_IN = re.compile(r"\b([a-z]) (?:as in|like|for) \w+\b")


def email_in(text: str) -> str:
    """Return the e-mail address in `text`, written or said: "maria dot lopez at gmail dot com"."""
    if written := _WRITTEN.search(text):
        return written[0].lower().strip(".")
    words = _AS_IN.sub(r"\1", normalised(text))
    match = _AT.search(words)
    if match is None:
        return ""
    local = _joined(_ending(words[: match.start()].split()))
    domain = _joined(_beginning(words[match.end() :].split()))
    return f"{local}@{domain}" if local and "." in domain else ""


def _ending(tokens: list[str]) -> list[str]:
    """Return the words at the end that belong to an address: back to the first that cannot."""
    kept: list[str] = []
    for token in reversed(tokens):
        joins = bool(kept) and kept[-1] in _SIGNS
        if token in _LEAD_IN and not (joins and token not in ("is", "at", "to")):
            break
        # Two whole words side by side are two words, unless letters or signs join them.
        whole = len(token) > 1 and token not in _SIGNS and not _is_part(token)
        if kept and whole and not joins and not _is_part(kept[-1]):
            break
        kept.append(token)
    return kept[::-1]


def _is_part(token: str) -> bool:
    if len(token) == 1 or token.isdecimal():
        return True
    return token not in _ONLY_IN_NUMBERS and bool(_as_digits(token, inside=True))


def _beginning(tokens: list[str]) -> list[str]:
    kept: list[str] = []
    for number, token in enumerate(tokens):
        kept.append(token)
        if number and tokens[number - 1] == "dot" and tokens[number + 1 : number + 2] != ["dot"]:
            break
    return kept


def _joined(tokens: list[str]) -> str:
    return "".join(
        _SIGNS.get(each) or (each not in _ONLY_IN_NUMBERS and _as_digits(each, inside=True)) or each
        for each in _tens_joined(tokens)
    )


_NAME = re.compile(
    r"\b(?:my name is|my name's|the name is|name's|you can call me|call me|this is|i am called|"
    r"it is spelled|i go by) (?P<name>[a-z]+(?: (?:[a-z] )*[a-z]+)?)\b(?!')"
)
_NO_NAME_WORDS = """
he she him her me it not a an the his their your our my busy calling speaking fine good
great okay yes no about regarding back later tomorrow today tonight again on at in for when
if after before next this that who what where why how very really kind sort one correct
right wrong ridiculous recorded harassment private still and but or from with i to please
"""
_NO_NAME = frozenset(_NO_NAME_WORDS.split())


def name_in(text: str) -> str:
    """Return the name somebody gives as theirs, "" if none is given."""
    match = _NAME.search(normalised(text))
    if match is None:
        return ""
    parts = []
    for part in match["name"].split()[:2]:
        if part in _NO_NAME:
            break
        parts.append(part.capitalize())
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Contact:
    """What a lead gives of how to reach or to call them."""

    phone: str = ""
    email: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.phone or self.email or self.name)


def contact_in(text: str) -> Contact:
    """Return the number, the address and the name given in `text`."""
    return Contact(phone_in(text), email_in(text), name_in(text))
