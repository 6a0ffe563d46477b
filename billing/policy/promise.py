"""The promise of less than $0.10 a call, put to the test on simulated campaigns. Pure.

Every amount goes through the same rounding as the ledger's (`billing.policy.rounding`) with the
tariffs that are given; what is assumed about calls is data (`assumptions/campaign.toml`).
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from billing.policy.rounding import amount, billed_quantity, in_unit, micro

PROMISE = Decimal("0.10")
"""USD that a recorded call of three minutes must stay under, all fees in."""
PROMISED_SECONDS = 180

Voice = Literal["local", "premium", "by_score"]
_FILE = Path(__file__).parent / "assumptions" / "campaign.toml"


@dataclass(frozen=True, slots=True)
class Tariff:
    """How one thing is billed: a row of the price list."""

    unit: str
    unit_price: Decimal
    increment: Decimal
    minimum: Decimal
    rounding: str = "up"


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Everything that a call can cost."""

    line: Tariff
    stream: Tariff
    recording: Tariff
    detection: Tariff
    recognition: Tariff
    local_voice: Tariff
    premium_voice: Tariff


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """What decides on a call's price."""

    voice: Voice
    cached: bool
    """The speech cache is on."""
    carrier_records: bool
    """The carrier records; otherwise we do, at no charge."""
    detects_machines: bool = True

    @property
    def name(self) -> str:
        """The policy in words."""
        voice = {"local": "local voice", "premium": "premium voice", "by_score": "by score"}
        cache = "speech cache" if self.cached else "no cache"
        recorded = "recorded by the carrier" if self.carrier_records else "recorded by us"
        return f"{voice[self.voice]}, {cache}, {recorded}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of call: how often, and how long (log-normal, seconds); 0 is unanswered."""

    name: str
    share: float
    why: str
    shortest: int = 0
    median: int = 0
    spread: float = 0.0
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a campaign is taken to be; see the data file for why."""

    kinds: tuple[Kind, ...]
    agent_share: float
    characters_per_second: float
    thrown_away: float
    fixed_share: float
    fixed_characters: int
    premium_from_dial: float
    upgraded: float
    upgraded_after_s: int
    reasons: tuple[tuple[str, str, str], ...]
    """Name, value and reason of each figure, for people."""


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call: how long after the answer (0: unanswered), and where its lead's score lies."""

    seconds: int
    rank: float
    """0 is the best lead, 1 the worst."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What one call costs, USD."""

    total: Decimal
    rounding: Decimal
    """The part that is paid for time and characters not used."""
    speech: Decimal
    """The part that is paid for synthesis."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy costs on a simulated campaign, USD."""

    policy: CallPolicy
    per_dialled: Decimal
    """Mean of all calls, also of those that nobody answered."""
    per_answered: Decimal
    p95: Decimal
    """95 % of the answered calls cost no more."""
    share_under: float
    """Share of the answered calls that cost less than the promise, 0-1."""
    three_minutes: Decimal
    """A recorded call of three minutes with the best voice that the policy gives."""
    rounding_share: float
    """Of all that is paid: for minutes begun and not used, 0-1."""
    speech_share: float
    """Of all that is paid: for synthesis, filling the cache included, 0-1."""

    @property
    def keeps(self) -> bool:
        """Whether three minutes, and an answered call on average, stay under the promise."""
        return self.three_minutes < PROMISE and self.per_answered < PROMISE


def shipped_assumptions() -> Assumptions:
    """Return the assumptions that ship with the product.

    Raises:
        ValueError: the shares of the kinds do not sum to 1.
    """
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    kinds = tuple(Kind(**row) for row in data["kind"])
    if not math.isclose(sum(kind.share for kind in kinds), 1.0):
        raise ValueError(f"{_FILE.name}: the shares of the kinds must sum to 1.")
    speech, score = data["speech"], data["score"]
    return Assumptions(
        kinds=kinds,
        agent_share=speech["agent_share"],
        characters_per_second=speech["characters_per_second"],
        thrown_away=speech["thrown_away"],
        fixed_share=speech["fixed_share"],
        fixed_characters=speech["fixed_characters"],
        premium_from_dial=score["premium_from_dial"],
        upgraded=score["upgraded"],
        upgraded_after_s=score["upgraded_after_s"],
        reasons=tuple(_reasons(kinds, speech | score)),
    )


