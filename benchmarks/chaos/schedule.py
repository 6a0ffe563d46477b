"""What breaks when: drawn from a seed, so that a run can be had again."""

from __future__ import annotations

import random
from dataclasses import dataclass

AFTER_DATABASE_S = 8.0
"""No server is killed so soon after the database was: what a process holds in memory while the
database is away goes with it, and the product promises nothing else (ARCHITECTURE, life of a call).
"""


@dataclass(frozen=True, slots=True)
class Breakage:
    """One thing that goes wrong, so many seconds after the first call."""

    at_s: float
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


def schedule(*, seed: int, seconds: float, mix: Mix) -> list[Breakage]:
    """Return what goes wrong in a run, in order.

    Workers are killed in its first third only: work under way when one dies is done again when its
    claim runs out, after two minutes.
    """
    lot = random.Random(f"chaos:{seed}")

    def some(count: int, kind: str, choices: int, until: float = 1.0) -> list[Breakage]:
        return [
            Breakage(round(lot.uniform(3.0, seconds * until), 2), kind, lot.randrange(choices))
            for _ in range(count)
        ]

    databases = some(mix.postgres_crashes, "postgres", 1)
    planned = [
        *databases,
        *some(mix.redis_crashes, "redis", 1),
        *some(mix.dialer_kills, "dialer", 2),
        *some(mix.worker_kills, "worker", 2, until=1 / 3),
        *some(mix.opt_outs, "opt_out", 1 << 16),
        *some(mix.repeats, "repeat", 1 << 16),
        *(
            Breakage(one.at_s, lot.choice(CARRIER_FAULTS), 1 + lot.randrange(3))
            for one in some(mix.carrier_faults, "carrier", 1, until=0.8)
        ),
        *(
            Breakage(_clear_of(one.at_s, databases), "web", one.number)
            for one in some(mix.web_kills, "web", 2)
        ),
    ]
    return sorted(planned, key=lambda breakage: breakage.at_s)


def _clear_of(at_s: float, databases: list[Breakage]) -> float:
    for database in sorted(databases, key=lambda one: one.at_s):
        if database.at_s - 1.0 <= at_s < database.at_s + AFTER_DATABASE_S:
            at_s = database.at_s + AFTER_DATABASE_S
    return at_s
