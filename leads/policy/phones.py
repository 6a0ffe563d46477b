"""A telephone number as it was typed, turned into E.164, and what it tells about its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from leads.policy.places import state_of_postal_code, zones_of_state

_TOO_SHORT = phonenumbers.ValidationResult.TOO_SHORT
_PROBLEMS = {
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "it begins with no known country code",
    _TOO_SHORT: "it has too few digits",
    phonenumbers.ValidationResult.TOO_LONG: "it has too many digits",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
    phonenumbers.ValidationResult.INVALID_LENGTH: "it has a wrong number of digits",
}
_TYPES = phonenumbers.PhoneNumberType
_LINE_TYPES = {
    _TYPES.MOBILE: "mobile",
    _TYPES.FIXED_LINE: "fixed",
    _TYPES.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    _TYPES.VOIP: "voip",
    _TYPES.TOLL_FREE: "toll_free",
    _TYPES.UNKNOWN: "",
}


class InvalidPhone(ValueError):  # noqa: N818 - says what is wrong, and is a contract
    """A number that cannot be called. The message names its problem and never the number."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"This is not a telephone number: {problem}. "
            "Write it with its area code, or with + and the country code."
        )


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid number.

    `region` is the country code of its numbering plan ("US", "GB"), `time_zones` are all IANA
    zones its prefix can be in, empty when unknown. `line_type` is a `Lead.LineType`, empty when
    the number does not tell; US numbers do not tell mobiles from landlines.
    """

    e164: str
    region: str
    time_zones: tuple[str, ...]
    line_type: str


def phone_parse(raw: str, *, region: str = "US") -> Phone:
    """Return the number that was typed.

    Args:
        raw: anything a person writes: "(212) 555-0123", "+44 20 7946 0123".
        region: country whose numbers may be written without their country code.

    Raises:
        InvalidPhone: with what is wrong with it.
    """
    if not raw.strip():
        raise InvalidPhone("it is empty")
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone(_parse_problem(error)) from None
    if number.extension:
        raise InvalidPhone("it has an extension, which the dialer cannot press")
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in _PROBLEMS:
        raise InvalidPhone(_PROBLEMS[reason])
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone("no such number is in use in its country")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    zones = (*timezone.time_zones_for_number(number), *_zones_by_area_code().get(e164[:5], ()))
    return Phone(
        e164=e164,
        region=phonenumbers.region_code_for_number(number) or "",
        time_zones=tuple(
            dict.fromkeys(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)
        ),
        line_type=_LINE_TYPES.get(phonenumbers.number_type(number), "other"),
    )


@cache
def _zones_by_area_code() -> Mapping[str, tuple[str, ...]]:
    """Return every zone of each area code of +1 that lies in several, such as Florida's 850.

    A mobile number is bought in one exchange and carried through the whole area, so that the
    exchange alone says too little.
    """
    zones: dict[str, set[str]] = {}
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            zones.setdefault(f"+{prefix[:4]}", set()).update(names)
    return {area: tuple(sorted(names)) for area, names in zones.items() if len(names) > 1}


def phone_region(e164: str) -> str:
    """Return the country code by which a call to a number is priced; "" if unknown."""
    number = phonenumbers.parse(e164)
    return phonenumbers.region_code_for_number(number) or ""


def candidate_zones(
    number_zones: tuple[str, ...], *, state: str = "", postal_code: str = ""
) -> tuple[str, ...]:
    """Return every zone a lead may be in: those of the address first, then the number's.

    A moved lead keeps the old number, so neither source rules the other out; of a state and a
    postal code that contradict each other, both may be true.
    """
    states = (state, state_of_postal_code(postal_code))
    address = (zone for code in states if code for zone in zones_of_state(code))
    return tuple(dict.fromkeys((*address, *number_zones)))


def _parse_problem(error: phonenumbers.NumberParseException) -> str:
    kinds = phonenumbers.NumberParseException
    return {
        kinds.INVALID_COUNTRY_CODE: "it begins with no known country code",
        kinds.NOT_A_NUMBER: "it holds no number",
        kinds.TOO_SHORT_AFTER_IDD: "it ends after the international prefix",
        kinds.TOO_SHORT_NSN: "it has too few digits",
        kinds.TOO_LONG: "it has too many digits",
    }.get(error.error_type, "it cannot be read")
