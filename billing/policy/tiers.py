"""Which tier of voice a call speaks with, and when that changes.

A change is heard, so a call changes at most twice: up once, when the lead proves to be worth it,
and down once, when the money, the quota or the engine gives out. A call that went down stays down,
and a score that falls takes nothing back, so no fact that wavers can make the voice waver.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from billing.policy.limits import Pressure

Tier = Literal["local", "premium"]
Mode = Literal["local", "premium", "by_score"]


class TierReason(StrEnum):
    """Why a call has the tier it has. The values are kept in events; do not rename."""

    LOCAL_ONLY = "local_only"
    PREMIUM_ONLY = "premium_only"
    SCORE_REACHED = "score_reached"
    SCORE_BELOW = "score_below"
    SCORE_UNKNOWN = "score_unknown"
    BUDGET = "budget"
    QUOTA = "quota"
    ENGINE = "engine"
    UNCHANGED = "unchanged"

    @property
    def words(self) -> str:
        """The reason as part of a sentence."""
        return _WORDS[self]


TURN_CHARACTERS = 300
"""What the premium voice may be sent between two charges: a long turn, some 20 s of speech."""

FOR_GOOD = frozenset({TierReason.BUDGET, TierReason.QUOTA, TierReason.ENGINE})
"""Reasons after which a call stays with the local voice to its end."""

_WORDS = {
    TierReason.LOCAL_ONLY: "the campaign uses the local voice only",
    TierReason.PREMIUM_ONLY: "the campaign uses the premium voice",
    TierReason.SCORE_REACHED: "the lead's score reached what the premium voice is for",
    TierReason.SCORE_BELOW: "the lead's score is below what the premium voice is for",
    TierReason.SCORE_UNKNOWN: "the lead has no score yet",
    TierReason.BUDGET: "a budget is nearly used up",
    TierReason.QUOTA: "the premium voice's quota is used up",
    TierReason.ENGINE: "the premium voice is not to be had",
    TierReason.UNCHANGED: "nothing changed",
}


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What a campaign wants: one voice for all, or premium for leads from a score on."""

    mode: Mode
    premium_from: int = 70
    """Lead score 0-100; only read by mode "by_score"."""


@dataclass(frozen=True, slots=True)
class TierFacts:
    """What is known at the moment of a decision."""

    score: int | None = None
    """0-100: the lead's, or while a call runs what was heard so far; the higher one."""
    pressure: Pressure = "normal"
    quota_used_up: bool = False
    engine_failed: bool = False


@dataclass(frozen=True, slots=True)
class TierChoice:
    """A tier, and why."""

    tier: Tier
    reason: TierReason

    @property
    def words(self) -> str:
        """The reason as part of a sentence."""
        return self.reason.words


def tier_at_dial(policy: TierPolicy, facts: TierFacts) -> TierChoice:
    """Return the tier that a call begins with."""
    wanted = _wanted(policy, facts)
    obstacle = _obstacle(facts)
    if wanted.tier == "premium" and obstacle is not None:
        return TierChoice("local", obstacle)
    return wanted


def tier_next(
    policy: TierPolicy, facts: TierFacts, *, current: Tier, went_down: bool
) -> TierChoice:
    """Return the tier that a running call goes on with; "unchanged" when it is the same.

    Args:
        current: what it speaks with now.
        went_down: whether it was taken from premium for one of the reasons in `FOR_GOOD` before,
            or began local for one.
    """
    obstacle = _obstacle(facts)
    if current == "premium":
        if obstacle is not None:
            return TierChoice("local", obstacle)
    elif policy.mode == "by_score" and obstacle is None and not went_down:
        wanted = _wanted(policy, facts)
        if wanted.tier == "premium":
            return wanted
    return TierChoice(current, TierReason.UNCHANGED)


def _wanted(policy: TierPolicy, facts: TierFacts) -> TierChoice:
    if policy.mode == "local":
        return TierChoice("local", TierReason.LOCAL_ONLY)
    if policy.mode == "premium":
        return TierChoice("premium", TierReason.PREMIUM_ONLY)
    if facts.score is None:
        return TierChoice("local", TierReason.SCORE_UNKNOWN)
    if facts.score >= policy.premium_from:
        return TierChoice("premium", TierReason.SCORE_REACHED)
    return TierChoice("local", TierReason.SCORE_BELOW)


def _obstacle(facts: TierFacts) -> TierReason | None:
    """Return what stands against the premium voice, the most lasting one first."""
    if facts.engine_failed:
        return TierReason.ENGINE
    if facts.quota_used_up:
        return TierReason.QUOTA
    if facts.pressure != "normal":
        return TierReason.BUDGET
    return None
