"""Run the product's main job: simulated leads are called, talk, and are written up."""

from __future__ import annotations

import json
import signal
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reauto_site.demo import seed
from reauto_site.demo.board import Board, table
from reauto_site.demo.model import model_environment, model_used
from reauto_site.demo.servers import Servers, port_take
from reauto_site.settings.env import SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN

# A conversation takes one to two minutes; four run at once.
SECONDS_PER_ROUND = 240


class Command(BaseCommand):
    help = (
        "Start the web and voice server, the carrier simulator and the dialer, call simulated "
        "leads, show what came of it, and keep serving until Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--calls", type=int, default=8, help="How many leads are called.")
        parser.add_argument("--port", type=int, default=8000, help="Web port; 0 takes a free one.")
        parser.add_argument(
            "--carrier-port", type=int, default=8900, help="Simulator port; 0 takes a free one."
        )
        parser.add_argument(
            "--exit", action="store_true", help="End after the calls; fail on a wrong outcome."
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write the results there.")
        parser.add_argument(
            "--with-llm",
            action="store_true",
            help="Use the Ollama of OLLAMA_HOST, or this machine's, if one answers.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENV.django_env in {"staging", "production"}:
            raise CommandError(
                f"The demo makes up leads and does not belong on {settings.ENV.django_env}. "
                "Run it where DJANGO_ENV is dev."
            )
        if options["calls"] < 1:
            raise CommandError("--calls must be 1 or more.")
        if threading.current_thread() is threading.main_thread():
            # Told to end by SIGTERM, the demo stops its processes as it does on Ctrl-C.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self._run(**options)
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _run(self, **options: Any) -> None:
        began = time.monotonic()
        port = port_take(options["port"], what="web server", option="--port")
        carrier_port = port_take(
            options["carrier_port"], what="carrier simulator", option="--carrier-port"
        )
        self._say("Preparing the database")
        call_command("migrate", verbosity=0)

        now = timezone.now()
        login = seed.manager_seed()
        model = model_environment(wanted=options["with_llm"], say=self._say)
        cast = seed.CAST_WITH_MODEL if model["OLLAMA_HOST"] else seed.CAST
        leads = seed.leads_seed(calls=options["calls"], now=now, cast=cast)
        seed.rep_seed(time_zone=leads[0].place.time_zone)
        campaign = seed.campaign_seed(now=now)
        directory = settings.ENV.data_dir / "demo-directory.json"
        directory.write_text(json.dumps({lead.phone: lead.persona for lead in leads}))
        self._say(f"{len(leads)} leads who may be called now: {leads[0].place.city}")

        web = f"http://127.0.0.1:{port}"
        environment = {
            "DJANGO_ENV": settings.ENV.django_env,
            "PUBLIC_BASE_URL": web,
            # Whatever the machine has set: a demo never reaches a real telephone.
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{carrier_port}",
            "TWILIO_ACCOUNT_SID": SIMULATOR_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": SIMULATOR_AUTH_TOKEN,
            **model,
        }
        with Servers(environment=environment, log_dir=settings.ENV.data_dir / "logs") as servers:
            self._start(servers, port=port, carrier_port=carrier_port, directory=directory)
            seed.campaign_open(campaign=campaign, leads=leads, now=timezone.now())
            self._say("Calling. What is said, as it is said:\n")
            board = Board(leads, campaign_id=campaign.id, write=self.stdout.write)
            rounds = -(-len(leads) // campaign.max_concurrent)
            board.watch(seconds=SECONDS_PER_ROUND * rounds, check=servers.check)
            results = board.results()
            elapsed = time.monotonic() - began
            self.stdout.write("\n" + table(results) + "\n")
            if options["json"]:
                report = {"calls": results, "elapsed_s": round(elapsed, 1)}
                options["json"].write_text(json.dumps(report, indent=2) + "\n")
            wrong = [r["persona"] for r in results if r["outcome"] != r["expected"]]
            self._summary(results=results, wrong=wrong, elapsed=elapsed)
            if model["OLLAMA_HOST"]:
                self.stdout.write(model_used(campaign.id))
            if options["exit"]:
                if wrong:
                    raise CommandError(f"Unexpected outcome: {', '.join(wrong)}.")
                return
            self.stdout.write(
                f"\nLook around:  {web}/admin/\n"
                f"Log in as:    {login.username} / {login.password}\n"
                "Stop with:    Ctrl-C\n"
            )
            self._serve(servers)

    def _start(self, servers: Servers, *, port: int, carrier_port: int, directory: Path) -> None:
        self._say("Starting the carrier simulator")
        servers.start(
            "carrier",
            ["manage.py", "carrier", "--port", str(carrier_port), "--directory", str(directory)],
            ready_url=f"http://127.0.0.1:{carrier_port}/",
        )
        self._say("Starting the web and voice server (loads the speech engines)")
        servers.start(
            "server",
            ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "reauto_site.asgi:application"],
            ready_url=f"http://127.0.0.1:{port}/health/ready",
        )
        self._say("Starting the dialer")
        servers.start("dialer", ["manage.py", "run_dialer"])
        if settings.REDIS_URL:  # else the dialer does the after-call work itself
            self._say("Starting a worker for after-call work")
            servers.start("worker", ["manage.py", "run_worker"])

    def _serve(self, servers: Servers) -> None:
        while True:
            servers.check()
            time.sleep(1)

    def _summary(self, *, results: list[dict[str, Any]], wrong: list[str], elapsed: float) -> None:
        good = len(results) - len(wrong)
        cost = sum(float(result["cost_usd"]) for result in results)
        line = f"{good} of {len(results)} calls as expected, ${cost:.4f}, {elapsed:.0f} s"
        style = self.style.ERROR if wrong else self.style.SUCCESS
        self.stdout.write(style(line))

    def _say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING("==> ") + text)
