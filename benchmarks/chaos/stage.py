"""The product's processes in a run: started, killed, started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from benchmarks.chaos.clusters import free_port

WEBS, DIALERS, WORKERS = 2, 2, 2
CARRIER = ("--cps", "100", "--fast", "20")
START_S = 120.0
ROOT = Path(__file__).parents[2]


class Stage:
    """Two servers behind one address, two dialers, two workers, and the fast carrier.

    Args:
        carrier: its options.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: dict[str, str],
        seed: int,
        carrier: Sequence[str] = CARRIER,
    ) -> None:
        self.public_port = int(environment["PUBLIC_BASE_URL"].rpartition(":")[2])
        self.web_ports = [free_port() for _ in range(WEBS)]
        self._carrier_url = environment["TWILIO_API_BASE_URL"]
        self._carrier_options = (*carrier, "--seed", str(seed))
        self._logs = folder / "logs"
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._parents: list[subprocess.Popen[str]] = []
        self._pids: dict[tuple[str, int], int] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True)
        self._launch(
            "manage.py", "carrier", "--port", self._carrier_url.rpartition(":")[2],
            *self._carrier_options,
        )  # fmt: skip
        self._nursery = self._launch("-m", "benchmarks.chaos.nursery")
        self._answer()
        for number in range(WEBS):
            self._start("web", number)
        for port in self.web_ports:
            _wait_for(f"http://127.0.0.1:{port}/health/live")
        _wait_for(f"{self._carrier_url}/_simulator/")
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._pids.values():
            _kill_group(pid)
        for parent in self._parents:
            _kill_group(parent.pid)
            parent.wait()

    def work(self) -> None:
        """Start dialers and workers."""
        for kind, count in (("dialer", DIALERS), ("worker", WORKERS)):
            for number in range(count):
                self._start(kind, number)

    def kill(self, kind: str, number: int) -> None:
        """Kill a process, with its children, as a crash would, and start another in its place."""
        _kill_group(self._pids[kind, number])
        self._start(kind, number)

    def tend(self) -> None:
        """Start again what has ended by itself, as a supervisor does: a worker without Redis."""
        for (kind, number), pid in list(self._pids.items()):
            if not _lives(pid):
                self._start(kind, number)

    def _start(self, kind: str, number: int) -> None:
        order = {"kind": kind, "log": str(self._logs / f"{kind}{number}.log")}
        if kind == "web":
            order["port"] = str(self.web_ports[number])
        assert self._nursery.stdin is not None
        print(json.dumps(order), file=self._nursery.stdin, flush=True)
        self._pids[kind, number] = int(self._answer())

    def _answer(self) -> str:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the product did not load: see {self._logs}")
        return line

    def _launch(self, *arguments: str) -> subprocess.Popen[str]:
        name = arguments[1].rpartition(".")[2]
        with (self._logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if name == "nursery" else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._parents.append(process)
        return process

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
        request = urllib.request.Request(f"{self._carrier_url}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
