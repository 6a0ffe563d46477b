"""What a live call has cost so far, and the money promised to its next minute.

Voice calls `call_meter` every 5 s or so per live call, from its writer task and never in the
audio path. It is the call's heartbeat too: a call whose heartbeat is 30 s old has lost its
process, and the watchdog ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.db.models import Q, Sum
from phonenumbers import parse, region_code_for_number

from billing.models import Charge
from billing.policy.limits import Pressure, hardest
from billing.policy.tiers import Tier
from billing.selectors import PriceUnknown, call_cost, call_estimate
from billing.services import charge_correct, charge_record, charge_spare, reservation_extend
from calls.models import Call, CallEvent, Campaign, Transfer
from calls.policy.metering import begun_minutes, minutes_since, seconds_to_promise
from calls.services.notices import Notice, call_notify, notices_of
from calls.services.record import event_record
from calls.services.tiers import tier_now, tier_tick, turn_ahead

logger = structlog.get_logger(__name__)

CARRIER = "twilio"
GOODBYE = timedelta(seconds=45)
"""How long a call may take to end politely once its budget refused it: its paid minute lasts at
least 55 s then, and the hang-up takes a moment."""
_REFUSED = "budget.refused"
_AGAIN = "media_stream_again"
_CARRIER_COMPONENTS = ("telephony_out", "telephony_in", "media_stream", "recording", "amd")


@dataclass(frozen=True, slots=True)
class Meter:
    """The state of a live call, for the process that holds it."""

    cost: Decimal
    """USD charged so far."""
    pressure: Pressure
    """"normal", "soft" (use the cheaper voice) or "hard" (wrap up, then hang up)."""
    active: bool = True
    """False once the carrier says that the call is over."""
    tier: Tier = "local"
    """The voice that it should speak with from the agent's next turn on."""
    tier_reason: str = ""
    """Why, for `VoiceTiers.choose`: pass it on as it is, failures are told apart by it."""
    notices: tuple[Notice, ...] = ()
    """Every notice of this call; act on each id once (see `calls.services.notices`)."""


def call_meter(*, call_id: UUID | str, now: datetime) -> Meter:
    """Beat the heart, charge every begun minute, and promise the next one.

    Safe to run at any time and twice: each minute is one ledger key.
    """
    call = Call.objects.select_related("campaign", "lead").get(pk=call_id)
    if call.is_active:
        Call.objects.filter(pk=call.pk).update(heartbeat_at=now)
        minutes_charge(call, until=now)
    elif call.ended_at is not None:
        minutes_charge(call, until=call.ended_at)
    pressure: Pressure = _promise(call, now) if call.is_active else "normal"
    if pressure == "hard":
        _end_in_time(call, now)
    voice = tier_tick(call=call, pressure=pressure, now=now) if call.is_active else None
    cost = call_cost(call.pk)
    Call.objects.filter(pk=call.pk).update(cost=cost)
    return Meter(
        cost,
        pressure,
        active=call.is_active,
        tier=voice.tier if voice is not None else "local",
        tier_reason=voice.words if voice is not None else "",
        notices=notices_of(call.pk),
    )


def usage_record(
    *,
    call_id: UUID | str,
    component: str,
    provider: str,
    quantity: Decimal,
    model: str = "*",
    key: str,
    now: datetime,
) -> None:
    """Charge something used on a call (speech, recognition, tokens). Idempotent by `key`.

    Args:
        quantity: in the price's unit: 1 000 characters, 1 000 000 tokens, seconds.
        key: names the use within the call, such as "tts:12".

    Raises:
        PriceUnknown: the price list lacks the row; it names which one.
    """
    campaign_id = Call.objects.values_list("campaign_id", flat=True).get(pk=call_id)
    charge_record(
        key=f"{call_id}:{key}",
        call_id=call_id,
        campaign_id=campaign_id,
        component=component,
        provider=provider,
        quantity=quantity,
        model=model,
        at=now,
    )


