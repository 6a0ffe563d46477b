"""Starts the run's processes by forking, so that one that was killed is back in a second.

A process of its own that has the product's modules loaded, but no connection and no thread.
For each line of JSON on its standard input it forks a child that becomes a server, a dialer or a
worker, exactly as the commands do, and answers with its process id. When its input ends, so does
it; its children are whoever's that asked for them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Take orders until there are no more."""
    from reauto_site import choose_settings

    choose_settings()
    import django

    django.setup()
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _become(order)
        print(child, flush=True)


def _load() -> None:
    """Load what takes long to load, and what takes the place of the product's speech engines.

    Not the server's reactor: it may not be shared.
    """
    import voice.consumers
    import voice.preload  # noqa: F401
    from benchmarks.chaos import engines

    engines.install()


def _become(order: dict[str, Any]) -> None:
    """Be another process: never returns."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        _work(order)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _work(order: dict[str, Any]) -> None:
    if order["kind"] == "web":
        from daphne.cli import CommandLineInterface

        where = ["-b", "127.0.0.1", "-p", str(order["port"])]
        CommandLineInterface().run([*where, "reauto_site.asgi:application"])
    else:
        from django.core.management import call_command

        call_command(f"run_{order['kind']}")


if __name__ == "__main__":
    main()
