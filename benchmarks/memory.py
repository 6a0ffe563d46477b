"""How much memory a live call takes, and whether it comes back when calls are over.

    python -m benchmarks.memory [--calls 20] [--seconds 20] [--soak 0] [--no-peer]

Memory is the proportional set size of the server and its children (Linux, /proc/*/smaps_rollup): a
page that several of them share counts once. It is read when the server has had its first calls,
with `--calls` people on the line, and when they have gone. With `--soak N` the product then takes N
short calls one after another and ten at once, and its memory, tasks, threads, sockets and files are
compared. Prints one JSON line; `benchmarks/README.md` says what the figures mean.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.processor import below
from benchmarks.rig import machine, options_add, say, systems_of
from benchmarks.sockets import OpenSystem, talk

PROC = Path("/proc")
WARM_CALLS = 3
WARM_S = 8.0
REST_S = 6.0
"""After the last call of a step: its record is written, its objects are gone."""


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    return [pid, *below(pid)]


def megabytes(pid: int) -> float:
    """Return the proportional set size of a process and its children."""
    total_kb = 0
    for each in family(pid):
        try:
            lines = (PROC / str(each) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue  # gone meanwhile
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total_kb / 1024, 1)


def handles(pid: int) -> dict[str, int]:
    """Return how many files, sockets and threads a process has."""
    links = []
    for entry in (PROC / str(pid) / "fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except OSError:
            continue
    sockets = sum(link.startswith("socket:") for link in links)
    threads = len(list((PROC / str(pid) / "task").iterdir()))
    return {"sockets": sockets, "files": len(links) - sockets, "threads": threads}


def people(system: OpenSystem, count: int, seconds: float, persona: str = "eager_seller") -> None:
    """Have so many people talk at once, and wait for the end of it."""
    doors = system.doors(count)
    asyncio.run(talk(doors, [persona], seconds=seconds, spread_s=min(3.0, count * 0.3)))
    gc.collect()


def measure(system: OpenSystem, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a system without calls, with many, and afterwards."""
    people(system, WARM_CALLS, WARM_S)
    time.sleep(REST_S)
    before_mb = megabytes(system.pid)
    highest = 0.0

    def watch() -> None:
        nonlocal highest
        while not over.wait(1.0):
            highest = max(highest, megabytes(system.pid))

    over = threading.Event()
    watching = threading.Thread(target=watch)
    watching.start()
    people(system, options.calls, options.seconds)
    over.set()
    watching.join()
    time.sleep(REST_S)
    figures = {
        "without_calls_mb": before_mb,
        "with_calls_mb": highest,
        "per_call_mb": round((highest - before_mb) / options.calls, 2),
        "afterwards_mb": megabytes(system.pid),
    }
    say(f"{system.name}: {figures}")
    return figures


def soak(system: OpenSystem, count: int) -> dict[str, Any]:
    """Have many short calls, one after another and ten at once, and compare before and after."""
    people(system, 10, 4.0, "silent")
    time.sleep(REST_S)
    before, before_mb = handles(system.pid), megabytes(system.pid)
    half_mb = 0.0
    for number in range(count):
        people(system, 1, 1.5, "silent")
        if number == count // 2:
            half_mb = megabytes(system.pid)
    people(system, 10, 4.0, "silent")
    time.sleep(REST_S)
    after, after_mb = handles(system.pid), megabytes(system.pid)
    figures = {
        "calls": count + 10,
        "before_mb": before_mb,
        "half_way_mb": half_mb,
        "after_mb": after_mb,
        "left_behind": {name: after[name] - before[name] for name in before},
    }
    say(f"{system.name}: {figures}")
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, default=20, help="on the line at once (%(default)s)")
    add("--seconds", type=float, default=20.0, help="that they talk (%(default)s)")
    add("--soak", type=int, default=0, help="short calls one after another (%(default)s: none)")
    options_add(parser)
    options = parser.parse_args()
    result: dict[str, Any] = {"benchmark": "memory", "machine": machine(), "calls": options.calls}
    with systems_of(options) as found:
        for name, start in found:
            with start() as system:
                result[name] = measure(system, options)
                if options.soak and name == "product":
                    result[name]["soak"] = soak(system, options.soak)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
