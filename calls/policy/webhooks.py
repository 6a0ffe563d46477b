"""How webhooks are signed, and which addresses they may go to. Pure.

Signatures follow Standard Webhooks (https://www.standardwebhooks.com, "Symmetric signatures"), so
that a receiver checks them with a library that exists.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - tells a secret from other strings
SECRET_BYTES: Final = 32
"""The standard asks for 24 to 64."""

_EMBEDS_IPV4: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""NAT64, and the old IPv4-compatible addresses: their last four bytes are where it goes."""


def secret_from(random: bytes) -> str:
    """Return a secret as people copy it.

    Args:
        random: `SECRET_BYTES` bytes from a source for secrets.
    """
    return SECRET_PREFIX + base64.b64encode(random).decode()


def signature(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature per secret that holds now.

    Args:
        timestamp: seconds since 1970 of the attempt, as in `webhook-timestamp`.

    Raises:
        ValueError: a secret is not one.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    )


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and no way into our own network.

    Loopback, private, link-local (clouds answer there with credentials), shared, multicast and
    reserved ones are not, however they are wrapped in IPv6.
    """
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in _EMBEDS_IPV4):
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"A webhook secret is {SECRET_PREFIX} and base64.") from None