def _reasons(kinds: tuple[Kind, ...], figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = [
        (
            f"{kind.name.replace('_', ' ')}, {kind.share:.0%} of calls",
            f"{kind.shortest}–{kind.longest} s, half under {kind.median} s"
            if kind.median
            else "free",
            kind.why,
        )
        for kind in kinds
    ]
    rows += [
        (name.replace("_", " "), f"{value:g}", figures.get(f"{name}_why", ""))
        for name, value in figures.items()
        if not name.endswith("_why")
    ]
    return rows


def campaign_simulated(
    assumptions: Assumptions, *, calls: int, seed: int
) -> tuple[SimulatedCall, ...]:
    """Return the calls of one campaign; the same seed gives the same calls."""
    chance = random.Random(seed)
    weights = [kind.share for kind in assumptions.kinds]
    return tuple(
        SimulatedCall(_length(kind, chance), chance.random())
        for kind in chance.choices(assumptions.kinds, weights, k=calls)
    )


def _length(kind: Kind, chance: random.Random) -> int:
    if not kind.median:
        return 0
    seconds = round(chance.lognormvariate(math.log(kind.median), kind.spread))
    return min(max(seconds, kind.shortest), kind.longest)


def all_policies(*, detects_machines: bool) -> tuple[CallPolicy, ...]:
    """Return every voice, with and without cache, recorded by us and by the carrier."""
    voices: tuple[Voice, ...] = ("local", "premium", "by_score")
    return tuple(
        CallPolicy(voice, cached, carrier_records, detects_machines)
        for voice in voices
        for cached in (True, False)
        for carrier_records in (False, True)
    )


def call_bill(
    call: SimulatedCall, policy: CallPolicy, *, tariffs: Tariffs, assumptions: Assumptions
) -> Bill:
    """Return what one call costs under a policy. An unanswered call is free."""
    if not call.seconds:
        return Bill(Decimal(0), Decimal(0), Decimal(0))
    parts = [_time(call.seconds, tariff) for tariff in (tariffs.line, tariffs.stream)]
    parts.append(_time(call.seconds, tariffs.recognition))
    if policy.carrier_records:
        parts.append(_time(call.seconds, tariffs.recording))
    if policy.detects_machines:
        parts.append(_owed(Fraction(1), tariffs.detection))
    premium_s = _premium_seconds(call, policy, assumptions)
    speech = [
        _owed(_characters(premium_s, policy, assumptions), tariffs.premium_voice),
        _owed(_characters(call.seconds - premium_s, policy, assumptions), tariffs.local_voice),
    ]
    billed = sum((part[0] for part in parts + speech), Decimal(0))
    used = sum((part[1] for part in parts + speech), Decimal(0))
    return Bill(billed, billed - used, sum((part[0] for part in speech), Decimal(0)))


def promise_tested(
    policy: CallPolicy,
    calls: Sequence[SimulatedCall],
    *,
    tariffs: Tariffs,
    assumptions: Assumptions,
) -> Outcome:
    """Return what a policy costs on the calls of a campaign.

    Filling the cache is paid for once and shared by the calls.

    Raises:
        ValueError: no call was answered.
    """
    bills = [
        call_bill(call, policy, tariffs=tariffs, assumptions=assumptions)
        for call in calls
        if call.seconds
    ]
    if not bills:
        raise ValueError("Not one simulated call was answered: simulate more.")
    totals = sorted(bill.total for bill in bills)
    fill = _fill(policy, tariffs, assumptions)
    paid = sum(totals, fill)
    three = call_bill(
        SimulatedCall(PROMISED_SECONDS, 0.0), policy, tariffs=tariffs, assumptions=assumptions
    )
    speech = sum((bill.speech for bill in bills), fill)
    return Outcome(
        policy=policy,
        per_dialled=micro(paid / len(calls)),
        per_answered=micro(paid / len(bills)),
        p95=totals[math.ceil(len(totals) * 0.95) - 1],
        share_under=sum(total < PROMISE for total in totals) / len(totals),
        three_minutes=three.total,
        rounding_share=_share(sum((bill.rounding for bill in bills), Decimal(0)), paid),
        speech_share=_share(speech, paid),
    )


def _premium_seconds(call: SimulatedCall, policy: CallPolicy, assumptions: Assumptions) -> int:
    match policy.voice:
        case "local":
            return 0
        case "premium":
            return call.seconds
    if call.rank < assumptions.premium_from_dial:
        return call.seconds
    if call.rank < assumptions.premium_from_dial + assumptions.upgraded:
        return max(call.seconds - assumptions.upgraded_after_s, 0)
    return 0


def _characters(seconds: int, policy: CallPolicy, assumptions: Assumptions) -> Fraction:
    """Return thousands of characters that are sent to a voice in some seconds of a call."""
    said = seconds * assumptions.agent_share * assumptions.characters_per_second
    sent = said * (1 + assumptions.thrown_away)
    if policy.cached:
        sent *= 1 - assumptions.fixed_share
    return Fraction(math.ceil(sent), 1000)


def _fill(policy: CallPolicy, tariffs: Tariffs, assumptions: Assumptions) -> Decimal:
    if not policy.cached:
        return Decimal(0)
    thousands = Fraction(assumptions.fixed_characters, 1000)
    voices = [tariffs.local_voice] if policy.voice != "premium" else []
    voices += [tariffs.premium_voice] if policy.voice != "local" else []
    return sum((_owed(thousands, voice)[0] for voice in voices), Decimal(0))


def _time(seconds: int, tariff: Tariff) -> tuple[Decimal, Decimal]:
    return _owed(in_unit(seconds, tariff.unit), tariff)


@lru_cache(maxsize=20_000)
def _owed(quantity: Fraction, tariff: Tariff) -> tuple[Decimal, Decimal]:
    """Return what is billed for a quantity, and what it would be without rounding up."""
    billed = billed_quantity(
        quantity,
        increment=tariff.increment,
        minimum=tariff.minimum,
        rounding=tariff.rounding,
    )
    exact = Decimal(quantity.numerator) / Decimal(quantity.denominator)
    return (
        amount(billed, unit_price=tariff.unit_price),
        amount(exact, unit_price=tariff.unit_price),
    )


def _share(part: Decimal, whole: Decimal) -> float:
    return float(part / whole) if whole else 0.0
