"""How a request reaches the carrier: tokens, clients, time-outs, retries and the circuit.

What is asked is in `calls.carrier`, which alone uses this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import requests
from django.conf import settings
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from agents.circuit import Circuit
from calls.carrier_errors import (
    CallUnknown,
    CarrierBusy,
    CarrierDown,
    CarrierError,
    CarrierUnclear,
    error_of,
)

Result = TypeVar("Result")

TIMEOUT_S = 10.0
"""Twilio answers `POST /Calls` in under a second; ten is for a bad day of the network."""

circuit = Circuit(failures=5, rest_s=20.0, clock=time.monotonic)
"""Opens after five failures in a row that are not answers; shared by the process."""


def repeated(action: Callable[[], Result], name: str) -> Result:
    """Run a request that may be repeated: three times, with jitter between.

    Raises:
        CallUnknown: the carrier does not know what `name` names.
        CarrierError: it failed.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, CarrierUnclear | CarrierBusy)),
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        reraise=True,
    )
    try:
        result: Result = retrying(guarded, action)
        return result
    except CarrierError as error:
        if error.code in {404, 20404}:
            raise CallUnknown(name) from None
        raise


def guarded(action: Callable[[], Result]) -> Result:
    """Run one request: through the circuit, with the SDK's errors made ours."""
    if not circuit.allows():
        raise CarrierDown
    try:
        result = _with_valid_token(action)
    except CarrierError:
        circuit.succeeded()  # an answer, understood by the action itself
        raise
    except (TwilioRestException, TwilioServiceException) as error:
        ours = error_of(error.status, error.code)
        if isinstance(ours, CarrierUnclear):
            circuit.failed()
        else:
            circuit.succeeded()
        raise ours from None
    except (requests.ConnectTimeout, requests.ConnectionError) as error:
        circuit.failed()
        if _never_sent(error):
            raise CarrierBusy(0, f"not reachable: {type(error).__name__}") from None
        raise CarrierUnclear(f"connection lost: {type(error).__name__}") from None
    except (requests.RequestException, TwilioException, ValueError) as error:
        circuit.failed()
        raise CarrierUnclear(f"no usable answer: {type(error).__name__}") from None
    circuit.succeeded()
    return result


def _never_sent(error: requests.RequestException) -> bool:
    """Whether no byte of the request can have left: the connection was never made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, NewConnectionError)


def _with_valid_token(action: Callable[[], Result]) -> Result:
    """Run a request; refused for its token, once more with the account's other one.

    A request without a valid token is not carried out, so that this repeats nothing.
    """
    try:
        return action()
    except TwilioRestException as error:
        if error.status != 401 or len(settings.ENV.twilio_auth_tokens) < 2:
            raise
        _tokens.prefer_other()
        return action()


class _Tokens:
    """Which of the account's tokens is used: the first, until the carrier refuses it."""

    def __init__(self) -> None:
        self._turn = 0

    def prefer_other(self) -> None:
        """Use the next one from now on."""
        self._turn += 1

    def current(self) -> str:
        """Return the token to use."""
        tokens = settings.ENV.twilio_auth_tokens
        return str(tokens[self._turn % len(tokens)])


_tokens = _Tokens()


def credentials() -> tuple[str, str]:
    """Return the account's SID and the token to use."""
    return settings.ENV.twilio_account_sid, _tokens.current()


def preload() -> None:
    """Load the carrier's library: half a second, the first time it is used. Reaches nobody."""
    _ = client().calls


def client() -> Client:
    """Return this thread's client: a `requests` session must not be shared by threads."""
    base_url = settings.ENV.twilio_api_base_url
    key = (base_url, *credentials())
    if getattr(_local, "key", None) != key:
        sid, token = credentials()
        client = Client(sid, token, http_client=TwilioHttpClient(timeout=TIMEOUT_S))
        client.api.base_url = base_url
        _local.key, _local.client = key, client
    made: Client = _local.client
    return made


_local = threading.local()
