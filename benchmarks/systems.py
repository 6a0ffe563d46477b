"""The two systems measured: the product as it runs, and the stock bot beside it."""

from __future__ import annotations

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.exchange import Exchange, Measured
from benchmarks.gaps import summary
from reauto_site.demo.servers import Servers, port_take

CARRIER_CALLS_PER_SECOND = 10
GIVE_UP_S = 60.0
_NUMBERS = itertools.count(5001)
"""Fictional numbers of the bot's calls; the product takes those of its demo."""


@dataclass(frozen=True)
class Platform:
    """The platform gap of a system and what its turns are made of, by its own account (ms)."""

    gap: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    source: str


class System(Protocol):
    """Something that takes calls."""

    name: str

    def call(self, personas: Sequence[str], *, at_once: int, seconds: float) -> list[Measured]:
        """Have these people called, so many at once, and return what was measured."""

    def platform(self, calls: Sequence[Measured]) -> Platform:
        """Return what the system itself says about those calls."""


class Product:
    """The product's own processes on a database of their own."""

    name = "product"

    def __init__(self, servers: Servers, exchange: Exchange, *, port: int) -> None:
        self._servers = servers
        self._exchange = exchange
        servers.start(
            "server",
            ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "reauto_site.asgi:application"],
            ready_url=f"http://127.0.0.1:{port}/health/ready",
        )
        servers.start("dialer", ["manage.py", "run_dialer"])

    def call(self, personas: Sequence[str], *, at_once: int, seconds: float) -> list[Measured]:
        """Start a campaign that calls these people."""
        from django.utils import timezone

        from reauto_site.demo import seed

        now = timezone.now()
        leads = seed.leads_seed(calls=len(personas), now=now, cast=seed.cast_of(personas))
        seed.rep_seed(time_zone=leads[0].place.time_zone)
        self._exchange.register({lead.phone: lead.persona for lead in leads})
        campaign = seed.campaign_seed(now=now)
        campaign.max_concurrent = at_once
        campaign.save(update_fields=["max_concurrent"])
        seed.campaign_open(campaign=campaign, leads=leads, now=timezone.now())
        rounds = -(-len(leads) // at_once)
        return self._exchange.watch(
            [lead.phone for lead in leads],
            seconds=seconds,
            give_up_s=GIVE_UP_S + rounds * (seconds + 15),
            check=self._servers.check,
        )

    def platform(self, calls: Sequence[Measured]) -> Platform:
        """Return the breakdown that the product keeps with each turn."""
        from calls.models import Turn

        turns = Turn.objects.filter(
            call__provider_sid__in=[call.call_sid for call in calls],
            speaker="agent",
            latency_ms__isnull=False,
        )
        details = [turn.details for turn in turns if turn.details]
        steps: dict[str, list[float]] = defaultdict(list)
        for each in details:
            for step, ms in each.items():
                steps[step].append(ms)
        return Platform(
            gap=summary(steps.get("transport", [])),
            steps={step: summary(values) for step, values in steps.items()},
            source="turn breakdown: turn confirmed to first audible sample scheduled",
        )


class StockBot:
    """The stock Pipecat bot in a process of its own."""

    name = "stock_pipecat"

    def __init__(
        self, servers: Servers, exchange: Exchange, *, folder: Path, more: Sequence[str] = ()
    ) -> None:
        self._servers = servers
        self._exchange = exchange
        self._events = folder / "stock_bot.jsonl"
        port = port_take(0, what="stock bot", option="--port")
        self._url = f"http://127.0.0.1:{port}"
        servers.start(
            "stock_bot",
            [
                "-m", "benchmarks.stock_bot", "--port", str(port), "--events", str(self._events),
                *more,
            ],
            ready_url=self._url,
        )  # fmt: skip

    def call(self, personas: Sequence[str], *, at_once: int, seconds: float) -> list[Measured]:
        """Call these people and connect them to the bot."""
        measured = []
        for first in range(0, len(personas), at_once):
            batch = {self._number(): persona for persona in personas[first : first + at_once]}
            self._exchange.register(batch)
            for number in batch:
                self._exchange.dial(to=number, url=f"{self._url}/voice")
            measured += self._exchange.watch(
                list(batch),
                seconds=seconds,
                give_up_s=GIVE_UP_S + seconds,
                check=self._servers.check,
            )
        return measured

    def platform(self, calls: Sequence[Measured]) -> Platform:
        """Return what Pipecat's own events say."""
        known = {call.call_sid for call in calls}
        by_call: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for line in self._events.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["call"] in known:
                by_call[event["call"]].append((event["at_ms"], event["step"]))
        steps: dict[str, list[float]] = defaultdict(list)
        for events in by_call.values():
            _follow(sorted(events), steps)
        return Platform(
            gap=summary(steps.get("transport", [])),
            steps={step: summary(values) for step, values in steps.items()},
            source="Pipecat's frames: UserStoppedSpeakingFrame to the first media message after it",
        )

    def _number(self) -> str:
        return f"+1808555{next(_NUMBERS)}"


STEP_NAMES = {
    ("vad_stopped", "transcribed"): "stt",
    ("transcribed", "turn_over"): "confirmation",
    ("turn_over", "decided"): "decision",
    ("decided", "synthesised"): "synthesis",
    ("turn_over", "sound"): "transport",
}


def _follow(events: Sequence[tuple[float, str]], steps: dict[str, list[float]]) -> None:
    """Add how long each step of each answer took. A turn that starts afresh drops what was."""
    at: dict[str, float] = {}
    for at_ms, step in events:
        if step == "vad_stopped":
            at = {}
        at[step] = at_ms
        if step == "sound":
            if "turn_over" in at:
                for (one, other), name in STEP_NAMES.items():
                    if one in at and other in at and at[other] >= at[one]:
                        steps[name].append(at[other] - at[one])
            at = {}


def environment(folder: Path, *, port: int, carrier_port: int) -> dict[str, str]:
    """Return the variables of a run: a folder and a database of its own, the local carrier."""
    from reauto_site.settings.env import SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN

    return {
        "DJANGO_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "reauto_site.settings.test",
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'benchmark.sqlite3'}",
        "LOG_LEVEL": "WARNING",
        "REDIS_URL": "",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "TWILIO_API_BASE_URL": f"http://127.0.0.1:{carrier_port}",
        "TWILIO_ACCOUNT_SID": SIMULATOR_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": SIMULATOR_AUTH_TOKEN,
        "TWILIO_CALLS_PER_SECOND": str(CARRIER_CALLS_PER_SECOND),
        "OLLAMA_HOST": "",
    }


def carrier_start(servers: Servers, *, port: int) -> Exchange:
    """Start the carrier simulator and return it."""
    servers.start(
        "carrier",
        [
            "manage.py", "carrier", "--port", str(port), "--ring-seconds", "1",
            "--cps", str(CARRIER_CALLS_PER_SECOND),
        ],
        ready_url=f"http://127.0.0.1:{port}/",
    )  # fmt: skip
    return Exchange(
        f"http://127.0.0.1:{port}",
        account_sid=os.environ["TWILIO_ACCOUNT_SID"],
        auth_token=os.environ["TWILIO_AUTH_TOKEN"],
    )
