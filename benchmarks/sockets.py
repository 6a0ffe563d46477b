"""Callers straight at a system's media socket, as many at once as wanted.

Each is the carrier simulator's own line, person and stream, without the telephone network around
them: 20 ms frames in real time, the far end's buffer, both directions kept sample for sample. So
calls can begin in the same millisecond, and forty of them leave most of the machine to what is
measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from benchmarks.gaps import Gap, gaps
from calls.simulator import g711, wav
from calls.simulator.lead import SimulatedLead
from calls.simulator.line import Line
from calls.simulator.media_stream import MediaStream, StreamError
from calls.simulator.persona import Persona
from calls.simulator.playout import PlayoutBuffer

LATE_MS = 60
"""A caller notices a hole of this length in the middle of a word."""
APART_MS = 700
"""A longer hole is a pause between two things said, not a late frame."""


@dataclass(frozen=True)
class Door:
    """Where the stream of one call is opened, and what it says of itself."""

    url: str
    account_sid: str
    call_sid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""


class Signer:
    """Stands where a stream expects the carrier's webhooks, of which it needs the signature."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def signature(self, url: str, parameters: Mapping[str, str]) -> str:
        """Return what the carrier signs the address with."""
        return self._door.signature


class WatchedPlayout(PlayoutBuffer):
    """The far end's buffer, with the holes that late frames tear into what is being said."""

    def __init__(self) -> None:
        super().__init__()
        self.holes_ms: list[int] = []
        self._dry_ms: int | None = None

    def feed(self, sound: bytes) -> bool:
        """Take sound; if there was none for a moment in mid-speech, that was a hole."""
        if self._dry_ms and self._dry_ms < APART_MS:
            self.holes_ms.append(self._dry_ms)
        self._dry_ms = 0
        return super().feed(sound)

    def mark(self, name: str, reached: Any) -> None:
        """Pass a mark on; one that ends a turn ends what could have holes."""
        if name.endswith("/end"):
            self._dry_ms = None
        super().mark(name, reached)

    def clear(self) -> None:
        """Stop: what follows is something else."""
        self._dry_ms = None
        super().clear()

    def next_frame(self) -> bytes:
        """Play 20 ms."""
        if self._dry_ms is not None and not self.waiting_ms:
            self._dry_ms += g711.FRAME_MS
        return super().next_frame()


