"""One attempt to send a webhook: to a public address, under a time-out, following nobody.

Whoever may enter an address could otherwise make this machine speak with what stands beside it:
a database's port, a cloud's metadata. So the name is resolved here, every address it has must be
public (`WEBHOOKS_ALLOW_PRIVATE` is for receivers inside one's own network), and the connection
goes to the address that was checked, with the certificate checked for the name: an answer of the
name server that changes in between changes nothing. Redirects are not followed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from calls.policy.webhooks import is_public

PATIENCE_S = (3.0, 10.0)
"""To connect, and to be answered."""
PATIENCE_EMBEDDED_S = (1.0, 2.0)
"""Without workers the dialer's process sends: calls must not wait for it long."""
_GONE = 410


class WebhookRefused(ValueError):  # noqa: N818 - says what happened
    """Nothing is sent to such an address. The message says what to change."""


class WebhookFailed(Exception):  # noqa: N818 - says what happened
    """An attempt did not succeed.

    Attributes:
        status: HTTP status of the answer; `None` when there was none.
        permanent: another attempt cannot help.
        host_fails: the host itself is away or overwhelmed, whatever was asked of it.
    """

    def __init__(self, text: str, *, status: int | None = None, permanent: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.permanent = permanent
        self.host_fails = not permanent and (status is None or status == 429 or status >= 500)


def url_check(url: str) -> SplitResult:
    """Return the parts of an address to which webhooks may be sent, as far as it can be seen.

    Raises:
        WebhookRefused: it is no https:// address, or holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookRefused(
            "This is no address: write one like https://crm.example.com/hook."
        ) from None
    schemes = {"https", "http"} if settings.ENV.webhooks_allow_private else {"https"}
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise WebhookRefused("Write an address that begins with https://, such as "
                             "https://crm.example.com/hook.")  # fmt: skip
    if parts.username is not None or parts.password is not None:
        raise WebhookRefused("Leave name and password out: each webhook is signed instead.")
    return parts


def webhook_post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """Send it once, and return the status of the answer, 200 to 299. What is answered is not read.

    Raises:
        WebhookFailed: it was not taken, or may not be sent there.
    """
    try:
        parts = url_check(url)
    except WebhookRefused as error:
        raise WebhookFailed(str(error), permanent=True) from None
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    pool = _pool(parts.scheme, host, _address(host, port), port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        answer = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "Host": parts.netloc},
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        status = int(answer.status)
        answer.close()
    except HTTPError as error:
        raise WebhookFailed(f"{host} could not be reached ({type(error).__name__}).") from None
    finally:
        pool.close()
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise WebhookFailed(
            f"Answered with {status}: redirects are not followed. Enter the final address.",
            status=status,
        )
    raise WebhookFailed(f"Answered with {status}.", status=status, permanent=status == _GONE)


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebhookFailed(f"The name {host} is not known.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if settings.ENV.webhooks_allow_private:
        return addresses[0]
    if not all(is_public(address) for address in addresses):
        raise WebhookFailed(
            f"{host} is an address of a private network. Webhooks go to public ones only.",
            permanent=True,
        )
    return addresses[0]


def _pool(scheme: str, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
    connect, read = PATIENCE_S if settings.REDIS_URL else PATIENCE_EMBEDDED_S
    timeout = urllib3.Timeout(connect=connect, read=read)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=timeout,
        maxsize=1,
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,
        server_hostname=host,
        assert_hostname=host,
    )
