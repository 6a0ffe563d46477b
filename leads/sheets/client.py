"""gspread on our terms: its own address, a time-out on everything, quotas, retries that are safe.

gspread makes the REST calls; this is the HTTP client under it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
import structlog
from django.conf import settings
from django.utils import timezone
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from gspread.http_client import HTTPClient

from leads.sheets.accounts import Account
from leads.sheets.errors import SheetsError, SheetsLater, SheetsUnclear, SignInRefused, refusal
from leads.sheets.quota import Kind, quota_rest, quota_take

logger = structlog.get_logger(__name__)

TIMEOUT_S: Final = (5.0, 30.0)
"""Seconds to connect, and between two bytes of an answer."""
TRIES: Final = 5
_GOOGLE: Final = "https://sheets.googleapis.com"
_TEMPORARY: Final = frozenset({429, 500, 502, 503, 504})
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 64.0


class SheetsClient(HTTPClient):
    """Sends gspread's requests.

    Every request is counted in the shared quotas first. What is surely not done (429) is asked
    again after what Google says, else after 1, 2, 4 … 64 s, half of it by chance. What may have
    been done (a time-out, 5xx) is asked again only where doing it twice does nothing: everything
    but `append`.

    Args:
        account: who asks.
        patience: how long all waiting together may take; then `SheetsLater` says when to go on.
    """

    def __init__(self, account: Account, *, patience: timedelta) -> None:
        session = requests.Session()
        super().__init__(auth=account.credentials, session=session)
        self.account = account
        self.give_up_at = timezone.now() + patience
        self._bearer = _Bearer(account.credentials)
        session.auth = self._bearer

    def request(  # type: ignore[override] # gspread passes everything else by name
        self, method: str, endpoint: str, **kwargs: Any
    ) -> requests.Response:
        """Send a request, in time, and return its answer if it is a good one.

        Raises:
            SheetsLater: patience is over; nothing was done.
            SheetsRefused: a person has to put something right.
            SheetsUnclear: it may have been done, and must not be repeated blindly.
            SheetsError: Google could not do it, after all tries.
        """
        url = endpoint.replace(_GOOGLE, settings.ENV.google_sheets_base_url, 1)
        kind: Kind = "read" if method.lower() == "get" else "write"
        repeatable = not endpoint.endswith(":append")
        fresh_token = False
        for attempt in range(1, TRIES + 1):
            self._take_turn(kind)
            try:
                answer = self.session.request(method, url, timeout=TIMEOUT_S, **kwargs)
                body = answer.json()
            except requests.RequestException as error:
                wait = self._after_silence(error, attempt, repeatable)
            else:
                if answer.ok:
                    return answer
                if answer.status_code == 401 and not fresh_token:
                    fresh_token = True
                    self._bearer.forget()
                    continue
                wait = self._after_answer(answer, _error_of(body), attempt, kind, repeatable)
            self._wait(timezone.now() + timedelta(seconds=wait))
        raise SheetsError("Google Sheets did not answer after several tries.")

    def _take_turn(self, kind: Kind) -> None:
        account = self.account
        while free_at := quota_take(
            project=account.project, user=account.user, kind=kind, now=timezone.now()
        ):
            self._wait(free_at)

    def _after_answer(
        self,
        answer: requests.Response,
        body: Mapping[str, Any],
        attempt: int,
        kind: Kind,
        repeatable: bool,
    ) -> float:
        status = answer.status_code
        error = refusal(status, body, who=self.account.email or "the account")
        if status not in _TEMPORARY:
            raise error
        logger.warning("sheets_refused", status=status, attempt=attempt)
        if status != 429 and not repeatable:
            raise SheetsUnclear(str(error))
        wait = _retry_after(answer) or _backoff(attempt)
        if status == 429:
            # All processes share the quota, so that all of them wait.
            until = timezone.now() + timedelta(seconds=wait)
            quota_rest(project=self.account.project, user=self.account.user, kind=kind, until=until)
        if attempt == TRIES:
            raise error
        return wait

    def _after_silence(
        self, error: requests.RequestException, attempt: int, repeatable: bool
    ) -> float:
        logger.warning("sheets_unreachable", error=type(error).__name__, attempt=attempt)
        unsent = isinstance(error, requests.ConnectTimeout)
        if not repeatable and not unsent:
            raise SheetsUnclear("Google Sheets did not answer.") from None
        if attempt == TRIES:
            raise SheetsError("Google Sheets cannot be reached.") from None
        return _backoff(attempt)

    def _wait(self, until: datetime) -> None:
        if until > self.give_up_at:
            raise SheetsLater(until)
        time.sleep(max((until - timezone.now()).total_seconds(), 0.0))


class _Bearer(requests.auth.AuthBase):
    """Signs requests with a token, and gets a fresh one when it is over."""

    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials
        session = requests.Session()
        send: Callable[..., Any] = Request(session)
        self._send = lambda **kwargs: send(**{**kwargs, "timeout": TIMEOUT_S[1]})

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self.credentials.valid:
            try:
                self.credentials.refresh(self._send)
            except RefreshError as error:
                raise _sign_in_refused(error) from None
            except GoogleAuthError as error:
                raise requests.ConnectionError(type(error).__name__) from None
        request.headers["Authorization"] = f"Bearer {self.credentials.token}"
        return request

    def forget(self) -> None:
        """Get a fresh token for the next request."""
        self.credentials.token = None


def _error_of(body: Any) -> Mapping[str, Any]:
    """Return the "error" object of an answer; proxies answer anything."""
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {"message": str(error or body)}


def _sign_in_refused(error: RefreshError) -> SheetsError:
    if getattr(error, "retryable", False):
        return SheetsError("Google's sign-in has a problem of its own.")
    return SignInRefused()


def _backoff(attempt: int) -> float:
    longest = min(_FIRST_WAIT_S * 2.0 ** (attempt - 1), _LONGEST_WAIT_S)
    return longest * random.uniform(0.5, 1.0)


def _retry_after(answer: requests.Response) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), 0.0 without one."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - timezone.now()).total_seconds(), 0.0)
