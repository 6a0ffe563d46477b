"""What past calls would have cost under another tier policy. Pure.

A call's price is split in what the voice cost and the rest. The rest stays; the voice is priced
again with the ledger's rounding, by the decisions that a live call's tier is made by
(`billing.policy.tiers`). What is not known of the past is taken to have been well: budgets did not
press and the premium voice worked, so a voice only ever changes from local to premium, and the
figure for a policy that may use it is the most that it would have cost. That is why a call's words
can be added up by the score that was known when they were said (`said_by_score`), and a hundred
thousand calls be priced at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from heapq import nlargest
from typing import NamedTuple
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
UNKNOWN = -1
"""Stands for a score that nobody knew: below all that are known."""
FURTHEST = 25
"""Calls that are named one by one."""

Said = Sequence[tuple[int, int]]
"""The highest score known by then, or `UNKNOWN`, and characters said: one pair per score."""


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
    """What the tier of a call would have been decided by."""

    score_at_dial: int | None
    turns: Sequence[SpokenTurn]


class PricedCall(NamedTuple):
    """What a call cost, and what its voice would have been paid by."""

    call_id: UUID
    cost: Decimal
    """USD charged."""
    voice: Decimal
    """USD of it for the agent's voice."""
    said: Said


@dataclass(frozen=True, slots=True)
class VoicePrice:
    """What a voice charges for 1 000 characters, and in which steps (of a call)."""

    unit_price: Decimal
    increment: Decimal = Decimal("0.001")
    minimum: Decimal = Decimal(0)
    rounding: str = "up"


@dataclass(frozen=True, slots=True)
class Change:
    """The tier from a moment on, and why."""

    at_ms: int
    choice: TierChoice


class CallResult(NamedTuple):
    """A past call under the policy."""

    call_id: UUID
    was: Decimal
    would_be: Decimal

    @property
    def more(self) -> Decimal:
        """USD that it would have cost more, or less if negative."""
        return self.would_be - self.was


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Past calls under a policy. All sums are those of its calls; USD."""

    policy: TierPolicy
    calls: int
    was: Decimal
    would_be: Decimal
    was_p95: Decimal | None
    """What 95 of 100 calls did not exceed (nearest rank); `None` without calls."""
    p95: Decimal | None
    premium_calls: int
    """How many leads would have heard the premium voice."""
    unchanged: int
    """How many calls would have cost the same."""
    furthest: list[CallResult]
    """The calls that differ most, the largest difference first."""

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
        return micro(self.would_be / self.calls) if self.calls else None

    @property
    def was_mean(self) -> Decimal | None:
        """USD that a call did cost on average; `None` without calls."""
        return micro(self.was / self.calls) if self.calls else None


def what_if(
    calls: Iterable[PricedCall],
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
    premium_price, local_price = _Priced(premium, sent_share), _Priced(local)
    results, premium_calls = [], 0
    for call in calls:
        high = premium_characters(call.said, policy)
        low = sum(characters for _, characters in call.said) - high
        voice = premium_price[high] + local_price[low]
        results.append(CallResult(call.call_id, call.cost, call.cost - call.voice + voice))
        premium_calls += high > 0
    changed = [result for result in results if result.would_be != result.was]
    return WhatIf(
        policy=policy,
        calls=len(results),
        was=sum((result.was for result in results), Decimal(0)),
        would_be=sum((result.would_be for result in results), Decimal(0)),
        was_p95=_p95([result.was for result in results]),
        p95=_p95([result.would_be for result in results]),
        premium_calls=premium_calls,
        unchanged=len(results) - len(changed),
        furthest=nlargest(FURTHEST, changed, key=lambda result: abs(result.more)),
    )


def tiers_of(call: PastCall, policy: TierPolicy) -> list[Change]:
    """Return the tier that a call would have begun with, and every change."""
    tiers = [Change(0, tier_at_dial(policy, TierFacts(score=call.score_at_dial)))]
    for turn in call.turns:
        tier = tiers[-1].choice.tier
        facts = TierFacts(score=_higher(call.score_at_dial, turn.score))
        went_down = any(change.choice.reason in FOR_GOOD for change in tiers)
        choice = tier_next(policy, facts, current=tier, went_down=went_down)
        if choice.tier != tier:
            tiers.append(Change(turn.at_ms, choice))
    return tiers


def said_by_score(call: PastCall) -> list[tuple[int, int]]:
    """Return a call's words added up by the highest score known when they were said."""
    said: dict[int, int] = {}
    known = UNKNOWN if call.score_at_dial is None else call.score_at_dial
    for turn in call.turns:
        known = max(known, UNKNOWN if turn.score is None else turn.score)
        said[known] = said.get(known, 0) + turn.characters
    return list(said.items())


def premium_characters(said: Said, policy: TierPolicy) -> int:
    """Return how many characters the premium voice would have said."""
    if policy.mode == "local":
        return 0
    least = UNKNOWN if policy.mode == "premium" else policy.premium_from
    return sum(characters for score, characters in said if score >= least)


def sent_share_of(*, charged: Decimal, spoken: int) -> Fraction:
    """Return the share of characters sent, measured on calls with the premium voice.

    Args:
        charged: thousands of characters that the provider charged.
        spoken: characters that were heard in that voice; of none the share is 1.
    """
    return Fraction(charged) * _PER_PRICE / spoken if spoken else Fraction(1)


class _Priced(dict[int, Decimal]):
    """USD by characters heard: calls are many, and most of a length have others beside them."""

    def __init__(self, price: VoicePrice, sent_share: Fraction = Fraction(1)) -> None:
        super().__init__()
        self._price, self._share = price, sent_share

    def __missing__(self, characters: int) -> Decimal:
        price, sent = self._price, math.ceil(characters * self._share)
        billed = billed_quantity(
            Fraction(sent, _PER_PRICE),
            increment=price.increment,
            minimum=price.minimum,
            rounding=price.rounding,
        )
        self[characters] = amount(billed, unit_price=price.unit_price)
        return self[characters]


def _p95(costs: list[Decimal]) -> Decimal | None:
    return sorted(costs)[math.ceil(len(costs) * 0.95) - 1] if costs else None


def _higher(one: int | None, other: int | None) -> int | None:
    known = [score for score in (one, other) if score is not None]
    return max(known, default=None)
