"""What breaks when: drawn from a seed, so that a run can be had again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breakage:
    """One thing that goes wrong, when so large a part of the calls has been made (0 to 1).

    Counted in calls and not in seconds, it meets the same part of a run on any machine.
    """

    after: float
    kind: str
    number: int = 0
    """Which of the processes, or how many requests."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind of thing goes wrong."""

    web_kills: int = 4
    dialer_kills: int = 5
    worker_kills: int = 2
    postgres_crashes: int = 1
    redis_crashes: int = 1
    carrier_faults: int = 6
    opt_outs: int = 12
    repeats: int = 8


CARRIER_FAULTS = ("rest_429", "rest_500", "lose_response")


def schedule(*, seed: int, mix: Mix) -> list[Breakage]:
    """Return what goes wrong in a run, in order.

    Workers are killed in its first third only: work under way when one dies is done again when its
    claim runs out, after two minutes.
    """
    lot = random.Random(f"chaos:{seed}")

    def some(count: int, kind: str, choices: int, until: float = 1.0) -> list[Breakage]:
        return [
            Breakage(round(lot.uniform(0.03, until), 3), kind, lot.randrange(choices))
            for _ in range(count)
        ]

    planned = [
        *some(mix.postgres_crashes, "postgres", 1),
        *some(mix.redis_crashes, "redis", 1),
        *some(mix.web_kills, "web", 2),
        *some(mix.dialer_kills, "dialer", 2),
        *some(mix.worker_kills, "worker", 2, until=1 / 3),
        *some(mix.opt_outs, "opt_out", 1 << 16),
        *some(mix.repeats, "repeat", 1 << 16),
        *(
            Breakage(one.after, lot.choice(CARRIER_FAULTS), 1 + lot.randrange(3))
            for one in some(mix.carrier_faults, "carrier", 1, until=0.8)
        ),
    ]
    return sorted(planned, key=lambda breakage: breakage.after)
