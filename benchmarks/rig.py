"""What benchmarks that open media sockets directly have in common: a folder, servers, options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import systems
from benchmarks.direct import DirectProduct, DirectStockBot
from benchmarks.latency import folder_of, machine, prepare, say
from benchmarks.sockets import OpenSystem
from reauto_site.demo.servers import Servers, port_take

__all__ = ["machine", "options_add", "say", "systems_of"]

Start = Callable[[Servers], OpenSystem]


def options_add(parser: argparse.ArgumentParser) -> None:
    """Add the options that every one of them has."""
    add = parser.add_argument
    add("--peer", action=argparse.BooleanOptionalAction, default=True, help="the stock bot too")
    add("--product", action=argparse.BooleanOptionalAction, default=True, help="the product too")
    add("--keep", type=Path, help="folder to keep logs and the database in")


@contextmanager
def systems_of(
    options: argparse.Namespace, more: Mapping[str, str] | None = None
) -> Iterator[list[tuple[str, Callable[[], Any]]]]:
    """Give the systems asked for, each as its name and what starts it afresh, by itself.

    Args:
        more: further environment variables of the product.
    """
    with folder_of(options.keep) as folder:
        port, carrier_port = (port_take(0, what=name, option="") for name in ("server", "carrier"))
        environment = systems.environment(folder, port=port, carrier_port=carrier_port)
        environment |= {"VOICE_MAX_SESSIONS": "500", **(more or {})}
        os.environ |= environment  # before any settings are read
        if options.product:
            prepare()

        @contextmanager
        def running(start: Start) -> Iterator[OpenSystem]:
            with Servers(environment=environment, log_dir=folder / "logs") as servers:
                yield start(servers)

        found: list[tuple[str, Callable[[], Any]]] = []
        if options.product:
            found.append(("product", lambda: running(lambda s: DirectProduct(s, port=port))))
        if options.peer:
            found.append(
                ("stock_pipecat", lambda: running(lambda s: DirectStockBot(s, folder=folder)))
            )
        yield found
