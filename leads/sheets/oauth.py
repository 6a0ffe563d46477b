"""A user lets us use their Google Sheets: OAuth 2.0 with PKCE, for a web server.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import requests
import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from leads.models import GoogleAccount, SheetLink
from leads.sheets.accounts import SCOPES, seal, unseal
from leads.sheets.client import TIMEOUT_S
from leads.sheets.errors import SheetsError, SheetsRefused

logger = structlog.get_logger(__name__)

_ASKED: Final = ("openid", "email", *SCOPES)


@dataclass(frozen=True, slots=True)
class Start:
    """Where to send the user, and what to remember until they come back."""

    url: str
    state: str
    verifier: str


def is_set_up() -> bool:
    """Whether users can connect accounts of their own."""
    return bool(
        settings.ENV.google_oauth_client_id
        and settings.ENV.google_oauth_client_secret.get_secret_value()
    )


def connect_begin(*, redirect_uri: str) -> Start:
    """Return the address at which Google asks the user."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = {
        "client_id": settings.ENV.google_oauth_client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(_ASKED),
        "access_type": "offline",
        # Only a fresh consent brings a refresh token.
        "prompt": "consent",
        "state": state,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    base = settings.ENV.google_accounts_base_url
    return Start(f"{base}/o/oauth2/v2/auth?{urlencode(query)}", state, verifier)


def connect_finish(
    *, user: AbstractBaseUser, code: str, verifier: str, redirect_uri: str
) -> GoogleAccount:
    """Exchange the code that Google has sent for a permission that lasts, and keep it sealed.

    Raises:
        SheetsError: Google did not give it; says what to do.
    """
    answer = _post(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "client_id": settings.ENV.google_oauth_client_id,
            "client_secret": settings.ENV.google_oauth_client_secret.get_secret_value(),
        },
    )
    token = answer.get("refresh_token")
    if not token:
        raise SheetsRefused("Google gave no lasting permission: connect the account again.")
    account, _ = GoogleAccount.objects.update_or_create(
        user_id=user.pk,
        defaults={
            "email": _email_of(str(answer.get("id_token", ""))),
            "refresh_token": seal(str(token)),
            "refused_at": None,
        },
    )
    return account


def disconnect(*, account: GoogleAccount) -> int:
    """Give the permission back. Sheets that were used with it are paused; returns how many."""
    try:
        _post("/revoke", {"token": unseal(account.refresh_token)})
    except Exception as error:
        # It is deleted here in any case, which is what the user wants.
        logger.warning("google_revoke_failed", error=type(error).__name__)
    with transaction.atomic():
        paused = SheetLink.objects.filter(account=account, state=SheetLink.State.ACTIVE).update(
            state=SheetLink.State.PAUSED,
            error="The Google account it was used with was disconnected.",
        )
        account.delete()
    return paused


def _post(path: str, fields: dict[str, str]) -> dict[str, Any]:
    try:
        answer = requests.post(
            f"{settings.ENV.google_oauth_base_url}{path}", data=fields, timeout=TIMEOUT_S
        )
        body = answer.json()
    except requests.RequestException as error:
        logger.warning("google_sign_in_unreachable", error=type(error).__name__)
        raise SheetsError("Google's sign-in cannot be reached: try again.") from None
    if not answer.ok:
        logger.warning("google_sign_in_refused", status=answer.status_code)
        raise SheetsRefused(
            "Google did not accept the sign-in: begin again. If it goes on, check "
            "GOOGLE_OAUTH_CLIENT_ID, its secret, and the redirect address in the Cloud console."
        )
    return body if isinstance(body, dict) else {}


def _email_of(id_token: str) -> str:
    """Return the address in an ID token. It came from Google itself, over TLS: not checked again.

    https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation (point 6)
    """
    try:
        claims = id_token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return str(json.loads(base64.urlsafe_b64decode(padded)).get("email", ""))[:254]
    except (IndexError, ValueError):
        return ""
