"""What the carrier's refusals mean: try again, never this number again, or stop the campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["retry", "number", "campaign"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows from one error of the carrier.

    `verdict` is "retry" (it passes: the lead waits and no attempt is counted), "number" (another
    attempt for this number cannot succeed) or "campaign" (no call can succeed until a person has
    put it right: the campaign pauses). `words` tell that person what it is.
    """

    verdict: Verdict
    words: str


def _meanings(verdict: Verdict, **words: str) -> dict[int, Meaning]:
    return {int(code.removeprefix("e")): Meaning(verdict, text) for code, text in words.items()}


# https://www.twilio.com/docs/api/errors
MEANINGS: dict[int, Meaning] = {
    **_meanings(
        "retry",
        e10004="the account has as many calls on the line as it may",
        e20429="too many requests at once",
        e21220="the call was in no state to be changed",
    ),
    **_meanings(
        "number",
        e13223="it is not a telephone number",
        e13224="the number is invalid, or the carrier does not call it",
        e13225="the number must not be called",
        e13226="its country code does not exist",
        e13227="the account's geographic permissions do not allow it",
        e21201="no number was given",
        e21211="the number is not valid",
        e21214="the number cannot be reached",
        e21215="the account's geographic permissions do not allow it",
        e21216="the account may not call this number",
        e21217="it is not a telephone number",
        e21219="a trial account calls verified numbers only",
        e21610="the person has opted out at the carrier",
    ),
    **_meanings(
        "campaign",
        e10001="the account is not active",
        e10002="a trial account may not do this",
        e20001="a parameter of the request is not allowed",
        e20003="the account's credentials are wrong",
        e20005="the account is suspended",
        e20006="the account may not do this",
        e20008="these are test credentials",
        e21203="the account may not call abroad",
        e21205="our public address is not one the carrier accepts",
        e21210="the caller number is not verified",
        e21212="the caller number is not valid",
        e21213="there is no caller number",
        e21609="our public address is not one the carrier accepts",
    ),
}
OPTED_OUT = 21610


class CarrierError(Exception):
    """The carrier said no.

    Attributes:
        code: Twilio's error code, or the HTTP status where it gave none; 0 when it could not be
            reached at all.
        permanent: another attempt for this number cannot succeed.
        stops_campaign: no call of this campaign can succeed until a person has put it right.
    """

    def __init__(
        self, code: int, text: str, *, permanent: bool = False, stops_campaign: bool = False
    ) -> None:
        super().__init__(f"carrier error {code}: {text}")
        self.code = code
        self.permanent = permanent
        self.stops_campaign = stops_campaign


class CarrierUnclear(CarrierError):  # noqa: N818 - says what happened
    """The request may have been carried out or not: its answer was lost, or an error of theirs."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(code, text)


class CarrierDown(CarrierError):  # noqa: N818 - says what happened
    """Not tried: the carrier has failed too often in a row. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(0, "not tried, the carrier is failing; it is asked again shortly")


class CallUnknown(CarrierError):  # noqa: N818 - says what happened
    """The carrier knows no such call (HTTP 404), or it has ended."""

    def __init__(self, sid: str) -> None:
        super().__init__(20404, f"no call {sid}", permanent=True)


class CarrierBusy(CarrierError):  # noqa: N818 - says what happened
    """Not carried out, for a reason that passes: unreachable, or too many requests."""


def error_of(status: int, code: int | None) -> CarrierError:
    """Return what an HTTP status and Twilio's error code mean for us.

    A code that is not in the table is judged by its status: what they could not do is unclear,
    too many requests pass, no access stops the campaign, and any other refusal is tried again
    later, up to the campaign's own limit.
    """
    code = code or status
    if status >= 500:
        return CarrierUnclear(f"HTTP {status}", code)
    meaning = MEANINGS.get(code)
    words = f"HTTP {status}" if meaning is None else meaning.words
    if status == 429 or (meaning is not None and meaning.verdict == "retry"):
        return CarrierBusy(code, words)
    if meaning is None:
        return CarrierError(
            code, words, permanent=status == 404, stops_campaign=status in {401, 403}
        )
    return CarrierError(
        code,
        words,
        permanent=meaning.verdict == "number",
        stops_campaign=meaning.verdict == "campaign",
    )
