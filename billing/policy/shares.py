"""An amount in parts that sum up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from billing.policy.rounding import MICRO


def split(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return parts of `total` in proportion to the weights, to six places, without a remainder.

    Weights that are all 0 count as equal. What rounding leaves over goes to the last part that
    has a weight.

    Raises:
        ValueError: there is nothing to split between, or something is negative.
    """
    if not weights or total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("Split an amount of 0 or more between one or more weights of 0 or more.")
    if not any(weights):
        weights = [Decimal(1)] * len(weights)
    whole = sum(weights, Decimal(0))
    parts = [(total * weight / whole).quantize(MICRO, rounding=ROUND_DOWN) for weight in weights]
    last = max(index for index, weight in enumerate(weights) if weight)
    parts[last] += total - sum(parts, Decimal(0))
    return parts
