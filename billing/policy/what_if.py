"""What past calls would have cost under another tier policy. Pure.

A call's price is split in what the voice cost and the rest. The rest stays; the voice is priced
again, turn by turn, with the same decisions that a live call's tier is made by
(`billing.policy.tiers`) and the ledger's rounding. What is not known of the past is taken to have
been well: budgets did not press and the premium voice worked, so the figure for a policy that may
use it is the most that it would have cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from billing.policy.rounding import amount, billed_quantity, micro
from billing.policy.tiers import (
    FOR_GOOD,
    TierChoice,
    TierFacts,
    TierPolicy,
    tier_at_dial,
    tier_next,
)

_PER_PRICE = 1000  # voices are priced by the thousand characters


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One turn of the agent."""

    at_ms: int
    """When it began, ms since the media stream did."""
    characters: int
    """What was said."""
    score: int | None = None
    """What the lead was worth by then, 0-100, as far as the call had shown it."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """What a call cost, and what its tier would have been decided by."""

    call_id: UUID
    rest: Decimal
    """USD charged for everything but the agent's voice."""
    voice: Decimal
    """USD charged for the agent's voice."""
    score_at_dial: int | None
    turns: Sequence[SpokenTurn]

    @property
    def cost(self) -> Decimal:
        """USD charged."""
        return self.rest + self.voice


@dataclass(frozen=True, slots=True)
class VoicePrice:
    """What a voice charges for 1 000 characters, and in which steps."""

    unit_price: Decimal
    increment: Decimal = Decimal("0.001")
    minimum: Decimal = Decimal(0)
    rounding: str = "up"


@dataclass(frozen=True, slots=True)
class Change:
    """The tier from a moment on, and why."""

    at_ms: int
    choice: TierChoice


@dataclass(frozen=True, slots=True)
class CallResult:
    """A past call under the policy."""

    call_id: UUID
    was: Decimal
    would_be: Decimal
    tiers: tuple[Change, ...]
    """The tier it would have begun with, and every change."""
    premium_characters: int
    """What the premium voice would have said."""

    @property
    def heard_premium(self) -> bool:
        """Whether the lead would have heard the premium voice."""
        return self.premium_characters > 0


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Past calls under a policy. All sums are those of its calls."""

    policy: TierPolicy
    calls: tuple[CallResult, ...]

    @property
    def was(self) -> Decimal:
        """USD that the calls cost."""
        return sum((call.was for call in self.calls), Decimal(0))

    @property
    def would_be(self) -> Decimal:
        """USD that they would have cost."""
        return sum((call.would_be for call in self.calls), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """USD more, or less if negative."""
        return self.would_be - self.was

    @property
    def saved(self) -> Decimal:
        """USD less, or more if negative."""
        return -self.difference

    @property
    def mean(self) -> Decimal | None:
        """USD that a call would have cost on average; `None` without calls."""
        return micro(self.would_be / len(self.calls)) if self.calls else None

    @property
    def was_mean(self) -> Decimal | None:
        """USD that a call did cost on average; `None` without calls."""
        return micro(self.was / len(self.calls)) if self.calls else None

    @property
    def p95(self) -> Decimal | None:
        """USD that 95 of 100 calls would not have exceeded (nearest rank)."""
        return _p95([call.would_be for call in self.calls])

    @property
    def was_p95(self) -> Decimal | None:
        """USD that 95 of 100 calls did not exceed."""
        return _p95([call.was for call in self.calls])

    @property
    def premium_calls(self) -> int:
        """How many leads would have heard the premium voice."""
        return sum(call.heard_premium for call in self.calls)


def what_if(
    calls: Iterable[PastCall],
    *,
    policy: TierPolicy,
    premium: VoicePrice,
    local: VoicePrice,
    sent_share: Fraction = Fraction(1),
) -> WhatIf:
    """Return what calls would have cost under a policy.

    Args:
        sent_share: characters that the premium voice is sent for each one that is heard: less
            than 1 where the speech cache spares some, more where speech is thrown away. See
            `sent_share_of`.

    Raises:
        ValueError: the share is negative.
    """
    if sent_share < 0:
        raise ValueError("The share of characters that are sent cannot be negative.")
    prices = {"premium": premium, "local": local}
    return WhatIf(policy, tuple(_again(call, policy, prices, sent_share) for call in calls))


def sent_share_of(*, charged: Decimal, spoken: int) -> Fraction:
    """Return the share of characters sent, measured on calls with the premium voice.

    Args:
        charged: thousands of characters that the provider charged.
        spoken: characters that were heard in that voice; of none the share is 1.
    """
    return Fraction(charged) * _PER_PRICE / spoken if spoken else Fraction(1)


def _p95(costs: list[Decimal]) -> Decimal | None:
    return sorted(costs)[math.ceil(len(costs) * 0.95) - 1] if costs else None


def _again(
    call: PastCall, policy: TierPolicy, prices: dict[str, VoicePrice], sent_share: Fraction
) -> CallResult:
    choice = tier_at_dial(policy, TierFacts(score=call.score_at_dial))
    tiers = [Change(0, choice)]
    voice, premium_characters = Decimal(0), 0
    for turn in call.turns:
        tier = tiers[-1].choice.tier
        facts = TierFacts(score=_higher(call.score_at_dial, turn.score))
        went_down = any(change.choice.reason in FOR_GOOD for change in tiers)
        choice = tier_next(policy, facts, current=tier, went_down=went_down)
        if choice.tier != tier:
            tiers.append(Change(turn.at_ms, choice))
        share = sent_share if choice.tier == "premium" else Fraction(1)
        voice += _price_of(turn.characters, share, prices[choice.tier])
        premium_characters += turn.characters if choice.tier == "premium" else 0
    return CallResult(
        call_id=call.call_id,
        was=call.cost,
        would_be=call.rest + voice,
        tiers=tuple(tiers),
        premium_characters=premium_characters,
    )


def _price_of(characters: int, share: Fraction, price: VoicePrice) -> Decimal:
    sent = math.ceil(characters * share)
    billed = billed_quantity(
        Fraction(sent, _PER_PRICE),
        increment=price.increment,
        minimum=price.minimum,
        rounding=price.rounding,
    )
    return amount(billed, unit_price=price.unit_price)


def _higher(one: int | None, other: int | None) -> int | None:
    known = [score for score in (one, other) if score is not None]
    return max(known, default=None)
