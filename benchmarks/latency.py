"""How long a caller waits for an answer: the product beside a stock Pipecat bot.

    python -m benchmarks.latency [--calls 1 5] [--no-peer] [--no-product]
                                 [--seconds 65] [--rounds N] [--keep FOLDER]

Measures A (voice-to-voice: last voiced caller sample to first voiced agent sample, from the
two-channel recording made by the carrier simulator) and B (platform gap: end of turn confirmed to
the first sound handed over, by each system's own account). Prints one JSON line; progress goes to
stderr. `benchmarks/README.md` says what the figures mean.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import processor, systems
from benchmarks.exchange import Exchange, Measured
from benchmarks.gaps import Gap, tally
from reauto_site.demo.servers import Servers, port_take

CAST = ("eager_seller", "objection_then_books", "slow_talker")
"""Who is called, in turn: two who answer at once, one who pauses for 700 ms in mid-sentence."""
FEW = 3
"""With fewer calls at once than this, one round has too few turns to tell a 95th percentile."""


def say(text: str) -> None:
    """Show progress."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def options_read() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, nargs="+", default=[1, 5], help="calls at once (default: 1 5)")
    add("--peer", action=argparse.BooleanOptionalAction, default=True, help="the stock bot too")
    add("--product", action=argparse.BooleanOptionalAction, default=True, help="the product too")
    add("--seconds", type=float, default=65.0, help="longest call (default: %(default)s)")
    add("--rounds", type=int, default=0, help="rounds of calls (default: 2 below 3 at once, or 1)")
    add("--keep", type=Path, help="folder to keep recordings and logs in")
    options = parser.parse_args()
    if min(options.calls) < 1 or options.seconds < 20 or options.rounds < 0:
        parser.error("--calls must be 1 or more, --seconds 20 or more, --rounds 0 or more")
    return options


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """Give the folder of the run: the one to keep, or one that is removed afterwards."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="latency-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass  # not Linux: the platform's own name has to do
    return {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "cpu": model,
        "load_before": round(os.getloadavg()[0], 2),
    }


def system_measure(
    system: systems.System,
    *,
    at_once: int,
    options: argparse.Namespace,
    cast: Sequence[str] = CAST,
    which: Callable[[Measured], list[Gap]] = lambda call: call.gaps,
) -> tuple[dict[str, Any], list[Measured]]:
    """Call a system with so many calls at once and return its figures.

    Args:
        cast: who is called, in turn.
        which: the gaps of a call that count.
    """
    rounds = options.rounds or (2 if at_once < FEW else 1)
    personas = [cast[i % len(cast)] for i in range(at_once * rounds)]
    say(f"{system.name}: {at_once} at once, {len(personas)} calls, {options.seconds:.0f} s each")
    meter = processor.Meter(not_system="manage.py carrier")
    measured = system.call(personas, at_once=at_once, seconds=options.seconds)
    load = meter.read()
    by_platform = system.platform(measured)
    a, b = tally([gap for call in measured for gap in which(call)]), by_platform.gap
    say(
        f"{system.name}: A median {a['median']}, p95 {a['p95']} ms (n {a['n']}, unanswered "
        f"{a['unanswered']}, cut into {a['cut_into']}); "
        f"B median {b['median']}, p95 {b['p95']} ms; "
        f"{load.system_cores} cores, others {load.others_cores}"
    )
    figures = {
        "a_ms": a,
        "b_ms": b,
        "b_source": by_platform.source,
        "steps_ms": by_platform.steps,
        "calls": [
            {"persona": call.persona, "seconds": round(call.seconds, 1)} for call in measured
        ],
        "cores_used": load.system_cores,
        "cores_used_by_others": load.others_cores,
    }
    return figures, measured


def keep(folder: Path, name: str, measured: Sequence[Measured]) -> None:
    """Write down the recordings and what was found in them."""
    for number, call in enumerate(measured):
        stem = f"{name}_{number}_{call.persona}"
        (folder / f"{stem}.wav").write_bytes(call.recording)
        found = json.dumps([asdict(gap) for gap in call.gaps], indent=1)
        (folder / f"{stem}.json").write_text(found, encoding="utf-8")


def main() -> None:
    """Run the benchmark."""
    options = options_read()
    began = time.monotonic()
    result: dict[str, Any] = {"benchmark": "latency", "machine": machine()}
    with folder_of(options.keep) as folder:
        port, carrier_port = (port_take(0, what=name, option="") for name in ("server", "carrier"))
        environment = systems.environment(folder, port=port, carrier_port=carrier_port)
        os.environ |= environment  # before any settings are read
        if options.product:
            prepare()
        makers: dict[str, Callable[[Servers, Exchange], systems.System]] = {}
        if options.product:
            makers["product"] = lambda s, e: systems.Product(s, e, port=port)
        if options.peer:
            makers["stock_pipecat"] = lambda s, e: systems.StockBot(s, e, folder=folder)
        with Servers(environment=environment, log_dir=folder / "logs") as measuring:
            exchange = systems.carrier_start(measuring, port=carrier_port)
            for at_once in options.calls:
                for name, make in makers.items():
                    # One after the other, each afresh and with the machine to itself.
                    with Servers(environment=environment, log_dir=folder / "logs") as servers:
                        system = make(servers, exchange)
                        figures, measured = system_measure(system, at_once=at_once, options=options)
                    result.setdefault(name, {})[str(at_once)] = figures
                    if options.keep:
                        keep(folder, f"{name}_{at_once}", measured)
    result["elapsed_s"] = round(time.monotonic() - began, 1)
    print(json.dumps(result))


def prepare() -> None:
    """Make the product's database, in this process, as `migrate` does."""
    import django
    from django.core.management import call_command

    say("Preparing a database")
    django.setup()
    call_command("migrate", verbosity=0)
    from billing.services.prices import prices_seed

    prices_seed()


if __name__ == "__main__":
    main()
