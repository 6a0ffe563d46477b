"""How soon the kill switch silences every telephone.

    python -m benchmarks.kill_switch [--rounds 5] [--at-once 20]

Two dialers, two servers and two workers, as in production, on PostgreSQL and Redis of their own;
half of the telephones ring until they give up, people at the others talk. In each round the switch
is pressed in the midst of it, with the talks to be ended too. What happened is read from the
carrier's own calls: how long after the press the last telephone rang, whether anybody was dialled
later than that, and whether each talk was ended with a closing sentence of the agent's. Calls on
their way to the carrier at the press count as telephones that rang; who picks up before the
cancelling arrives counts as a talk. Then the switch is released, and dialling goes on.

There is no peer: it is a promise that is kept or not. Ends with 1 if it is not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.chaos.balancer import Balancer
from benchmarks.chaos.clusters import PostgresCluster, RedisServer, own_folder
from benchmarks.chaos.run import environment_of
from benchmarks.chaos.stage import Stage

RINGS, TALKS = "no_answer", "eager_seller"
CARRIER = ("--cps", "100", "--fast", "1", "--outcomes", f"{RINGS}=1,{TALKS}=1")
LEAST_RINGING, LEAST_TALKING = 4, 4
WAIT_S = 90.0
NOBODY_FOR_S = 3.0
"""How long after the last call it is watched whether anybody is dialled."""
PROMISE_MS = 1000
LEADS_A_ROUND = 40


@dataclass
class Round:
    """What came of one press; times in ms after it."""

    silent_ms: list[int] = field(default_factory=list)
    """When each telephone that rang fell silent."""
    talks_ms: list[int] = field(default_factory=list)
    """When each talk was over."""
    rude: int = 0
    """Talks that ended without the closing sentence."""
    answered: int = 0
    """Telephones that were picked up after the press."""
    on_their_way: int = 0
    """Calls that reached the carrier after the press, within a second."""
    dialled_ms: list[int] = field(default_factory=list)
    """When calls were made later."""


def main() -> int:
    """Measure, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    with (
        own_folder("kill-switch-") as folder,
        PostgresCluster(folder, name="kill_switch") as postgres,
        RedisServer(folder) as redis,
    ):
        environment = environment_of(folder, database_url=postgres.url, redis_url=redis.url)
        os.environ.update(environment)
        (folder / "data").mkdir()
        rounds = measure(folder, environment, options.rounds, options.at_once)
    report = summary(rounds)
    print(json.dumps(report))
    return 0 if report["kept"] else 1


def measure(folder: Path, environment: dict[str, str], rounds: int, at_once: int) -> list[Round]:
    """Do the rounds."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    _fill(rounds * LEADS_A_ROUND, at_once)
    connections.close_all()
    stage = Stage(folder, environment=environment, seed=1, carrier=CARRIER)
    with Balancer(stage.public_port, stage.web_ports), stage:
        stage.work()
        return [_round(stage) for _ in range(rounds)]


def _fill(leads: int, at_once: int) -> None:
    """Start a campaign whose leads may all be called now."""
    from django.utils import timezone

    from billing.services import prices_seed
    from calls.models import Campaign
    from reauto_site.demo import seed

    now = timezone.now()
    prices_seed()
    made = seed.leads_seed(calls=leads, now=now)
    seed.rep_seed(time_zone=made[0].place.time_zone)
    campaign = seed.campaign_seed(now=now)
    Campaign.objects.filter(pk=campaign.pk).update(max_concurrent=at_once)
    seed.campaign_open(campaign=campaign, leads=made, now=now)


def _round(stage: Stage) -> Round:
    """Wait until telephones ring and people talk, press, and see what happens."""
    from django.utils import timezone

    from calls.services.campaigns import kill_switch_set

    _wait(stage, _is_busy)
    over = {call["sid"] for call in stage.carrier_calls() if not _is_on_the_line(call)}
    pressed = timezone.now()
    kill_switch_set(engaged=True, end_live=True, reason="Measured", now=pressed)
    _wait(stage, lambda calls: not any(map(_is_on_the_line, calls)))
    time.sleep(NOBODY_FOR_S)
    found = Round()
    for call in stage.carrier_calls():
        at_ms = _ms(datetime.fromisoformat(call["created"]) - pressed)
        if at_ms > PROMISE_MS:
            found.dialled_ms.append(at_ms)
        elif call["sid"] not in over:
            found.on_their_way += at_ms > 0
            _judge(found, stage.carrier_call(call["sid"])["timeline"], call, pressed)
    kill_switch_set(engaged=False, now=timezone.now())
    return found


def _judge(
    found: Round, timeline: list[dict[str, Any]], call: dict[str, Any], pressed: datetime
) -> None:
    """Add what became of a call that was on the line at the press, or came just after it."""
    created = datetime.fromisoformat(call["created"])
    statuses = {
        event["detail"]["status"]: _ms(created + timedelta(milliseconds=event["at_ms"]) - pressed)
        for event in timeline
        if event["name"] == "status"
    }
    over_ms = max(statuses.values())
    answered_ms = statuses.get("in-progress")
    if over_ms < 0:
        return  # it ended while the switch was being pressed
    if answered_ms is None:
        found.silent_ms.append(over_ms)
        return
    if answered_ms > 0:
        found.silent_ms.append(answered_ms)
        found.answered += 1
    found.talks_ms.append(over_ms)
    found.rude += not any(
        event["name"] == "mark" and event["detail"]["played"] and _is_closing(event)
        for event in timeline
    )


def _is_closing(mark: dict[str, Any]) -> bool:
    return "/wrap_up" in mark["detail"]["name"] or "/goodbye" in mark["detail"]["name"]


def _is_busy(calls: list[dict[str, Any]]) -> bool:
    statuses = [call["status"] for call in calls]
    return (
        statuses.count("ringing") >= LEAST_RINGING
        and statuses.count("in-progress") >= LEAST_TALKING
    )


def _is_on_the_line(call: dict[str, Any]) -> bool:
    return call["status"] in ("queued", "ringing", "in-progress")


def _wait(stage: Stage, until: Callable[[list[dict[str, Any]]], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not until(stage.carrier_calls()):
        if time.monotonic() > deadline:
            raise RuntimeError("the calls did not come that far")
        time.sleep(0.1)


def _ms(time_: timedelta) -> int:
    return round(time_.total_seconds() * 1000)


def summary(rounds: list[Round]) -> dict[str, Any]:
    """Return the figures, and whether the promise was kept."""
    silent = sorted(ms for each in rounds for ms in each.silent_ms)
    talks = sorted(ms for each in rounds for ms in each.talks_ms)
    dialled = [ms for each in rounds for ms in each.dialled_ms]
    rude = sum(each.rude for each in rounds)
    return {
        "benchmark": "kill_switch",
        "rounds": len(rounds),
        "rang": len(silent),
        "silent_ms": {"p50": _middle(silent), "max": max(silent, default=0)},
        "on_their_way": sum(each.on_their_way for each in rounds),
        "picked_up_after": sum(each.answered for each in rounds),
        "talks": len(talks),
        "talks_over_ms": {"p50": _middle(talks), "max": max(talks, default=0)},
        "ended_without_a_word": rude,
        "dialled_after_ms": dialled,
        "kept": not dialled and not rude and max(silent, default=0) <= PROMISE_MS,
    }


def _middle(ms: list[int]) -> int:
    return round(statistics.median(ms)) if ms else 0


if __name__ == "__main__":
    sys.exit(main())
