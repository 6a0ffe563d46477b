"""A stage for whole calls: the real processes of the product around the test's own database."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from agents.selectors import playbook_version_current
from agents.services.playbooks import playbook_publish
from billing.services.prices import prices_seed
from calls.models import Call, Campaign
from reauto_site.demo import seed
from reauto_site.demo.board import Board
from reauto_site.demo.servers import Servers, port_take
from reauto_site.settings.env import SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN


class Stage:
    """Web and voice server, carrier simulator and dialer, and the leads they call."""

    def __init__(self, folder: Path, *, with_model: bool = False) -> None:
        self.port = port_take(0, what="server", option="--port")
        self.carrier_port = port_take(0, what="carrier", option="--carrier-port")
        self.model_port = port_take(0, what="model", option="--port") if with_model else 0
        self.directory = folder / "directory.json"
        self.servers = Servers(environment=self._environment(folder), log_dir=folder / "logs")

    def cast(
        self, personas: Sequence[str], *, questions: Collection[str] = ()
    ) -> tuple[Campaign, list[seed.SeededLead]]:
        """Seed one lead per persona in a draft campaign.

        Args:
            personas: who plays the leads.
            questions: ask only for these; every question takes about six seconds.
        """
        prices_seed()
        now = timezone.now()
        leads = seed.leads_seed(calls=len(personas), now=now, cast=seed.cast_of(personas))
        seed.rep_seed(time_zone=leads[0].place.time_zone)
        self.directory.write_text(json.dumps({lead.phone: lead.persona for lead in leads}))
        campaign = seed.campaign_seed(now=now)
        if questions:
            version = playbook_version_current(campaign.playbook_id)
            assert version is not None
            asked = [each for each in version.script["questions"] if each["slot"] in questions]
            playbook_publish(
                playbook_id=campaign.playbook_id, script={**version.script, "questions": asked}
            )
        return campaign, leads

    def start_carrier(self, *options: str) -> None:
        self.servers.start(
            "carrier",
            [
                "manage.py", "carrier", "--port", str(self.carrier_port),
                "--directory", str(self.directory), "--ring-seconds", "1", *options,
            ],
            ready_url=f"http://127.0.0.1:{self.carrier_port}/",
        )  # fmt: skip

    def start_model(self) -> None:
        """Start the stand-in for Ollama."""
        self.servers.start(
            "model",
            ["manage.py", "ollama_standin", "--port", str(self.model_port)],
            ready_url=f"http://127.0.0.1:{self.model_port}/",
        )

    def start_server(self) -> None:
        self.servers.start(
            "server",
            [
                "-m",
                "daphne",
                "-b",
                "127.0.0.1",
                "-p",
                str(self.port),
                "reauto_site.asgi:application",
            ],
            ready_url=f"http://127.0.0.1:{self.port}/health/ready",
        )

    def start_dialer(self) -> None:
        self.servers.start("dialer", ["manage.py", "run_dialer"])
        if settings.REDIS_URL:
            self.servers.start("worker", ["manage.py", "run_worker"])

    def open(self, campaign: Campaign, leads: Sequence[seed.SeededLead]) -> None:
        """Enrol the leads and start the campaign."""
        seed.campaign_open(campaign=campaign, leads=list(leads), now=timezone.now())

    def kill(self, name: str) -> None:
        """Kill a process as a crash would, and wait until it is gone."""
        self.servers.kill(name)

    def watch(
        self, campaign: Campaign, leads: Sequence[seed.SeededLead], *, seconds: float
    ) -> list[dict[str, object]]:
        """Wait until every lead's call is settled, and return the results."""
        lines: list[str] = []
        board = Board(leads, campaign_id=campaign.id, write=lines.append)
        assert board.watch(seconds=seconds, check=self.servers.check), "\n".join(lines)
        return board.results()

    def wait_for(
        self, campaign: Campaign, condition: Callable[[Call], bool], *, seconds: float
    ) -> Call:
        """Wait until a call of the campaign meets a condition, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.servers.check()
            for call in Call.objects.filter(campaign=campaign):
                if condition(call):
                    return call
            time.sleep(0.2)
        raise AssertionError("no call came that far")

    def _environment(self, folder: Path) -> dict[str, str]:
        return {
            "DJANGO_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "reauto_site.settings.test",
            "DATA_DIR": str(settings.ENV.data_dir),
            "DATABASE_URL": _database_url(),
            "REDIS_URL": _redis_url(),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}",
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{self.carrier_port}",
            "TWILIO_ACCOUNT_SID": SIMULATOR_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": SIMULATOR_AUTH_TOKEN,
            "OLLAMA_HOST": f"http://127.0.0.1:{self.model_port}" if self.model_port else "",
        }


@contextmanager
def stage(folder: Path, *, with_model: bool = False) -> Iterator[Stage]:
    """Give a stage, and clear it whatever happens."""
    built = Stage(folder, with_model=with_model)
    with built.servers:
        yield built


def _database_url() -> str:
    """Return the address of the test's own database for the child processes."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    user = config["USER"] + (f":{config['PASSWORD']}" if config["PASSWORD"] else "")
    return f"postgresql://{user}@{config['HOST']}:{config['PORT']}/{config['NAME']}"


def _redis_url() -> str:
    """Return the address of a Redis database that no parallel test worker shares."""
    if not settings.REDIS_URL:
        return ""
    server, _, number = settings.REDIS_URL.rpartition("/")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{server}/{int(number) + int(worker)}"