async def stream_at(
    door: Door,
    http: aiohttp.ClientSession,
    line: Line,
    *,
    over: asyncio.Event,
    seconds: float,
    note: Callable[..., None] = lambda *_, **__: None,
) -> str:
    """Have a line's person talk at a door until either side hangs up, or the time is over.

    Args:
        over: set when the person hangs up.
        note: told of what is on the wire, as `MediaStream` does.

    Returns:
        What the stream failed with, empty if it did not.
    """
    stream = MediaStream(
        line=line,
        account_sid=door.account_sid,
        call_sid=door.call_sid,
        stream_sid="MZ" + door.call_sid[2:],
        parameters=dict(door.parameters),
        note=note,
    )
    line.start()
    talking = asyncio.create_task(
        stream.run(door.url, http, Signer(door))  # type: ignore[arg-type]
    )
    leaving = asyncio.create_task(over.wait())
    await asyncio.wait({talking, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    failed = talking.done() and isinstance(talking.exception(), StreamError)
    error = str(talking.exception()) if failed else ""
    talking.cancel()
    await asyncio.gather(talking, leaving, return_exceptions=True)
    await line.stop()
    return error


@dataclass
class Caller:
    """One call and what the caller's end has of it."""

    door: Door
    persona: str
    line: Line = field(init=False)
    error: str = ""
    began: float = 0.0

    async def run(self, http: aiohttp.ClientSession, seconds: float) -> None:
        """Talk until the system hangs up, or the time is over."""
        over = asyncio.Event()
        self.line = Line(over.set)
        self.line.playout = WatchedPlayout()
        self.line.lead = SimulatedLead(
            Persona.load(self.persona), press=self.line.press, hang_up=over.set
        )
        self.began = time.monotonic()
        self.error = await stream_at(self.door, http, self.line, over=over, seconds=seconds)

    @property
    def holes_ms(self) -> list[int]:
        """Holes in what was being said."""
        return self.line.playout.holes_ms  # type: ignore[attr-defined,no-any-return]

    @property
    def first_words_ms(self) -> int | None:
        """From the picking up to the first sound heard; None if there never was one."""
        heard = bytes(self.line.heard)
        frames = range(0, len(heard), g711.FRAME_BYTES)
        return next(
            (at // 8 for at in frames if g711.is_audible(heard[at : at + g711.FRAME_BYTES])), None
        )

    def gaps(self) -> list[Gap]:
        """Return what became of everything the caller said."""
        lead = self.line.lead
        said = [(one.started_ms, one.ended_ms) for one in lead.said] if lead else []
        asking = [
            (turn.started_ms, turn.ended_ms)
            for turn in (lead.heard if lead else ())
            if any(topic.startswith(("reprompt", "filler")) for topic in turn.topics[:1])
        ]
        recording = wav.from_channels(bytes(self.line.said), bytes(self.line.heard))
        return gaps(recording, said=said, not_answers=asking)


class OpenSystem(Protocol):
    """A system whose media socket calls can be opened at."""

    name: str
    pid: int

    def doors(self, count: int) -> list[Door]:
        """Return doors for so many further calls."""


class LoopWatch:
    """How late this process itself wakes: what it cannot keep up with, it cannot measure."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.monotonic() + 0.02
            await asyncio.sleep(0.02)
            self.late_ms.append((time.monotonic() - due) * 1000)

    def p99(self) -> float:
        """Return the 99th percentile of its lateness, in ms."""
        if len(self.late_ms) < 100:
            return round(max(self.late_ms, default=0.0), 1)
        return round(statistics.quantiles(self.late_ms, n=100)[98], 1)


async def talk(
    doors: Sequence[Door], personas: Sequence[str], *, seconds: float, spread_s: float = 0.0
) -> tuple[list[Caller], LoopWatch]:
    """Have people talk at those doors, all at once or one after another within `spread_s`."""
    callers = [Caller(door, personas[number % len(personas)]) for number, door in enumerate(doors)]
    watch = LoopWatch()
    watching = asyncio.create_task(watch.run())

    async def later(caller: Caller, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await caller.run(http, seconds)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        step = spread_s / max(1, len(callers))
        await asyncio.gather(*(later(one, n * step) for n, one in enumerate(callers)))
    watching.cancel()
    return callers, watch


class Canary:
    """A silent call that asks the system's event loop for a sign of life every few milliseconds."""

    EVERY_S = 0.004

    def __init__(self, door: Door) -> None:
        self._door = door
        self.answers: list[tuple[float, float]] = []
        """When each sign was asked for, and the ms until it came."""
        self._asked: dict[float, None] = {}

    async def run(self, http: aiohttp.ClientSession, until: asyncio.Event) -> None:
        """Keep the call up, and ask, until told to stop."""
        headers = {"X-Twilio-Signature": self._door.signature}
        async with http.ws_connect(
            self._door.url, headers=headers, autoping=False, compress=0
        ) as socket:
            await socket.send_str(json.dumps({"event": "connected"}))
            await socket.send_str(json.dumps(self._start()))
            reading = asyncio.create_task(self._read(socket))
            sounding = asyncio.create_task(self._sound(socket))
            with contextlib.suppress(ConnectionError):
                while not until.is_set():
                    asked = round(time.monotonic(), 6)
                    self._asked[asked] = None
                    await socket.ping(f"{asked:.6f}".encode())
                    await asyncio.sleep(self.EVERY_S)
            for task in (reading, sounding):
                task.cancel()
            await asyncio.gather(reading, sounding, return_exceptions=True)

    def stall_ms(self, since: float, until: float) -> float:
        """Return how much longer than usual the slowest sign took between two moments."""
        usual = statistics.median(ms for _, ms in self.answers)
        now = time.monotonic()
        signs = [*self.answers, *((at, (now - at) * 1000) for at in self._asked)]
        worst = max((ms for at, ms in signs if since <= at <= until), default=0.0)
        return round(max(0.0, worst - usual), 1)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.PONG:
                asked = float(bytes(message.data).decode())
                self._asked.pop(asked, None)
                self.answers.append((asked, (time.monotonic() - asked) * 1000))

    async def _sound(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        payload = "/" * 212 + "/w=="  # 160 bytes of µ-law silence
        stream = self._start()["streamSid"]
        number = 0
        while True:
            media = {"track": "inbound", "timestamp": str(number * 20), "payload": payload}
            message = {"event": "media", "streamSid": stream, "media": media}
            await socket.send_str(json.dumps(message))
            number += 1
            await asyncio.sleep(0.02)

    def _start(self) -> dict[str, Any]:
        stream = "MZ" + self._door.call_sid[2:]
        return {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": stream,
            "start": {
                "accountSid": self._door.account_sid,
                "callSid": self._door.call_sid,
                "streamSid": stream,
                "tracks": ["inbound"],
                "customParameters": dict(self._door.parameters),
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        }
