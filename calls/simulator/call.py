"""A call as the carrier keeps it: what was asked for, what became of it, what Twilio shows."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from calls.simulator.line import Line
from calls.simulator.persona import Persona

if TYPE_CHECKING:
    from calls.simulator.recordings import Recording

API_VERSION = "2010-04-01"
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
# USD a started minute, US numbers; streams and recordings are billed apart.
PRICE_PER_MINUTE = {"outbound-api": Decimal("0.0140"), "outbound-dial": Decimal("0.0140")}
INBOUND_PER_MINUTE = Decimal("0.0085")
# The price is filled in a moment after the call, so an application has to come back for it.
PRICE_AFTER_S = 1.0
SUBRESOURCES = (
    "notifications", "recordings", "payments", "events", "siprec", "streams", "transcriptions",
    "user_defined_message_subscriptions", "user_defined_messages",
)  # fmt: skip


def new_sid(prefix: str) -> str:
    """Return a fresh identifier such as Twilio's: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def rfc2822(moment: datetime | None) -> str | None:
    """Return a time as Twilio's API writes it."""
    return format_datetime(moment) if moment else None


def formatted(number: str) -> str:
    """Return a North American number as (415) 867-5309, any other as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return "({}) {}-{}".format(*found.groups()) if found else number


@dataclass
class CallRequest:
    """What the application asked for when it created the call (names as in Twilio's API)."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_callback_event: frozenset[str] = frozenset({"completed"})
    timeout_s: int = 60
    time_limit_s: int = 14_400
    record: bool = False
    recording_channels: str = "mono"
    trim: bool = True
    recording_status_callback: str = ""
    recording_status_callback_method: str = "POST"
    recording_status_callback_event: frozenset[str] = frozenset({"completed"})
    machine_detection: str = ""
    machine_detection_timeout_s: int = 30
    async_amd: bool = False
    async_amd_status_callback: str = ""
    async_amd_status_callback_method: str = "POST"


@dataclass(frozen=True)
class Event:
    """Something that happened; `at_ms` counts from the creation of the call."""

    at_ms: int
    name: str
    detail: dict[str, Any]


@dataclass
class SimulatedCall:
    """One call: its resource, its line and its history. Tests read it as `carrier.calls[sid]`."""

    account_sid: str
    to: str
    from_: str
    persona: Persona
    request: CallRequest = field(default_factory=CallRequest)
    direction: str = "outbound-api"
    parent_sid: str | None = None
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: str = "queued"
    answered_by: str | None = None
    queue_time_ms: int = 0
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    timeline: list[Event] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    line: Line | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, name: str, /, **detail: Any) -> None:
        """Add to the call's history."""
        at = datetime.now(UTC) - self.created
        self.timeline.append(Event(round(at.total_seconds() * 1000), name, detail))

    def events(self, name: str) -> list[Event]:
        """Return what happened under one name, in order."""
        return [event for event in self.timeline if event.name == name]

    def set_status(self, status: str) -> None:
        """Move to another status."""
        self.status = status
        self.updated = datetime.now(UTC)
        self.note("status", status=status)

    @property
    def is_over(self) -> bool:
        """Return whether the status is final."""
        return self.status in ENDED

    @property
    def marks_heard(self) -> list[str]:
        """Return the names of the marks whose sound was really heard, in order."""
        return [e.detail["name"] for e in self.events("mark") if e.detail["played"]]

    @property
    def said(self) -> bytes:
        """Return what the person called said, µ-law, from the moment of answering."""
        return bytes(self.line.said) if self.line else b""

    @property
    def heard(self) -> bytes:
        """Return what the person called heard, µ-law, sample for sample beside `said`."""
        return bytes(self.line.heard) if self.line else b""

    @property
    def duration_s(self) -> int:
        """Return whole seconds from answer to end, rounded up; 0 when nobody answered."""
        if self.started is None or self.ended is None:
            return 0
        return math.ceil((self.ended - self.started).total_seconds())

    @property
    def price(self) -> str | None:
        """Return the price as Twilio writes it, a negative decimal, once it is known."""
        if self.ended is None or self.status != "completed":
            return None
        if (datetime.now(UTC) - self.ended).total_seconds() < PRICE_AFTER_S:
            return None
        minutes = max(1, math.ceil(self.duration_s / 60))
        return str(-minutes * PRICE_PER_MINUTE.get(self.direction, INBOUND_PER_MINUTE))

    @property
    def path(self) -> str:
        """Return the path of the resource, without `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"

    def resource(self) -> dict[str, Any]:
        """Return the call as Twilio's REST API shows it."""
        names = {name: "".join(p.title() for p in name.split("_")) for name in SUBRESOURCES}
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": self.parent_sid,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "to": self.to,
            "to_formatted": formatted(self.to),
            "from": self.from_,
            "from_formatted": formatted(self.from_),
            "phone_number_sid": None,
            "status": self.status,
            "start_time": rfc2822(self.started),
            "end_time": rfc2822(self.ended),
            "duration": str(self.duration_s) if self.ended else None,
            "price": self.price,
            "price_unit": "USD",
            "direction": self.direction,
            "answered_by": self.answered_by,
            "annotation": None,
            "api_version": API_VERSION,
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": None,
            "queue_time": str(self.queue_time_ms),
            "trunk_sid": None,
            "uri": f"{self.path}.json",
            "subresource_uris": {n: f"{self.path}/{part}.json" for n, part in names.items()},
        }

    def webhook_params(self, status: str = "") -> dict[str, str]:
        """Return the fields every webhook about this call carries."""
        params = {
            "CallSid": self.sid,
            "AccountSid": self.account_sid,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
            "CallStatus": status or self.status,
            "ApiVersion": API_VERSION,
            "Direction": self.direction,
        }
        if self.parent_sid:
            params["ParentCallSid"] = self.parent_sid
        return params
