"""Secrets that have to be read again: kept in the database so that a copy of it tells nothing."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "seal", "unseal"]


def seal(secret: str, *, purpose: str) -> str:
    """Return a secret as it is kept in the database.

    Args:
        purpose: what is sealed, such as "calls.webhook"; each purpose has a key of its own.
    """
    return _fernet(purpose).encrypt(secret.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return a secret that was sealed.

    Raises:
        InvalidToken: it was sealed with another key or for another purpose, or changed. After a
            change of SECRET_KEY the old one belongs in SECRET_KEY_FALLBACKS.
    """
    return _fernet(purpose).decrypt(sealed.encode()).decode()


def _fernet(purpose: str) -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_key(str(secret), purpose)) for secret in keys])


def _key(secret: str, purpose: str) -> bytes:
    # SECRET_KEY has at least 50 random characters: it needs no slow derivation, only a purpose.
    digest = hashlib.sha256(f"{purpose}:".encode() + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)