def usage_spare(
    *,
    call_id: UUID | str,
    provider: str,
    model: str,
    quantity: Decimal,
    key: str,
    now: datetime,
) -> None:
    """Note speech of a paid voice that the cache had. Idempotent by `key`; see `usage_record`."""
    campaign_id = Call.objects.values_list("campaign_id", flat=True).get(pk=call_id)
    charge_spare(
        key=f"{call_id}:{key}",
        call_id=call_id,
        campaign_id=campaign_id,
        provider=provider,
        model=model,
        quantity=quantity,
        at=now,
    )


def minutes_charge(call: Call, *, until: datetime) -> None:
    """Charge every minute begun by a moment, of the line, the stream and the carrier's recording.

    A price that is missing is logged and not charged: a call never dies of its price list.
    """
    line = minutes_since(call.answered_at, until)
    charged = _charged(call)
    _charge_minutes(call, telephony_of(call), line, until, charged)
    stream_end = min(until, call.stream_closed_at or until)
    streamed = minutes_since(call.stream_started_at, stream_end)
    _charge_minutes(call, "media_stream", streamed, until, charged)
    if call.recording_policy == Campaign.RecordingPolicy.CARRIER:
        _charge_minutes(call, "recording", line, until, charged)
    if call.detect_machines and call.answered_at and f"{call.pk}:amd" not in charged:
        _charge(call, "amd", f"{call.pk}:amd", until)


def stream_charge(*, call: Call, stream_sid: str, now: datetime) -> None:
    """Charge the begun minute of a further media stream: each is rounded up by itself."""
    _charge(call, "media_stream", f"{call.pk}:{_AGAIN}:{stream_sid}", now)


def minutes_settle(call: Call, *, now: datetime) -> None:
    """Make the charged minutes of an ended call agree with the carrier's duration.

    Charges that are missing are added; minutes that we saw begin and the carrier did not are
    corrected to nothing. Safe to run twice.
    """
    if call.answered_at is None or call.ended_at is None:
        return
    minutes_charge(call, until=call.ended_at)
    seconds = call.carrier_seconds
    if seconds is None:
        return
    minutes = begun_minutes(seconds)
    components = [telephony_of(call)]
    if call.recording_policy == Campaign.RecordingPolicy.CARRIER:
        components.append("recording")
    for component in components:
        _charge_minutes(call, component, minutes, call.ended_at, _charged(call))
        _take_back(call, component, beyond=minutes, now=now)


def legs_charge(*, transfer: Transfer, until: datetime) -> None:
    """Charge every begun minute of a transfer: the humans' legs, and the seats in the conference.

    Each minute is one ledger key: safe to run at any time and twice.
    """
    call = transfer.call
    charged = _charged(call)
    seats: list[tuple[str, datetime | None, datetime]] = []
    for leg in transfer.legs.filter(answered_at__isnull=False):
        end = min(until, leg.ended_at or until)
        region = "" if leg.in_browser else region_code_for_number(parse(leg.address)) or "US"
        model = "browser" if leg.in_browser else "*"
        for minute in range(1, minutes_since(leg.answered_at, end) + 1):
            key = f"{call.pk}:transfer:{leg.pk}:{minute}"
            if key not in charged:
                _charge(call, "transfer", key, until, region=region, model=model)
        if leg.listens or leg.rep_id == transfer.rep_id:
            seats.append((str(leg.pk), transfer.connected_at, end))
    if transfer.connected_at is not None:
        seats.append(("lead", transfer.connected_at, min(until, transfer.ended_at or until)))
    for seat, start, end in seats:
        for minute in range(1, minutes_since(start, end) + 1):
            key = f"{call.pk}:conference:{transfer.pk}:{seat}:{minute}"
            if key not in charged:
                _charge(call, "conference", key, until)
    if call.settled_at is not None:
        Call.objects.filter(pk=call.pk).update(cost=call_cost(call.pk))


