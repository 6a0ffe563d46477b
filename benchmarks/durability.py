"""What is lost when the process that carries calls is killed, again and again.

    python -m benchmarks.durability [--kills 200] [--leads 600] [--seed N] [--keep FOLDER]

The run of `benchmarks.chaos` with one kind of breakage: `kill -9` of a server (webhooks and media
streams) at a random instant while it carries calls. Then the product's data are compared with what
the carrier's people said, heard, asked for and were billed. Runs PostgreSQL and Redis of its own.

The peer is what most systems do: write a call up when it ends. It loses all that was said on every
call whose process did not live to its end.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.clusters import own_folder
from benchmarks.chaos.run import CALLS_AT_ONCE, Breaker, Breaking, run
from benchmarks.chaos.schedule import Breakage
from benchmarks.chaos.stage import WEBS

MOST_WAIT_S = 2.0
"""A kill comes up to so long after there was a call to hit."""
GIVE_UP_S = 30.0
"""Without any call for so long, the leads are used up."""


def main() -> int:
    """Do the run, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--leads", type=int, default=600)
    parser.add_argument("--at-once", type=int, default=CALLS_AT_ONCE, help="of each campaign")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--keep", type=Path, help="keep logs here")
    options = parser.parse_args()
    breaking = kills(options.kills, seed=options.seed)
    with own_folder("durability-", keep=options.keep) as folder:
        report = run(
            folder=folder,
            leads=options.leads,
            seed=options.seed,
            at_once=options.at_once,
            breaking=breaking,
        )
    print(json.dumps(summary(report)))
    return 1 if report["violations"] else 0


def kills(count: int, *, seed: int) -> Breaking:
    """Return what kills servers, in turn, while they carry calls."""
    lot = random.Random(f"durability:{seed}")

    def kill_all(breaker: Breaker) -> None:
        for number in range(count):
            if not _wait_for_a_call(breaker):
                return
            time.sleep(lot.uniform(0, MOST_WAIT_S))
            breaker.break_(Breakage(0.0, "web", number % WEBS))

    return kill_all


def _wait_for_a_call(breaker: Breaker) -> bool:
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        if any(call["status"] == "in-progress" for call in breaker.stage.carrier_calls()):
            return True
        time.sleep(0.1)
    return False


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report in this benchmark's words."""
    wrong = report["counts"]
    return {
        "benchmark": "durability",
        "kills": report["breakages"].get("web", 0),
        "calls": report["dialled"],
        "calls_cut_by_a_kill": report["cut"],
        "turns": report["turns"],
        "turns_lost": wrong.get("no_finished_turn_is_lost", 0),
        "charges_wrong": wrong.get("money_is_accounted_for", 0),
        "opt_outs_lost": wrong.get("no_opt_out_is_lost", 0),
        "dialled_twice": wrong.get("nobody_dialled_twice", 0)
        + wrong.get("attempts_are_counted", 0),
        "peer_turns_lost": report["turns_of_cut_calls"],
        "violations": report["violations"],
        "wrong": report["wrong"],
        "seed": report["seed"],
        "took_s": report["took_s"],
    }


if __name__ == "__main__":
    sys.exit(main())
