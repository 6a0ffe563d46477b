"""How long the event loop stands still when calls begin at once, and when each hears a word.

    python -m benchmarks.start [--calls 10] [--rounds 3] [--no-peer]

One silent call is up and asks the system's event loop for a sign of life every 4 ms (a WebSocket
ping). Then `--calls` sockets open in the same moment. The stall is how much longer than usual the
slowest sign took in the next two seconds. Prints one JSON line; `benchmarks/README.md` says more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

import aiohttp

from benchmarks.gaps import summary
from benchmarks.rig import machine, options_add, say, systems_of
from benchmarks.sockets import Canary, OpenSystem, talk

SETTLE_S = 3.0
LOOK_S = 2.0
CALL_S = 5.0
REST_S = 5.0
"""Between bursts, for the ends of the calls before."""


async def burst(system: OpenSystem, *, calls: int) -> dict[str, Any]:
    """Have calls begin at once and return what came of it."""
    canary_door, *doors = await asyncio.to_thread(system.doors, calls + 1)
    over = asyncio.Event()
    canary = Canary(canary_door)
    async with aiohttp.ClientSession() as http:
        singing = asyncio.create_task(canary.run(http, over))
        await asyncio.sleep(SETTLE_S)
        began = time.monotonic()
        quiet_ms = canary.stall_ms(began - SETTLE_S + 1, began)
        callers, watch = await talk(doors, ["silent"], seconds=CALL_S)
        over.set()
        await singing
    return {
        "stall_ms": canary.stall_ms(began - 0.05, began + LOOK_S),
        "stall_before_ms": quiet_ms,
        "first_words_ms": [caller.first_words_ms for caller in callers],
        "refused": sum(bool(caller.error) for caller in callers),
        "caller_late_p99_ms": watch.p99(),
    }


def measure(system: OpenSystem, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a system, the first burst after its start apart."""
    rounds = []
    for _ in range(options.rounds):
        rounds.append(asyncio.run(burst(system, calls=options.calls)))
        time.sleep(REST_S)
    words = [ms for one in rounds for ms in one["first_words_ms"] if ms is not None]
    figures = {
        "stall_ms": [one["stall_ms"] for one in rounds],
        "stall_before_ms": [one["stall_before_ms"] for one in rounds],
        "worst_stall_ms": max(one["stall_ms"] for one in rounds),
        "first_words_ms": summary(words),
        "without_words": options.calls * options.rounds - len(words),
        "caller_late_p99_ms": max(one["caller_late_p99_ms"] for one in rounds),
    }
    say(f"{system.name}: {figures}")
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=10, help="that begin at once (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="bursts (%(default)s)")
    options_add(parser)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "benchmark": "start",
        "machine": machine(),
        "calls": options.calls,
    }
    with systems_of(options) as found:
        for name, start in found:
            with start() as system:
                result[name] = measure(system, options)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
