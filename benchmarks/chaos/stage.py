"""The product's processes in a run: started, killed, started again."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.chaos.clusters import free_port
from reauto_site.demo.servers import Servers

WEBS, DIALERS, WORKERS = 2, 2, 2
START_S = 60.0


class Stage:
    """Two servers behind one address, two dialers, two workers, and the fast carrier."""

    def __init__(self, folder: Path, *, environment: dict[str, str], seed: int) -> None:
        self.public_port = int(environment["PUBLIC_BASE_URL"].rpartition(":")[2])
        self.web_ports = [free_port() for _ in range(WEBS)]
        self.carrier_url = environment["TWILIO_API_BASE_URL"]
        self._seed = seed
        self._servers = Servers(environment=environment, log_dir=folder / "logs")
        self._running: dict[str, str] = {}
        self._lives = itertools.count(1)

    def __enter__(self) -> Stage:
        carrier_port = self.carrier_url.rpartition(":")[2]
        self._servers.start(
            "carrier",
            [
                "manage.py", "carrier", "--port", carrier_port, "--cps", "100",
                "--fast", "20", "--seed", str(self._seed),
            ],
            ready_url=self.carrier_url,
        )  # fmt: skip
        for number in range(WEBS):
            self._start("web", number)
        for port in self.web_ports:
            _wait_for(f"http://127.0.0.1:{port}/health/live")
        return self

    def __exit__(self, *_: object) -> None:
        self._servers.stop()

    def work(self) -> None:
        """Start dialers and workers."""
        for kind, count in (("dialer", DIALERS), ("worker", WORKERS)):
            for number in range(count):
                self._start(kind, number)

    def kill(self, kind: str, number: int) -> None:
        """Kill one process, with its children, as a crash would, and start another in its place."""
        name = self._running[f"{kind}{number}"]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._servers.pid(name), signal.SIGKILL)
        self._servers.kill(name)
        self._start(kind, number)

    def _start(self, kind: str, number: int) -> None:
        name = f"{kind}{number}.{next(self._lives)}"
        self._running[f"{kind}{number}"] = name
        arguments = {
            "web": [
                "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.web_ports[number % WEBS]),
                "benchmarks.chaos.asgi:application",
            ],
            "dialer": ["manage.py", "run_dialer"],
            "worker": ["manage.py", "run_worker"],
        }  # fmt: skip
        self._servers.start(name, arguments[kind])

    # The carrier, as an outsider sees it

    def carrier_faults(self, faults: dict[str, dict[str, int]]) -> None:
        """Set what the carrier does wrong."""
        self._ask("PUT", "/_simulator/faults", faults)

    def carrier_calls(self) -> list[dict[str, Any]]:
        """Return the carrier's own list of calls."""
        calls: list[dict[str, Any]] = self._ask("GET", "/_simulator/")["calls"]
        return calls

    def carrier_call(self, sid: str) -> dict[str, Any]:
        """Return what happened on one of them, and who said what."""
        found: dict[str, Any] = self._ask("GET", f"/_simulator/calls/{sid}")
        return found

    def _ask(self, method: str, path: str, content: object = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.carrier_url}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
