"""What the carrier's refusals mean: try again, never this number again, or stop the campaign."""

from __future__ import annotations

# https://www.twilio.com/docs/api/errors : what another attempt cannot change.
_PERMANENT = frozenset(
    {
        13223,  # the number is not a telephone number
        13224,  # the number cannot be called
        21201,  # no To
        21211,  # To is not a valid number
        21214,  # To cannot be reached
        21215,  # the account may not call that region
        21216,  # the account may not call that number
        21217,  # To is not a telephone number
        21219,  # a trial account may not call it
        21610,  # the person has opted out
    }
)
# What concerns every call of the campaign, not this number.
_STOPS_CAMPAIGN = frozenset(
    {
        20003,  # wrong credentials
        20005,  # account suspended
        20008,  # test credentials
        21210,  # From is not verified
        21212,  # From is not a valid number
        21213,  # no From
        10001,  # account not active
        10002,  # trial account may not do this
    }
)
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
    """The carrier knows no such call (HTTP 404)."""

    def __init__(self, sid: str) -> None:
        super().__init__(20404, f"no call {sid}", permanent=True)


class CarrierBusy(CarrierError):  # noqa: N818 - says what happened
    """Not carried out, for a reason that passes: unreachable, or too many requests."""


def error_of(status: int, code: int | None) -> CarrierError:
    """Return what an HTTP status and Twilio's error code mean for us."""
    code = code or status
    if status >= 500:
        return CarrierUnclear(f"HTTP {status}", code)
    if status == 429 or code == 20429:
        return CarrierBusy(code, "too many requests")
    if status in {401, 403} or code in _STOPS_CAMPAIGN:
        return CarrierError(code, f"HTTP {status}", stops_campaign=True)
    return CarrierError(code, f"HTTP {status}", permanent=code in _PERMANENT or status == 404)
