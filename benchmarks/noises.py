"""How often the agent stops for what means nothing: coughs, knocks, breath, "mm-hm", "okay".

    python -m benchmarks.noises [--calls 4] [--rounds 2] [--seed N] [--no-peer] [--keep FOLDER]

Callers make noises and murmurs while the agent speaks. It has stopped if it took its words back
(`clear`), or fell silent for more than a second in the midst of its turn. Prints one JSON line;
`benchmarks/README.md` says more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import sounds
from benchmarks.floor import FloorCall
from benchmarks.floor_run import cast_of, options_read, run, share
from benchmarks.gaps import summary
from benchmarks.people import Span, who_listens
from benchmarks.sounds import MURMURS, NOISES, Sound, Voice

LOOK_MS = 1200.0
"""How long after a noise the agent stops for it, if it does."""
STOPPED_MS = 1000.0
LOUDEST = (0.25, 0.9)
"""Of a voice's loudness."""


def disturb(_rng: np.random.Generator, voice: Voice) -> Any:
    """Return what makes one noise or murmur after another."""
    speaker = voice if voice != sounds.RECORDED else Voice("espeak:en-us+m1:165")

    def make(rng: np.random.Generator) -> tuple[str, Sound]:
        if rng.random() < 0.5:
            words = str(rng.choice(np.array(MURMURS)))
            return f"murmur: {words}", speaker.say(words) * float(rng.uniform(0.4, 0.9))
        kind = str(rng.choice(np.array(list(NOISES))))
        noise = NOISES[kind](rng)
        loudest = sounds.LOUD * float(rng.uniform(*LOUDEST))
        return kind, noise * loudest / float(np.abs(noise).max())

    return make


def measure(calls: Sequence[FloorCall]) -> dict[str, Any]:
    """Return what became of the noises."""
    made: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    rests: list[float] = []
    for call in calls:
        for span in call.person.disturbances:
            fate = _fate(call, span)
            if fate is None:
                continue
            made[span.kind] += 1
            was_stopped, rest_ms = fate
            stopped[span.kind] += was_stopped
            if not was_stopped:
                rests.append(rest_ms)

    def of(wanted: Callable[[str], bool]) -> tuple[int, int]:
        kinds = [kind for kind in made if wanted(kind)]
        return sum(stopped[kind] for kind in kinds), sum(made[kind] for kind in kinds)

    noises = of(lambda kind: not kind.startswith("murmur"))
    murmurs = of(lambda kind: kind.startswith("murmur"))
    return {
        "noises": noises[1],
        "noises_stopped_share": share(*noises),
        "murmurs": murmurs[1],
        "murmurs_stopped_share": share(*murmurs),
        "stopped_share": share(noises[0] + murmurs[0], noises[1] + murmurs[1]),
        "stopped_for": {
            kind: f"{count} of {made[kind]}" for kind, count in stopped.items() if count
        },
        "rest_ms": summary(rests),
    }


def _fate(call: FloorCall, span: Span) -> tuple[bool, float] | None:
    """Return whether the agent stopped for a noise, and its longest rest meanwhile.

    None if its turn was over anyway, or the caller spoke next.
    """
    until_ms = span.ended_ms + LOOK_MS
    if any(span.started_ms - 200 < one.started_ms < until_ms for one in call.person.said):
        return None
    over = (note for note in call.notes if note.kind == "mark" and note.name.endswith("/end"))
    if any(note.played and span.started_ms < note.at_ms < until_ms for note in over):
        return None
    if any(
        note.kind == "clear" and span.started_ms <= note.at_ms <= until_ms for note in call.notes
    ):
        return True, 0.0
    rest_ms = call.tracks().longest_rest_ms(span.started_ms, until_ms + STOPPED_MS)
    return rest_ms > STOPPED_MS, rest_ms


def main() -> None:
    """Run the benchmark."""
    options = options_read(__doc__)
    run("noises", options, cast_of(options, who_listens, disturb), measure)


if __name__ == "__main__":
    main()
