"""With whose permission Google Sheets are used: the service account's, or a user's own (OAuth)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from leads import sealing
from leads.models import GoogleAccount, SheetLink
from leads.sealing import InvalidToken
from leads.sheets.errors import SheetsRefused

_PURPOSE: Final = "leads.sheets.refresh-token"
SCOPES: Final = ("https://www.googleapis.com/auth/spreadsheets",)


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks: credentials, and the names that Google counts requests by."""

    credentials: Any
    email: str
    project: str
    user: str


def account_of(link: SheetLink) -> Account:
    """Return the account that a link is used with.

    Raises:
        SheetsRefused: it is not set up, or no longer valid; says what to do.
    """
    return service() if link.account is None else own(link.account)


def service() -> Account:
    """Return the service account of GOOGLE_SERVICE_ACCOUNT_FILE.

    Raises:
        SheetsRefused: there is none, or its file cannot be read.
    """
    path = settings.ENV.google_service_account_file
    if not path:
        raise SheetsRefused(
            "No Google service account is set up: put its key file on the server and name it in "
            "GOOGLE_SERVICE_ACCOUNT_FILE, or connect your own Google account."
        )
    try:
        info = json.loads(Path(path).read_text(encoding="utf-8"))
        credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            info, scopes=list(SCOPES)
        )
    except OSError as error:
        raise SheetsRefused(
            f"GOOGLE_SERVICE_ACCOUNT_FILE cannot be read: {error.strerror}."
        ) from None
    except (ValueError, TypeError, AttributeError):
        raise SheetsRefused(
            "GOOGLE_SERVICE_ACCOUNT_FILE is not the key file of a service account: download it "
            "again from the Google Cloud console (Keys, Add key, JSON)."
        ) from None
    email = str(info.get("client_email", ""))
    project = str(info.get("project_id", "")) or email
    return Account(credentials, email, project=project, user=email)


def own(account: GoogleAccount) -> Account:
    """Return a user's own account.

    Raises:
        SheetsRefused: it has to be connected again.
    """
    again = "Connect the Google account again: its permission is no longer valid."
    if account.refused_at is not None:
        raise SheetsRefused(again)
    try:
        token = unseal(account.refresh_token)
    except InvalidToken:
        # SECRET_KEY was changed and the old one is not among SECRET_KEY_FALLBACKS.
        raise SheetsRefused(again) from None
    env = settings.ENV
    credentials = user_credentials.Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=token,
        token_uri=f"{env.google_oauth_base_url}/token",
        client_id=env.google_oauth_client_id,
        client_secret=env.google_oauth_client_secret.get_secret_value(),
        scopes=list(SCOPES),
    )
    project = env.google_oauth_client_id.partition("-")[0]
    return Account(credentials, account.email, project=project, user=str(account.pk))


def seal(token: str) -> str:
    """Return a token as it is kept in the database."""
    return sealing.seal(token, purpose=_PURPOSE)


def unseal(sealed: str) -> str:
    """Return a token that was sealed.

    Raises:
        InvalidToken: it was sealed with another key, or changed.
    """
    return sealing.unseal(sealed, purpose=_PURPOSE)
