"""Less than $0.10 a call: simulated at the prices in the database, and as the ledger has it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from django.conf import settings

from billing.models.price import Component
from billing.policy.promise import (
    PROMISE,
    PROMISED_SECONDS,
    Assumptions,
    CallPolicy,
    Outcome,
    SimulatedCall,
    Tariff,
    Tariffs,
    Voice,
    all_policies,
    call_bill,
    campaign_simulated,
    promise_tested,
    shipped_assumptions,
)
from billing.policy.rounding import micro
from billing.selectors import price_on
from calls.models import Call, Campaign

CARRIER = "twilio"
_COMPARED: tuple[tuple[Voice, bool], ...] = (
    ("local", True),
    ("premium", True),
    ("premium", False),
)
MOST = 20_000
"""Calls of the ledger that are read, the newest first."""


LENGTHS = (60, 61, 120, PROMISED_SECONDS, 190, 300)
"""Seconds of the calls that show what rounding does: whole minutes, and those just begun."""


@dataclass(frozen=True, slots=True)
class Length:
    """What a call of some seconds costs by voice, recorded by us, USD."""

    seconds: int
    local: Decimal
    premium: Decimal
    """With the speech cache."""
    uncached: Decimal
    """Premium without it."""
    rounding: Decimal
    """Paid for time not used, whatever the voice."""


@dataclass(frozen=True, slots=True)
class Report:
    """Every policy on the same simulated calls, the default first."""

    calls: int
    seed: int
    day: date
    default: Outcome
    outcomes: list[Outcome]
    assumptions: Assumptions
    lengths: list[Length]

    @property
    def cache_spares(self) -> Decimal:
        """USD that the speech cache spares on a premium call of three minutes."""
        row = next(row for row in self.lengths if row.seconds == PROMISED_SECONDS)
        return row.uncached - row.premium

    @property
    def premium(self) -> list[Outcome]:
        """The policies that keep the promise with the premium voice."""
        return [row for row in self.outcomes if row.keeps and row.policy.voice != "local"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What settled, answered calls of one voice really cost, USD."""

    tier: str
    calls: int
    mean: Decimal
    p95: Decimal
    share_under: float


def default_policy() -> CallPolicy:
    """Return how a campaign that nobody has changed calls."""
    fresh = Campaign()
    voices: dict[str, Voice] = {"local": "local", "premium": "premium", "by_score": "by_score"}
    return CallPolicy(
        voice=voices[fresh.voice_tier],
        cached=settings.ENV.speech_cache_megabytes > 0,
        carrier_records=fresh.recording_policy == Campaign.RecordingPolicy.CARRIER,
        detects_machines=fresh.detect_machines,
    )


def tariffs_on(day: date, *, region: str = "US") -> Tariffs:
    """Return the tariffs of calls within a region, as the price list has them on a day.

    Recognition is the built-in one, and the local voice Piper's: both on our own machine.

    Raises:
        PriceUnknown: naming the price that is missing.
    """

    def tariff(component: str, provider: str = CARRIER, model: str = "*") -> Tariff:
        row = price_on(provider=provider, component=component, region=region, model=model, day=day)
        return Tariff(row.unit, row.unit_price, row.increment, row.minimum, row.rounding)

    return Tariffs(
        line=tariff(Component.TELEPHONY_OUT),
        stream=tariff(Component.MEDIA_STREAM),
        recording=tariff(Component.RECORDING),
        detection=tariff(Component.AMD),
        recognition=tariff(Component.STT, "pocketsphinx"),
        local_voice=tariff(Component.TTS, "piper"),
        premium_voice=tariff(Component.TTS, "elevenlabs", settings.ENV.elevenlabs_model),
    )


def promise_report(*, calls: int, seed: int, day: date) -> Report:
    """Return what every policy costs on one simulated campaign.

    Raises:
        PriceUnknown: naming the price that is missing.
        ValueError: so few calls that none was answered.
    """
    assumptions = shipped_assumptions()
    tariffs = tariffs_on(day)
    default = default_policy()
    outcomes = list(
        _outcomes(tariffs, calls=calls, seed=seed, detects_machines=default.detects_machines)
    )
    return Report(
        calls=calls,
        seed=seed,
        day=day,
        default=next(row for row in outcomes if row.policy == default),
        outcomes=outcomes,
        assumptions=assumptions,
        lengths=[_length(seconds, tariffs, assumptions) for seconds in LENGTHS],
    )


@lru_cache(maxsize=16)
def _outcomes(
    tariffs: Tariffs, *, calls: int, seed: int, detects_machines: bool
) -> tuple[Outcome, ...]:
    """Return what every policy costs. Kept: the same prices give the same figures."""
    assumptions = shipped_assumptions()
    simulated = campaign_simulated(assumptions, calls=calls, seed=seed)
    return tuple(
        promise_tested(policy, simulated, tariffs=tariffs, assumptions=assumptions)
        for policy in all_policies(detects_machines=detects_machines)
    )


def _length(seconds: int, tariffs: Tariffs, assumptions: Assumptions) -> Length:
    local, premium, uncached = (
        call_bill(
            SimulatedCall(seconds, 0.0),
            CallPolicy(voice, cached, carrier_records=False),
            tariffs=tariffs,
            assumptions=assumptions,
        )
        for voice, cached in _COMPARED
    )
    return Length(seconds, local.total, premium.total, uncached.total, local.rounding)


def settled_costs(*, since: datetime) -> list[Settled]:
    """Return what the ledger says of settled, answered calls since a moment, by voice."""
    rows = (
        Call.objects.filter(
            settled_at__isnull=False, answered_at__isnull=False, ended_at__gte=since
        )
        .order_by("-ended_at")
        .values_list("voice_tier", "cost")[:MOST]
    )
    costs: dict[str, list[Decimal]] = {}
    for tier, cost in rows:
        costs.setdefault(tier, []).append(cost)
    return [
        Settled(
            tier=tier,
            calls=len(paid),
            mean=micro(sum(paid, Decimal(0)) / len(paid)),
            p95=sorted(paid)[math.ceil(len(paid) * 0.95) - 1],
            share_under=sum(cost < PROMISE for cost in paid) / len(paid),
        )
        for tier, paid in sorted(costs.items())
    ]
