"""The carrier: Twilio's REST API through its SDK, and the signatures of its webhooks.

`TWILIO_API_BASE_URL` decides who answers; nothing here knows or cares who that is. All calls
block (the SDK is synchronous): from async code, use a thread.

What may be retried is decided here, and done in `calls.carrier_requests`. Reading, hanging up and
cancelling are safe to repeat.
Creating a call is not: Twilio has no idempotency key for it, so an answer that is lost is
`CarrierUnclear` and for reconciliation to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from calls.carrier_errors import (
    OPTED_OUT,
    CallUnknown,
    CarrierBusy,
    CarrierDown,
    CarrierError,
    CarrierUnclear,
)
from calls.carrier_requests import (
    TIMEOUT_S,
    circuit,
    client,
    credentials,
    guarded,
    preload,
    repeated,
)

__all__ = [
    "OPTED_OUT",
    "CallUnknown",
    "CarrierBusy",
    "CarrierCall",
    "CarrierDown",
    "CarrierError",
    "CarrierUnclear",
    "CarrierUsage",
    "Dial",
    "call_cancel",
    "call_create",
    "call_end",
    "call_fetch",
    "call_redirect",
    "calls_between",
    "calls_list",
    "circuit",
    "leg_create",
    "preload",
    "public_url",
    "recording_delete",
    "recording_fetch",
    "recordings_price",
    "signature_is_valid",
    "stream_signature_is_valid",
    "usage_fetch",
]

NOT_IN_PROGRESS = 21220
"""What an update of a call that has ended is answered with."""


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier sees it."""

    sid: str
    status: str
    to: str
    from_: str
    created_at: datetime | None
    duration_s: int | None
    """Billed seconds; `None` while it lasts or when nobody answered."""
    answered_by: str
    price: Decimal | None = None
    """USD billed for the line; `None` until the carrier knows it, seconds to hours after."""


@dataclass(frozen=True, slots=True)
class CarrierUsage:
    """What the account used of something on some days."""

    quantity: Decimal
    """In the carrier's unit: minutes, calls, numbers."""
    price: Decimal
    """USD."""


@dataclass(frozen=True, slots=True)
class Dial:
    """What is asked of the carrier for one outbound call. Addresses are absolute."""

    to: str
    from_: str
    twiml_url: str
    status_url: str
    amd_url: str
    """Empty: no answering-machine detection."""
    recording_url: str
    """Empty: the carrier does not record."""
    ring_seconds: int
    max_seconds: int


def public_url(path: str) -> str:
    """Return the address at which the carrier reaches a path of ours."""
    return f"{settings.ENV.public_base_url}{path}"


def signature_is_valid(*, path: str, parameters: Any, signature: str) -> bool:
    """Whether a webhook was signed by the carrier for this path (with its query string).

    The address is built from `PUBLIC_BASE_URL`: headers of the request, X-Forwarded-… too, are
    the sender's to choose. Either of two tokens fits while the account's are being changed.
    Source: https://www.twilio.com/docs/usage/security#validating-requests
    """
    return _is_signed(public_url(path), parameters, signature)


def stream_signature_is_valid(signature: str) -> bool:
    """Whether the handshake of a media stream was signed by the carrier."""
    return _is_signed(settings.ENV.media_stream_url, {}, signature)


def _is_signed(url: str, parameters: Any, signature: str) -> bool:
    return bool(signature) and any(
        RequestValidator(token).validate(url, parameters, signature)
        for token in settings.ENV.twilio_auth_tokens
    )


def call_create(dial: Dial) -> CarrierCall:
    """Ask the carrier to dial. Never repeated by itself.

    Raises:
        CarrierUnclear: it may be dialling.
        CarrierError: it is surely not dialling.
    """
    optional: dict[str, Any] = {}
    if dial.amd_url:
        # DetectMessageEnd reports the machine only at the beep; a person who answers is
        # reported as soon as they have spoken, and the talk never waits for either.
        optional |= {
            "machine_detection": "DetectMessageEnd",
            "async_amd": "true",
            "async_amd_status_callback": dial.amd_url,
            "async_amd_status_callback_method": "POST",
        }
    if dial.recording_url:
        optional |= {
            "record": True,
            "recording_channels": "dual",
            "recording_status_callback": dial.recording_url,
            "recording_status_callback_event": ["completed", "absent"],
            "recording_status_callback_method": "POST",
        }

    def post() -> CarrierCall:
        return _view(
            client().calls.create(
                to=dial.to,
                from_=dial.from_,
                url=dial.twiml_url,
                method="POST",
                status_callback=dial.status_url,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=dial.ring_seconds,
                time_limit=dial.max_seconds,
                **optional,
            )
        )

    return guarded(post)


def leg_create(
    *, to: str, from_: str, url: str, status_url: str, ring_seconds: int, max_seconds: int
) -> CarrierCall:
    """Ring somebody of ours: a telephone, or a browser (`client:rep_5`). Never repeated by itself.

    Raises:
        CarrierUnclear: it may be ringing.
        CarrierError: it is surely not ringing.
    """

    def post() -> CarrierCall:
        return _view(
            client().calls.create(
                to=to,
                from_=from_,
                url=url,
                method="POST",
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=["completed"],
                timeout=ring_seconds,
                time_limit=max_seconds,
            )
        )

    return guarded(post)


def call_fetch(sid: str) -> CarrierCall:
    """Return the call as the carrier has it.

    Raises:
        CallUnknown: it has no such call.
        CarrierError: it could not be asked.
    """
    return repeated(lambda: _view(client().calls(sid).fetch()), sid)