def telephony_of(call: Call) -> str:
    """Return the component of the line itself."""
    inbound = call.direction == Call.Direction.INBOUND
    return "telephony_in" if inbound else "telephony_out"


def region_of(call: Call) -> str:
    """Return the country code whose price holds for the call."""
    number = call.from_number if call.direction == Call.Direction.INBOUND else call.to_number
    return region_code_for_number(number) or "US"


def _end_in_time(call: Call, now: datetime) -> None:
    """Have a refused call hung up if its goodbye takes longer than what is paid for."""
    refused = CallEvent.objects.filter(call_id=call.pk, kind=_REFUSED).order_by("at").first()
    if refused is None:
        event_record(call_id=call.pk, kind=_REFUSED, now=now)
        logger.info("call_refused_by_budget", call_id=str(call.pk))
    elif now >= refused.at + GOODBYE and not any(
        notice.kind == "hang_up" for notice in notices_of(call.pk)
    ):
        call_notify(call_id=call.pk, kind="hang_up", data={"reason": "budget"}, now=now)


def _charged(call: Call) -> set[str]:
    """Return the keys of the call's charges, to look them up once and not minute by minute."""
    return set(Charge.objects.filter(call_id=call.pk).values_list("key", flat=True))


def _charge_minutes(
    call: Call, component: str, minutes: int, at: datetime, charged: set[str]
) -> None:
    for minute in range(1, minutes + 1):
        key = f"{call.pk}:{component}:{minute}"
        if key not in charged:
            _charge(call, component, key, at)


def _charge(
    call: Call,
    component: str,
    key: str,
    at: datetime,
    *,
    region: str | None = None,
    model: str = "*",
) -> None:
    try:
        charge_record(
            key=key,
            call_id=call.pk,
            campaign_id=call.campaign_id,
            component=component,
            provider=CARRIER,
            quantity=Decimal(1),
            region=region_of(call) if region is None else region,
            model=model,
            at=at,
        )
    except PriceUnknown as error:
        logger.error(
            "charge_without_price", call_id=str(call.pk), component=component, problem=str(error)
        )


def _take_back(call: Call, component: str, *, beyond: int, now: datetime) -> None:
    prefix = f"{call.pk}:{component}:"
    charges = Charge.objects.filter(
        call_id=call.pk, component=component, corrects__isnull=True, key__startswith=prefix
    )
    for charge in charges:
        if int(charge.key.removeprefix(prefix)) > beyond:
            charge_correct(charge_id=charge.pk, amount=Decimal(0), now=now)


def _promise(call: Call, now: datetime) -> Pressure:
    """Grow the reservation to the end of the next minute, and return the pressure.

    With the premium voice it grows by its next turn too, since that is said before it is charged.
    """
    seconds = (now - (call.answered_at or now)).total_seconds()
    try:
        carrier = call_estimate(
            seconds=seconds_to_promise(seconds),
            recorded_by_carrier=call.recording_policy == Campaign.RecordingPolicy.CARRIER,
            detect_machines=call.detect_machines,
            region=region_of(call),
            day=now.date(),
            component=telephony_of(call),
        )
    except PriceUnknown as error:
        logger.error("estimate_without_price", call_id=str(call.pk), problem=str(error))
        return "normal"
    # What the estimate does not know of: speech, and streams that were opened again.
    besides = (
        Charge.objects.filter(call_id=call.pk)
        .filter(~Q(component__in=_CARRIER_COMPONENTS) | Q(key__startswith=f"{call.pk}:{_AGAIN}:"))
        .aggregate(total=Sum("amount"))["total"]
    ) or Decimal(0)
    needed = carrier + besides
    ahead = turn_ahead(now) if tier_now(call) == "premium" else Decimal(0)
    pressure = reservation_extend(call_id=call.pk, amount_total=needed + ahead, now=now)
    if pressure != "hard" or not ahead:
        return pressure
    # No room for another turn of the premium voice: with the local one there may be.
    return hardest("soft", reservation_extend(call_id=call.pk, amount_total=needed, now=now))
