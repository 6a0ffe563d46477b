"""What the three benchmarks of turn-taking have in common: options, voices, rounds of calls."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.floor import Cast, FloorCall, converse
from benchmarks.people import Manner
from benchmarks.processor import Meter
from benchmarks.rig import machine, options_add, say, systems_of
from benchmarks.sounds import CONDITIONS, RECORDED, Voice, voices
from calls.simulator import wav
from calls.simulator.persona import Persona

MakePersona = Callable[[Voice, np.random.Generator], Persona]
Measure = Callable[[Sequence[FloorCall]], dict[str, Any]]


def options_read(
    description: str | None, more: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, default=4, help="calls at once (default: %(default)s)")
    add("--rounds", type=int, default=2, help="rounds of calls (default: %(default)s)")
    add("--seconds", type=float, default=60.0, help="longest call (default: %(default)s)")
    add("--seed", type=int, default=2026, help="of everything random (default: %(default)s)")
    add(
        "--voices", choices=("held-out", "known"), default="held-out",
        help="known: those looked at while the product is worked on (default: %(default)s)",
    )  # fmt: skip
    if more is not None:
        more(parser)
    options_add(parser)
    options = parser.parse_args()
    if min(options.calls, options.rounds) < 1 or options.seconds < 20:
        parser.error("--calls and --rounds must be 1 or more, --seconds 20 or more")
    return options


def cast_of(
    options: argparse.Namespace,
    make: MakePersona,
    disturb: Callable[[np.random.Generator, Voice], Any] | None = None,
) -> list[Cast]:
    """Return who speaks on each call: every voice in turn, every condition of the line in turn."""
    speakers = [RECORDED, *voices(held_out=options.voices == "held-out")]
    rng = np.random.default_rng(options.seed)
    casts = []
    for number in range(options.calls * options.rounds):
        voice = speakers[number % len(speakers)]
        condition = CONDITIONS[number % len(CONDITIONS)]
        manner = Manner(voice, condition, disturb=disturb and disturb(rng, voice))
        casts.append((make(voice, rng), manner))
    return casts


def run(name: str, options: argparse.Namespace, casts: Sequence[Cast], measure: Measure) -> None:
    """Have each system called by the same people, and print what was measured as one JSON line."""
    result: dict[str, Any] = {
        "benchmark": name,
        "machine": machine(),
        "calls": len(casts),
        "at_once": options.calls,
        "seed": options.seed,
        "voices": sorted({manner.voice.name for _, manner in casts}),
        "conditions": sorted({manner.condition.name for _, manner in casts}),
    }
    with systems_of(options) as found:
        for system_name, start in found:
            meter = Meter(not_system="benchmarks.floor")
            calls: list[FloorCall] = []
            with start() as system:
                for first in range(0, len(casts), options.calls):
                    batch = casts[first : first + options.calls]
                    doors = system.doors(len(batch))
                    seed = options.seed + first
                    calls += asyncio.run(converse(doors, batch, seed=seed, seconds=options.seconds))
                load = meter.read()
                figures = measure(calls)
            figures["cores_used_by_others"] = load.others_cores
            figures["failed_calls"] = sum(bool(call.error) for call in calls)
            say(f"{system_name}: {figures}")
            result[system_name] = figures
            if options.keep:
                keep(options, system_name, calls)
    print(json.dumps(result))


def keep(options: argparse.Namespace, name: str, calls: Sequence[FloorCall]) -> None:
    """Write down the recordings and what is known of them."""
    for number, call in enumerate(calls):
        stem = options.keep / f"{name}_{number}"
        sound = wav.from_channels(bytes(call.line.said), bytes(call.line.heard))
        stem.with_suffix(".wav").write_bytes(sound)
        known = {
            "manner": call.person.manner.name,
            "call": call.door.call_sid,
            "said": [asdict(one) for one in call.person.said],
            "pauses": [asdict(one) for one in call.person.pauses],
            "disturbances": [asdict(one) for one in call.person.disturbances],
            "notes": [asdict(one) for one in call.notes],
        }
        stem.with_suffix(".json").write_text(json.dumps(known, indent=1), encoding="utf-8")


def share(part: int, whole: int) -> float | None:
    """Return a share of 0-1, None of nothing."""
    return round(part / whole, 3) if whole else None