def call_end(sid: str) -> CarrierCall:
    """End a call, in whatever state it is. One that has ended already is a success.

    Raises:
        CallUnknown: there is no such call.
        CarrierError: it could not be ended.
    """
    # "completed" also ends a call that is queued or ringing
    # (https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource).
    return repeated(lambda: _view(client().calls(sid).update(status="completed")), sid)


def call_cancel(sid: str) -> CarrierCall:
    """End a call that is queued or ringing. One that was picked up meanwhile goes on.

    Raises:
        CallUnknown: there is no such call, or it has ended.
        CarrierError: it could not be cancelled.
    """
    return repeated(lambda: _view(client().calls(sid).update(status="canceled")), sid)


def call_redirect(sid: str, *, url: str, seconds: int) -> CarrierCall:
    """Have a live call follow other instructions from now on; its media stream ends.

    Args:
        url: where the instructions are fetched.
        seconds: the call's greatest length from its answer on, in place of the earlier one.

    Raises:
        CallUnknown: there is no such call, or it has ended.
        CarrierError: it could not be told.
    """

    def post() -> CarrierCall:
        try:
            return _view(client().calls(sid).update(url=url, method="POST", time_limit=seconds))
        except TwilioRestException as error:
            if error.code == NOT_IN_PROGRESS:
                raise CallUnknown(sid) from None
            raise

    return repeated(post, sid)


def calls_list(*, to: str, since: datetime, limit: int = 20) -> list[CarrierCall]:
    """Return the calls to a number that were made since a moment, newest first.

    Not filtered by StartTime on their side: a call that still waits in a queue has none.
    """
    found = repeated(lambda: [_view(c) for c in client().calls.list(to=to, limit=limit)], "")
    return [call for call in found if call.created_at is None or call.created_at >= since]


def calls_between(*, since: datetime, until: datetime, limit: int = 50_000) -> list[CarrierCall]:
    """Return every call, in and out, that began between two moments.

    Raises:
        CarrierError: the list could not be read.
    """

    def read() -> list[CarrierCall]:
        rows = client().calls.stream(
            start_time_after=since, start_time_before=until, page_size=1000, limit=limit
        )
        return [_view(row) for row in rows]

    found = repeated(read, "")
    # The filters of the API go by the day in places: the exact moment is judged here.
    return [call for call in found if call.created_at is None or since <= call.created_at <= until]


def recording_fetch(url: str, *, limit_bytes: int = 200_000_000) -> bytes:
    """Return the sound of a recording made by the carrier, as WAV.

    Raises:
        CarrierError: it could not be fetched, or is larger than the limit.
    """

    def get() -> bytes:
        response = requests.get(
            f"{url}.wav",
            params={"RequestedChannels": "2"},
            auth=credentials(),
            timeout=TIMEOUT_S,
            stream=True,
        )
        if response.status_code != 200:
            raise TwilioRestException(response.status_code, url, "cannot fetch the recording")
        sound = bytearray()
        for block in response.iter_content(1 << 16):
            sound += block
            if len(sound) > limit_bytes:
                raise CarrierError(0, "the recording is larger than allowed", permanent=True)
        return bytes(sound)

    return repeated(get, url)


def recording_delete(sid: str) -> None:
    """Delete a recording at the carrier. One that is not there is a success.

    Raises:
        CarrierError: it could not be deleted.
    """
    try:
        repeated(lambda: client().recordings(sid).delete(), sid)
    except CallUnknown:
        return


def recordings_price(sid: str) -> Decimal | None:
    """Return the USD billed for a call's recordings by the carrier; `None` until known.

    Raises:
        CarrierError: it could not be asked.
    """

    def ask() -> list[Decimal | None]:
        # An absent recording has no sound, and no price will ever come for it.
        return [
            _billed(row.price, row.price_unit)
            for row in client().recordings.list(call_sid=sid, include_soft_deleted=True, limit=20)
            if row.status != "absent"
        ]

    prices = repeated(ask, sid)
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if prices and len(known) == len(prices) else None


def usage_fetch(category: str, *, first: date, last: date) -> CarrierUsage | None:
    """Return what the account used of a category on some days of UTC; `None` without a bill.

    Args:
        category: of the carrier's usage records, such as "answering-machine-detection".

    Raises:
        CarrierError: it could not be asked.
    """

    def ask() -> list[CarrierUsage]:
        rows = client().usage.records.list(
            category=category, start_date=first, end_date=last, limit=1
        )
        prices = [(row, _billed(row.price, row.price_unit)) for row in rows]
        return [
            CarrierUsage(Decimal(str(row.usage or 0)), price)
            for row, price in prices
            if price is not None
        ]

    found = repeated(ask, category)
    return found[0] if found else None


def _view(call: Any) -> CarrierCall:
    return CarrierCall(
        sid=str(call.sid),
        status=str(call.status),
        to=str(call.to or ""),
        from_=str(getattr(call, "_from", "") or ""),
        created_at=call.date_created,
        duration_s=int(call.duration) if call.duration not in (None, "") else None,
        answered_by=str(call.answered_by or ""),
        price=_billed(call.price, call.price_unit),
    )


def _billed(price: str | float | None, unit: str | None) -> Decimal | None:
    """Return a bill in USD; the carrier writes what we owe as a negative number.

    A bill in another currency is no price that the ledger could hold.
    """
    if price in (None, "") or str(unit or "USD").upper() != "USD":
        return None
    return abs(Decimal(str(price)))
