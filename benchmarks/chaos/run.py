"""One run: seed, call, break, wait until all is settled, and hand over what there is to check."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from benchmarks.chaos.balancer import Balancer
from benchmarks.chaos.clusters import PostgresCluster, RedisServer, free_port
from benchmarks.chaos.schedule import Breakage, Mix, schedule
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.world import World, world_make

CALLS_AT_ONCE = 8
"""Of each campaign."""
PER_PROCESS = 12
"""Calls that one server carries."""
CALLS_PER_SECOND = 12
CALLED_SHARE = 0.75
"""Of the leads, that are called at least: some may not be, for some there is no money."""
STUCK_S = 45.0
"""Nobody is called for so long: what was to break at some later call breaks now."""
AFTER_DATABASE_S = 8.0
"""No server is killed so soon after the database was: what a process holds in memory while the
database is away goes with it, and the product promises nothing else."""
SETTLE_S = 240.0
"""How long the rest may take: a job whose worker died is taken up after two minutes."""
ALWAYS_WRONG = {"callback_duplicates": 1, "callback_reorder": 1, "callback_delay_ms": 20}
_AGAIN = timedelta(seconds=90)
"""Leads due within this time are still waited for."""

log = structlog.get_logger(__name__)


@dataclass
class Evidence:
    """What a run leaves to be checked; the product's side is in the database."""

    world: World
    carrier: list[dict[str, Any]]
    details: dict[str, dict[str, Any]]
    """What the carrier knows of each call that was answered, by CallSid."""
    breakages: Counter[str] = field(default_factory=Counter)
    settled: bool = True
    called_s: float = 0.0
    took_s: float = 0.0


