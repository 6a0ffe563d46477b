"""Access tokens with which a browser becomes a telephone (Twilio Voice JavaScript SDK)."""

from __future__ import annotations

from django.conf import settings
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

LIFETIME_S = 3600


class NoApiKey(Exception):  # noqa: N818 - says what is missing
    """The account has no API key set: browsers cannot be rung."""


def identity_of(user_id: int) -> str:
    """Return the name under which a user's browser is rung (`client:rep_5`)."""
    return f"rep_{user_id}"


def browsers_can_be_rung() -> bool:
    """Tell whether the account has an API key set."""
    return bool(
        settings.ENV.twilio_api_key_sid and settings.ENV.twilio_api_key_secret.get_secret_value()
    )


def access_token(*, user_id: int) -> str:
    """Return a token that lets a browser be rung for an hour, and nothing else.

    It grants incoming calls only: nobody can dial with it.
    Source: https://www.twilio.com/docs/iam/access-tokens

    Raises:
        NoApiKey: TWILIO_API_KEY_SID or TWILIO_API_KEY_SECRET is not set.
    """
    env = settings.ENV
    if not browsers_can_be_rung():
        raise NoApiKey
    token = AccessToken(
        env.twilio_account_sid,
        env.twilio_api_key_sid,
        env.twilio_api_key_secret.get_secret_value(),
        identity=identity_of(user_id),
        ttl=LIFETIME_S,
    )
    token.add_grant(VoiceGrant(incoming_allow=True))
    return str(token.to_jwt())
