"""What the account is billed for beside its calls: media streams, detection and numbers, by day."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from calls.simulator.call import API_VERSION, SimulatedCall

STREAMS, DETECTION, NUMBERS = (
    "calls-media-stream-minutes",
    "answering-machine-detection",
    "phonenumbers",
)
_PRICES = {STREAMS: Decimal("0.004"), DETECTION: Decimal("0.0075"), NUMBERS: Decimal("1.15")}
_UNITS = {STREAMS: "minutes", DETECTION: "calls", NUMBERS: "numbers"}


@dataclass(frozen=True)
class _Use:
    category: str
    day: date
    amount: int


def usage_records(
    account_sid: str, calls: Iterable[SimulatedCall], *, category: str, first: date, last: date
) -> list[dict[str, Any]]:
    """Return the records of one category, or of all, over the days from first to last (UTC)."""
    uses = [use for use in _uses(calls) if first <= use.day <= last]
    return [
        _record(account_sid, name, [use for use in uses if use.category == name], first, last)
        for name in ((category,) if category else tuple(_PRICES))
        if name in _PRICES
    ]


def _uses(calls: Iterable[SimulatedCall]) -> Iterable[_Use]:
    rented: set[str] = set()
    for call in calls:
        closed = [event.at_ms for event in call.events("stream_closed")]
        for opened, end in zip(call.events("stream_opened"), closed, strict=False):
            minutes = max(1, math.ceil((end - opened.at_ms) / 60_000))
            yield _Use(STREAMS, _day(call, opened.at_ms), minutes)
        for event in call.events("amd"):
            yield _Use(DETECTION, _day(call, event.at_ms), 1)
        if call.direction == "outbound-api" and call.from_ not in rented:
            rented.add(call.from_)  # a number is billed for the month on its first day
            yield _Use(NUMBERS, _day(call, 0), 1)


def _day(call: SimulatedCall, at_ms: int) -> date:
    return (call.created + timedelta(milliseconds=at_ms)).astimezone(UTC).date()


def _record(
    account_sid: str, category: str, uses: list[_Use], first: date, last: date
) -> dict[str, Any]:
    amount = sum(use.amount for use in uses)
    path = f"/{API_VERSION}/Accounts/{account_sid}/Usage/Records"
    query = f"Category={category}&StartDate={first}&EndDate={last}"
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "as_of": datetime.now(UTC).isoformat(timespec="seconds"),
        "category": category,
        "count": str(len(uses)),
        "count_unit": "numbers" if category == NUMBERS else "calls",
        "description": category.replace("-", " "),
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "price": float(amount * _PRICES[category]),
        "price_unit": "usd",
        "usage": str(amount),
        "usage_unit": _UNITS[category],
        "uri": f"{path}.json?{query}",
        "subresource_uris": {"daily": f"{path}/Daily.json?{query}"},
    }
