"""Run the carrier simulator: a telephone company with simulated people, on this machine."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.simulator import CarrierSimulator, Fast
from calls.simulator.fast import OUTCOMES, outcomes_read
from calls.simulator.faults import FaultBook, FaultError
from calls.simulator.persona import PersonaError, persona_names
from calls.simulator.server import PortTakenError
from calls.simulator.switchboard import read_directory


class Command(BaseCommand):
    """Serve Twilio's interfaces until interrupted."""

    help = "Run the Twilio-compatible carrier simulator with its simulated leads."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        add("--port", type=int, default=8900, help="port, 0 for a free one (default: %(default)s)")
        add("--account-sid", default="", help="account SID (default: TWILIO_ACCOUNT_SID)")
        add("--auth-token", default="", help="auth token (default: TWILIO_AUTH_TOKEN)")
        add("--directory", type=Path, help='JSON file {"+18085550100": "eager_seller", …}')
        add("--default-persona", default="", help="who answers numbers not in the directory")
        add("--cps", type=float, default=1.0, help="calls placed a second (default: %(default)s)")
        add("--ring-seconds", type=float, default=2.0, help="ring time (default: %(default)s)")
        add(
            "--fast",
            type=float,
            metavar="TIMES",
            help="draw who answers by lot, and let people and network be so many times faster, "
            "e.g. 20; what people say is short sound that carries its words",
        )
        add("--seed", type=int, default=1, help="of the lots of --fast (default: %(default)s)")
        add(
            "--outcomes",
            metavar="PERSONA=PARTS,…",
            help="how often each persona answers with --fast, in parts, e.g. "
            "no_answer=30,eager_seller=5",
        )
        add(
            "--fault",
            action="append",
            default=[],
            metavar="[NUMBER|PERSONA:]NAME=VALUE",
            help="something that goes wrong, e.g. rest_429=1 or "
            "eager_seller:drop_socket_after_ms=5000; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the options and serve."""
        if options["cps"] <= 0:
            raise CommandError("--cps must be more than 0")
        try:
            carrier = self._carrier(options)
            asyncio.run(self._serve(carrier, options["fault"]))
        except PortTakenError as error:
            port = options["port"]
            raise CommandError(
                f"Port {port} on {options['host']} is taken by another program. "
                f"Choose another with --port (for example --port {port + 1}), and set "
                f"TWILIO_API_BASE_URL to http://{options['host']}:{port + 1}."
            ) from error
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}. "
                "Choose another with --host and --port."
            ) from error
        except (PersonaError, FaultError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            pass

    def _carrier(self, options: dict[str, Any]) -> CarrierSimulator:
        directory = read_directory(options["directory"]) if options["directory"] else {}
        fast = None
        if options["fast"] is not None:
            given = options["outcomes"]
            outcomes = outcomes_read(given) if given else dict(OUTCOMES)
            fast = Fast(seed=options["seed"], times=options["fast"], outcomes=outcomes)
        for text in options["fault"]:
            FaultBook().add(text)  # a wrong one is refused before anything starts
        return CarrierSimulator(
            account_sid=options["account_sid"] or settings.ENV.twilio_account_sid,
            auth_token=options["auth_token"] or settings.ENV.twilio_auth_token.get_secret_value(),
            directory=directory,
            host=options["host"],
            port=options["port"],
            calls_per_second=options["cps"],
            ring_seconds=options["ring_seconds"],
            default_persona=options["default_persona"],
            fast=fast,
        )

    async def _serve(self, carrier: CarrierSimulator, faults: list[str]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        for text in faults:
            carrier.faults.add(text)
        async with carrier:
            self.stdout.write(f"Carrier simulator at {carrier.base_url}")
            self.stdout.write(f"Numbers: {len(carrier.board.directory)}")
            self.stdout.write(f"Personas: {', '.join(persona_names())}")
            self.stdout.write("Ctrl-C stops it.")
            self.stdout.flush()
            await stop.wait()
