"""Run the stand-in for Ollama."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError

from agents.standin.behaviour import Behaviour, Fault
from agents.standin.server import OllamaStandIn


class Command(BaseCommand):
    help = (
        "Serve Ollama's HTTP API without a model, for tests, benchmarks and trying things out: "
        "it repeats lines of its instructions, at the pace and with the faults that you set. "
        "Everything can be changed while it runs: POST the same names as JSON to /_standin/, such "
        'as {"fault": "stall"}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Behaviour()
        add = parser.add_argument
        add("--port", type=int, default=11434, help="Port; 0 takes a free one (default: 11434).")
        add("--model", action="append", help="A model that is there (default: llama3.1:8b).")
        add("--first-token-ms", type=float, default=usual.first_token_ms, help="Default: 150.")
        add("--tokens-per-second", type=float, default=usual.tokens_per_second, help="Default: 40.")
        add("--load-ms", type=float, default=0, help="Time to load a model (default: 0).")
        add("--fault", choices=[fault.value for fault in Fault], default="none")
        add("--fault-after-tokens", type=int, default=usual.fault_after_tokens)
        add("--fault-times", type=int, default=0, help="Requests that it befalls; 0: all.")
        add("--say", action="append", help="What is said, one after the other.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            behaviour = Behaviour(
                models=tuple(options["model"] or ("llama3.1:8b",)),
                first_token_ms=options["first_token_ms"],
                tokens_per_second=options["tokens_per_second"],
                load_ms=options["load_ms"],
                fault=Fault(options["fault"]),
                fault_after_tokens=options["fault_after_tokens"],
                fault_times=options["fault_times"],
                say=tuple(options["say"] or ()),
            )
        except ValidationError as error:
            faults = (
                f"--{str(each['loc'][0]).replace('_', '-')}: {each['msg']}"
                for each in error.errors()
            )
            raise CommandError("; ".join(faults)) from None
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._serve(behaviour, options["port"]))

    async def _serve(self, behaviour: Behaviour, port: int) -> None:
        standin = OllamaStandIn(behaviour)
        try:
            await standin.start(port)
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be taken: {error.strerror}. Choose another with --port."
            ) from None
        await standin.set()  # "refused" stops listening again
        self.stdout.write(f"Stand-in for Ollama on {standin.url}")
        self.stdout.flush()
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        try:
            await over.wait()
        finally:
            await standin.stop()
