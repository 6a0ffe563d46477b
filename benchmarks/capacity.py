"""How many calls at once are answered well on this machine.

    python -m benchmarks.capacity [--calls 2 5 10] [--seconds 45] [--engines built-in|outside]
                                  [--no-peer]

So many people talk at once, for the same time, straight at the media socket. A number of calls is
carried well if every call was answered, A (last voiced sample of the caller to the first of the
agent, at the caller's end) has a 95th percentile of at most 500 ms, and nothing that was being said
had a hole of more than 60 ms. `--engines outside` has the product speak and hear by servers beside
it (`outside.py`); the peer has no such engines and is left out. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import processor
from benchmarks.gaps import summary, tally
from benchmarks.rig import machine, options_add, say, systems_of
from benchmarks.sockets import LATE_MS, OpenSystem, talk
from reauto_site.demo.servers import Servers, port_take

TEMPORARY = Path(tempfile.gettempdir()) / "capacity-engines"
CAST = ("eager_seller", "objection_then_books", "slow_talker")
MOST_A_MS = 500
SPREAD_S = 4.0
"""People pick up one after another: all at once is what `benchmarks.start` measures."""


def measure(system: OpenSystem, *, calls: int, seconds: float) -> dict[str, Any]:
    """Have so many people talk at once and return what they had of it."""
    doors = system.doors(calls)
    meter = processor.Meter(not_system="benchmarks.outside")
    callers, watch = asyncio.run(talk(doors, CAST, seconds=seconds, spread_s=SPREAD_S))
    load = meter.read()
    a = tally([gap for caller in callers for gap in caller.gaps()])
    holes = [ms for caller in callers for ms in caller.holes_ms if ms > LATE_MS]
    refused = sum(bool(caller.error) for caller in callers)
    words = [caller.first_words_ms for caller in callers]
    figures = {
        "a_ms": a,
        "holes_ms": summary(holes),
        "first_words_ms": summary([ms for ms in words if ms is not None]),
        "refused": refused,
        "carried_well": bool(
            a["n"] and a["p95"] <= MOST_A_MS and not a["unanswered"] and not holes and not refused
        ),
        "cores_used": load.system_cores,
        "cores_used_by_others": load.others_cores,
        "caller_late_p99_ms": watch.p99(),
    }
    say(
        f"{system.name}: {calls} at once: A median {a['median']}, p95 {a['p95']} ms (n {a['n']}, "
        f"unanswered {a['unanswered']}, cut into {a['cut_into']}), holes {len(holes)}, "
        f"{load.system_cores} cores, caller late {watch.p99()} ms"
    )
    return figures


def engines_outside(servers: Servers) -> Mapping[str, str]:
    """Start the stand-ins and return the settings that use them."""
    port = port_take(0, what="engines", option="")
    address = f"http://127.0.0.1:{port}"
    servers.start(
        "engines", ["-m", "benchmarks.outside", "--port", str(port)], ready_url=f"{address}/"
    )
    return {
        "STT_ENGINE": "whisper_server",
        "WHISPER_URL": f"{address}/v1",
        "TTS_ENGINE": "piper_http",
        "PIPER_URL": address,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, nargs="+", default=[2, 5, 10], help="at once (default: 2 5 10)")
    add("--seconds", type=float, default=45.0, help="longest call (%(default)s)")
    add("--engines", choices=("built-in", "outside"), default="built-in")
    options_add(parser)
    options = parser.parse_args()
    if options.engines == "outside":
        options.peer = False
    result: dict[str, Any] = {
        "benchmark": "capacity",
        "machine": machine(),
        "engines": options.engines,
    }
    with Servers(environment={}, log_dir=(options.keep or TEMPORARY) / "logs") as beside:
        more = engines_outside(beside) if options.engines == "outside" else {}
        with systems_of(options, more) as found:
            for name, start in found:
                for calls in options.calls:
                    with start() as system:
                        figures = measure(system, calls=calls, seconds=options.seconds)
                    result.setdefault(name, {})[str(calls)] = figures
                well = [int(n) for n, one in result[name].items() if one["carried_well"]]
                result[name]["capacity"] = max(well, default=0)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
