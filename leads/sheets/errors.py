"""What can go wrong with Google Sheets, in a manager's words, and whether waiting helps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

_SHARE = "Share the sheet with {who} as an editor (as a viewer, if only contacts come in)."


class SheetsError(Exception):
    """Google Sheets did not do what was asked: the message says why and what to do.

    `permanent` is whether asking again is of no use until a person has done something.
    """

    permanent = False


class SheetsRefused(SheetsError):  # noqa: N818 - says what happened
    """Something has to be put right first: access, the address, a column."""

    permanent = True


class SignInRefused(SheetsRefused):
    """Google no longer accepts the account's permission."""

    def __init__(self) -> None:
        super().__init__("Google no longer accepts the sign-in: connect the account again.")


class SheetsUnclear(SheetsError):  # noqa: N818 - says what happened
    """A request that must not be repeated blindly has no answer: read before writing again."""


class SheetsLater(SheetsError):  # noqa: N818 - says what happened
    """The quota is used up, or Google asks to wait: nothing failed, go on at `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"Google Sheets asks to wait until {at:%H:%M:%S} UTC.")
        self.at = at


def refusal(status: int, body: Mapping[str, object], *, who: str) -> SheetsError:
    """Return the error for a final answer of the API.

    Args:
        status: of HTTP.
        body: its "error" object, if it has one.
        who: address of the account that asked.

    https://developers.google.com/workspace/sheets/api/troubleshoot-api-errors
    """
    message = str(body.get("message", ""))
    if status == 401:
        return SignInRefused()
    if status == 403 and "SERVICE_DISABLED" in json.dumps(body, default=str):
        return SheetsRefused(
            "The Google Sheets API is not switched on in the Google Cloud project of the account. "
            "Enable it in the Cloud console under APIs & Services, then try again."
        )
    if status == 403 and "protected" in message:
        return SheetsRefused("A cell that must be written is protected in the sheet: unprotect it.")
    if status == 403:
        return SheetsRefused(f"The sheet may not be used. {_SHARE.format(who=who)}")
    if status == 404:
        return SheetsRefused(
            f"There is no such sheet, or it is not shared. {_SHARE.format(who=who)}"
        )
    if status == 400 and "not supported for this document" in message:
        return SheetsRefused(
            "This is an Excel file in Google Drive. Open it and choose File, Save as Google Sheets."
        )
    if status == 400:
        return SheetsRefused(f"Google does not accept what was asked: {message[:160]}")
    if status == 429:
        return SheetsError("Google's limit of requests is used up for now.")
    if status >= 500:
        return SheetsError(f"Google Sheets has a problem of its own (HTTP {status}).")
    return SheetsRefused(f"Google answers HTTP {status}: {message[:160]}")
