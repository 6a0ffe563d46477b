"""How often the agent speaks into a caller who only pauses.

    python -m benchmarks.cut_in [--calls 4] [--rounds 2] [--seed N] [--no-peer] [--keep FOLDER]

Callers pause for 300 to 900 ms in the middle of their sentences. A cut-in is a pause after which
both are heard for more than 250 ms; an agent that gives way sooner has not cut in. Prints one JSON
line; `benchmarks/README.md` says more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.floor import FloorCall
from benchmarks.floor_run import cast_of, options_read, run, share
from benchmarks.gaps import summary
from benchmarks.people import who_pauses

MOST_OVERLAP_MS = 250.0
LOOK_MS = 1500.0
"""How long after a pause an agent that began in it is heard, if it does not give way."""
BEFORE_MS = 60.0


def measure(calls: Sequence[FloorCall]) -> dict[str, Any]:
    """Return what became of the pauses."""
    count, cut, spoken_into = 0, 0, 0
    overlaps: list[float] = []
    by_manner: Counter[str] = Counter()
    for call in calls:
        tracks = call.tracks()
        for pause in call.person.pauses:
            resumed_ms = tracks.caller_begins_ms(pause.ended_ms, pause.ended_ms + 400)
            if resumed_ms is None:
                continue  # the call ended in it
            if tracks.agent_ms(pause.started_ms - BEFORE_MS, pause.started_ms):
                continue  # the agent was speaking before
            count += 1
            overlap_ms = tracks.overlap_ms(resumed_ms, resumed_ms + LOOK_MS)
            began = tracks.agent_ms(pause.started_ms, resumed_ms) > 0
            spoken_into += began
            if not began:
                continue  # an agent that begins later answers what came after the pause
            overlaps.append(overlap_ms)
            if overlap_ms > MOST_OVERLAP_MS:
                cut += 1
                by_manner[call.person.manner.name] += 1
    return {
        "pauses": count,
        "cut_in": cut,
        "cut_in_share": share(cut, count),
        "spoken_into_share": share(spoken_into, count),
        "overlap_ms": summary(overlaps),
        "cut_in_by_manner": dict(by_manner),
    }


def main() -> None:
    """Run the benchmark."""
    options = options_read(__doc__)
    run("cut_in", options, cast_of(options, who_pauses), measure)


if __name__ == "__main__":
    main()