def environment_of(folder: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    """Return the variables of a run's processes."""
    from reauto_site.settings.env import SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN

    return {
        "DJANGO_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "reauto_site.settings.test",
        "DATA_DIR": str(folder / "data"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "INFO",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "TWILIO_API_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "TWILIO_ACCOUNT_SID": SIMULATOR_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": SIMULATOR_AUTH_TOKEN,
        "TWILIO_CALLS_PER_SECOND": str(CALLS_PER_SECOND),
        "VOICE_MAX_SESSIONS": str(PER_PROCESS),
        "STT_ENGINE": "lettered",
        "TTS_ENGINE": "momentary",
        "OLLAMA_HOST": "",
        "EMAIL_HOST": "",
    }


Breaking = Callable[["Breaker"], None]
"""What goes wrong while leads are called; it is over when it returns."""


def scheduled(*, leads: int, seed: int, mix: Mix) -> Breaking:
    """Return what breaks things as `chaos.schedule` draws them."""

    def break_all(breaker: Breaker) -> None:
        for breakage in schedule(seed=seed, mix=mix):
            breaker.wait_for_calls(round(breakage.after * leads * CALLED_SHARE))
            breaker.break_(breakage)

    return break_all


def run(
    *,
    folder: Path,
    leads: int,
    seed: int,
    at_once: int = CALLS_AT_ONCE,
    breaking: Breaking | None = None,
) -> dict[str, Any]:
    """Do a whole run on servers of its own, and return its report.

    This process must not have set Django up: it works on the run's database.
    """
    breaking = breaking or scheduled(leads=leads, seed=seed, mix=Mix())
    began = time.monotonic()
    with PostgresCluster(folder) as postgres, RedisServer(folder) as redis:
        environment = environment_of(folder, database_url=postgres.url, redis_url=redis.url)
        os.environ.update(environment)
        (folder / "data").mkdir()
        evidence = _run(folder, environment, postgres, redis, leads, seed, at_once, breaking)
        from benchmarks.chaos.checks import check

        evidence.took_s = time.monotonic() - began
        _keep(evidence, folder / "logs")
        return check(evidence) | {"seed": seed, "leads": leads}


def _keep(evidence: Evidence, folder: Path) -> None:
    """Write down what the carrier saw and what the product kept, for whoever looks into it."""
    from calls.models import Call, Turn

    kept = {
        "carrier": evidence.details,
        "calls": list(Call.objects.values()),
        "turns": list(Turn.objects.order_by("call", "index").values()),
    }
    (folder / "evidence.json").write_text(json.dumps(kept, default=str))


def _run(
    folder: Path,
    environment: dict[str, str],
    postgres: PostgresCluster,
    redis: RedisServer,
    leads: int,
    seed: int,
    at_once: int,
    breaking: Breaking,
) -> Evidence:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    world = world_make(leads=leads, seed=seed, now=timezone.now(), at_once=at_once)
    connections.close_all()
    log.info("leads_made", leads=leads)
    stage = Stage(folder, environment=environment, seed=seed)
    breaker = Breaker(stage, postgres, redis, world, seed)
    with Balancer(stage.public_port, stage.web_ports), stage:
        stage.carrier_faults({"*": ALWAYS_WRONG})
        stage.work()
        log.info("calling")
        began = time.monotonic()
        breaking(breaker)
        stage.carrier_faults({"*": ALWAYS_WRONG})
        log.info("settling")
        settled, called_s = _settle(stage, began)
        calls = stage.carrier_calls()
        details = {
            call["sid"]: stage.carrier_call(call["sid"])
            for call in calls
            if call["status"] == "completed"
        }
    return Evidence(
        world, calls, details, breaker.done, settled=settled, called_s=round(called_s, 1)
    )


class Breaker:
    """Carries the schedule out."""

    def __init__(
        self,
        stage: Stage,
        postgres: PostgresCluster,
        redis: RedisServer,
        world: World,
        seed: int,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.stage = stage
        self._postgres = postgres
        self._redis = redis
        self._world = world
        self._lot = random.Random(f"breaker:{seed}")
        self._database_back = 0.0

    def wait_for_calls(self, count: int) -> None:
        """Wait until so many calls have been made, or none is made any more."""
        seen, since = -1, time.monotonic()
        while seen < count and time.monotonic() < since + STUCK_S:
            self.stage.tend()
            made = len(self.stage.carrier_calls())
            if made != seen:
                seen, since = made, time.monotonic()
            time.sleep(self._lot.uniform(0.05, 0.3))

    def break_(self, breakage: Breakage) -> None:
        """Do one."""
        log.info("breakage", kind=breakage.kind)
        kind = breakage.kind
        self.done[kind] += 1
        if kind == "postgres":
            self._postgres.crash()
            time.sleep(1.0)
            self._postgres.start()
            self._database_back = time.monotonic()
        elif kind == "redis":
            self._redis.crash()
            time.sleep(2.0)
            self._redis.start()
        elif kind == "opt_out":
            _in_database(self._opt_out)
        elif kind == "repeat":
            _in_database(self._repeat)
        elif kind in ("web", "dialer", "worker"):
            if kind == "web":
                wait_s = self._database_back + AFTER_DATABASE_S - time.monotonic()
                time.sleep(max(0.0, wait_s) if self._database_back else 0.0)
            self.stage.kill(kind, breakage.number)
        else:
            # Faults are set all together: what is left of the last ones is over.
            self.stage.carrier_faults({"*": {**ALWAYS_WRONG, kind: breakage.number}})

    def _opt_out(self) -> None:
        """Somebody writes to us that they want no calls; half of those chosen wait for theirs."""
        from django.utils import timezone

        from leads.services import do_not_call_add

        left = [n for n in self._world.callable if n not in self._world.withdrawn]
        phone = self._lot.choice(left)
        do_not_call_add(phone=phone, source="manual", reason="Wrote to us", now=timezone.now())
        self._world.withdrawn[phone] = timezone.now()

    def _repeat(self) -> None:
        """Have work done twice: its wake-up sent again, its mark of being done taken away."""
        import django_rq

        from calls.jobs import outbox_item
        from calls.models import OutboxItem

        ids = list(OutboxItem.objects.filter(kind="aftercall").order_by("pk").values_list("pk"))
        for (pk,) in self._lot.sample(ids, k=min(5, len(ids))):
            OutboxItem.objects.filter(pk=pk, done_at__isnull=False).update(done_at=None)
            for _ in range(2):
                django_rq.get_queue("urgent").enqueue(outbox_item, str(pk))


def _settle(stage: Stage, began: float) -> tuple[bool, float]:
    """Wait until nothing is under way. Returns whether it came to that, and when the last call
    was made, in seconds after the first.

    As long as calls are made there is patience; after the last one, `SETTLE_S`.
    """
    quiet, count = 0, -1
    last_call = time.monotonic()
    while time.monotonic() < last_call + SETTLE_S:
        stage.tend()
        calls = stage.carrier_calls()
        if len(calls) != count:
            count, last_call = len(calls), time.monotonic()
        quiet = quiet + 1 if not _under_way() and not _on_the_line(calls) else 0
        if quiet >= 3:
            return True, last_call - began
        time.sleep(1.0)
    return False, last_call - began


def _on_the_line(calls: list[dict[str, Any]]) -> bool:
    return any(call["status"] in ("queued", "ringing", "in-progress") for call in calls)


def _under_way() -> bool:
    """Return whether a call, a job or a claim is still to be finished."""
    return bool(_in_database(lambda: any(under_way().values())))


def under_way() -> dict[str, Any]:
    """Return what is still to be finished: how much of each, and which jobs."""
    from django.db.models import Q
    from django.utils import timezone

    from calls.models import Call, Enrolment, OutboxItem

    now = timezone.now()
    soon = now + timedelta(minutes=3)
    due = Q(state=Enrolment.State.WAITING, due_at__lte=now + _AGAIN)
    return {
        "active": Call.objects.filter(state__in=Call.ACTIVE_STATES).count(),
        "unsettled": Call.objects.filter(settled_at__isnull=True).count(),
        "claimed": Enrolment.objects.filter(state=Enrolment.State.CLAIMED).count(),
        # A campaign that is held waits as a whole: for money, or for its hours.
        "due": Enrolment.objects.filter(due, campaign__state="running")
        .exclude(campaign__held_until__gt=now)
        .count(),
        "jobs": list(
            OutboxItem.objects.filter(done_at=None, dead_at=None, due_at__lte=soon).values_list(
                "kind", "attempts", "last_error"
            )
        ),
    }


def _in_database(work: Any) -> Any:
    """Do something in the database or in Redis; once more when it had been away."""
    from django.db import InterfaceError, OperationalError, close_old_connections, connections
    from redis.exceptions import RedisError

    for _ in range(20):
        try:
            return work()
        except (OperationalError, InterfaceError, RedisError):
            connections.close_all()
            time.sleep(0.5)
        finally:
            close_old_connections()
    return work()
