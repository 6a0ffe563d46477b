"""Calls between a system and measured people, and what became of the floor in them.

A call is a media stream straight at the system (see `sockets`). Everything is taken from what the
far end heard and sent: the two tracks, and the messages on the wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from benchmarks.gaps import BLOCK_MS, voiced
from benchmarks.people import Manner, MeasuredPerson
from benchmarks.sockets import Door, stream_at
from calls.simulator import g711
from calls.simulator.line import Line
from calls.simulator.persona import Persona

GAP_IN_SPEECH_MS = 400.0
"""An agent that is silent for longer has stopped; between its sentences it is not so long."""

Cast = tuple[Persona, Manner]


@dataclass(frozen=True)
class Note:
    """Something on the wire: "clear", or a mark that came due and whether it had been played."""

    at_ms: float
    kind: str
    name: str = ""
    played: bool = False


@dataclass
class FloorCall:
    """One call with a measured person."""

    door: Door
    cast: Cast
    rng: np.random.Generator
    notes: list[Note] = field(default_factory=list)
    line: Line = field(init=False)
    person: MeasuredPerson = field(init=False)
    error: str = ""

    async def run(self, http: aiohttp.ClientSession, seconds: float) -> None:
        """Talk until the system hangs up, or the time is over."""
        over = asyncio.Event()
        persona, manner = self.cast
        self.line = Line(over.set)
        self.person = MeasuredPerson(
            persona, manner, self.rng, press=self.line.press, hang_up=over.set
        )
        self.line.lead = self.person
        self.error = await stream_at(
            self.door, http, self.line, over=over, seconds=seconds, note=self._note
        )

    def _note(self, kind: str, **data: Any) -> None:
        if kind in ("clear", "mark"):
            name, played = str(data.get("name", "")), bool(data.get("played"))
            self.notes.append(Note(self.line.now_ms, kind, name, played))

    def tracks(self) -> Tracks:
        """Return who was heard when."""
        return Tracks(bytes(self.line.said), bytes(self.line.heard))


class Tracks:
    """Both directions of a call, as 5 ms blocks with or without a voice."""

    def __init__(self, said: bytes, heard: bytes) -> None:
        self.caller = voiced(g711.decode(said), g711.SAMPLE_RATE)
        self.agent = voiced(g711.decode(heard), g711.SAMPLE_RATE)

    def agent_ms(self, start_ms: float, end_ms: float) -> float:
        """Return for how long the agent is heard between two moments."""
        return float(_part(self.agent, start_ms, end_ms).sum()) * BLOCK_MS

    def overlap_ms(self, start_ms: float, end_ms: float) -> float:
        """Return for how long both are heard."""
        both = _part(self.agent, start_ms, end_ms) & _part(self.caller, start_ms, end_ms)
        return float(both.sum()) * BLOCK_MS

    def caller_begins_ms(self, start_ms: float, end_ms: float) -> float | None:
        """Return when the caller is first heard between two moments."""
        found = np.flatnonzero(_part(self.caller, start_ms, end_ms))
        return start_ms + float(found[0]) * BLOCK_MS if found.size else None

    def longest_rest_ms(self, start_ms: float, end_ms: float) -> float:
        """Return for how long the agent is silent without a break between two moments."""
        longest = quiet = 0
        for on in _part(self.agent, start_ms, end_ms):
            quiet = 0 if on else quiet + 1
            longest = max(longest, quiet)
        return float(longest) * BLOCK_MS

    def agent_stops_ms(self, start_ms: float, within_ms: float) -> float | None:
        """Return when the agent falls silent after a moment; None if it does not in that time."""
        part = _part(self.agent, start_ms, start_ms + within_ms + GAP_IN_SPEECH_MS)
        silent_for = round(GAP_IN_SPEECH_MS / BLOCK_MS)
        quiet = 0
        for block, on in enumerate(part):
            quiet = 0 if on else quiet + 1
            if quiet >= silent_for:
                return start_ms + (block + 1 - quiet) * BLOCK_MS
        return None


def _part(track: NDArray[np.bool_], start_ms: float, end_ms: float) -> NDArray[np.bool_]:
    return track[max(0, round(start_ms / BLOCK_MS)) : max(0, round(end_ms / BLOCK_MS))]


async def converse(
    doors: Sequence[Door],
    casts: Sequence[Cast],
    *,
    seed: int,
    seconds: float,
    make: Callable[..., FloorCall] = FloorCall,
) -> list[FloorCall]:
    """Have people talk at those doors at the same time, each a second after the one before."""
    seeds = np.random.SeedSequence(seed).spawn(len(doors))
    calls = [
        make(door, cast, np.random.default_rng(own))
        for door, cast, own in zip(doors, casts, seeds, strict=True)
    ]

    async def later(call: FloorCall, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await call.run(http, seconds)

    began = time.monotonic()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(later(call, float(n)) for n, call in enumerate(calls)))
    if time.monotonic() - began < 1.0:
        raise RuntimeError("; ".join(call.error for call in calls) or "the calls ended at once")
    return calls
