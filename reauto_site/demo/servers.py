"""Start the product's processes for the demo, and stop them again whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from django.core.management.base import CommandError

BASE_DIR = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
STOP_SECONDS = 10


def port_take(port: int, *, what: str, option: str) -> int:
    """Return a port that is free on this machine: the given one, or any if it is 0.

    Raises:
        CommandError: the port is taken; the message says which option changes it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} for the {what} is taken by another program. Stop that program, or "
                f"choose another port: manage.py demo {option} {port + 1} "
                f"(make demo {option.removeprefix('--').replace('-', '_').upper()}={port + 1})."
            ) from None
        return int(probe.getsockname()[1])


class Servers:
    """The demo's child processes, each with its own log file."""

    def __init__(self, *, environment: Mapping[str, str], log_dir: Path) -> None:
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._log_dir = log_dir
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, arguments: Sequence[str], *, ready_url: str = "") -> None:
        """Start `python arguments…` and wait until its address answers.

        Raises:
            CommandError: it ended or did not answer in time; the message quotes its log.
        """
        log = self._log_dir / f"{name}.log"
        with log.open("wb") as sink:
            self._children[name] = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, *arguments],
                cwd=BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach the demo alone, which then stops its children in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while ready_url and not _answers(ready_url):
            self.check()
            if time.monotonic() > deadline:
                raise CommandError(f"The {name} did not start in {START_SECONDS} s. See {log}.")
            time.sleep(0.1)

    def check(self) -> None:
        """Raise CommandError if a child has ended by itself."""
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self._log_dir / f"{name}.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise CommandError(
                    f"The {name} ended unexpectedly (exit code {child.returncode}). "
                    f"The end of {log}:\n{tail}"
                )

    def pid(self, name: str) -> int:
        """Return the process id of a child."""
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """Kill a child as a crash would (SIGKILL), and forget it."""
        child = self._children.pop(name)
        child.kill()
        child.wait()

    def stop(self) -> None:
        """Ask every child to end, last started first, and make sure that it does."""
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own http address
            return True
    except urllib.error.HTTPError as error:
        # An answer that says "not allowed" or "not here" still comes from a running server;
        # one that says "not ready" does not count.
        return error.code < 500
    except OSError:
        return False
