"""The exchange: who has which number, which calls there are, how fast they go out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from calls.simulator import lettered, speech, wav
from calls.simulator.call import CallRequest, SimulatedCall
from calls.simulator.clips import CLIPS, line_sound
from calls.simulator.conference import Conference
from calls.simulator.fast import Fast
from calls.simulator.faults import FaultBook
from calls.simulator.persona import PERSONAS, Persona, PersonaError, load_persona
from calls.simulator.progress import Leg
from calls.simulator.webhooks import Webhooks

MOST_QUEUED = 10_000
# Finished calls kept: their history, and (fewer) their sound, at 16 kB a second of talk.
KEEP_CALLS = 2_000
KEEP_SOUND = 200

NOT_IN_SERVICE = Persona(
    name="not_in_service", about="Not in the directory.", expected="failed", answer="failed"
)


class QueueFullError(Exception):
    """More calls wait than the carrier queues."""


class Switchboard:
    """The carrier's state while it runs."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        webhooks: Webhooks,
        faults: FaultBook,
        calls_per_second: float,
        ring_s: float,
        personas: Path = PERSONAS,
        clips: Path = CLIPS,
        default_persona: str = "",
        fast: Fast | None = None,
    ) -> None:
        self.fast = fast
        self.session = session
        self.webhooks = webhooks
        self.faults = faults
        self.ring_s = ring_s
        self.clips = clips
        self.base_url = ""
        self.calls: dict[str, SimulatedCall] = {}
        self.legs: dict[str, Leg] = {}
        self.directory: dict[str, str] = {}
        self.conferences: dict[str, Conference] = {}
        self._calls_per_second = calls_per_second
        self._personas_folder = personas
        self._default_persona = default_persona
        self._waiting: asyncio.Queue[Leg] = asyncio.Queue(MOST_QUEUED)
        self._dispatcher: asyncio.Task[None] | None = None
        self._spoken: dict[tuple[str, str], bytes] = {}
        if default_persona:
            self._check(default_persona)

    @property
    def account_sid(self) -> str:
        """Return the SID of the only account."""
        return self.webhooks.account_sid

    # Directory

    def set_directory(self, directory: Mapping[str, str], *, replace: bool = True) -> None:
        """Say which persona answers which number.

        Raises:
            PersonaError: a number is not E.164 (nor a browser's identity, `client:…`), or a
                persona does not exist; nothing is changed.
        """
        for number, name in directory.items():
            is_number = number.startswith("+") and number[1:].isdigit()
            if not is_number and not number.startswith("client:"):
                raise PersonaError(
                    f"{number!r} is not a number in E.164 form (+18085550100), and not a "
                    "browser's identity (client:rep_1)"
                )
            self._check(name)
        self.directory = {} if replace else self.directory
        self.directory.update(directory)

    def _check(self, name: str) -> None:
        """Refuse a persona that does not exist or has lines nobody recorded."""
        for line in load_persona(name, self._personas_folder).lines():
            line_sound(line, self.clips)

    def persona_of(self, number: str) -> Persona:
        """Return who answers a number."""
        # What follows the identity of a browser are parameters for it.
        name = self.directory.get(number.partition("?")[0], self._default_persona)
        return load_persona(name, self._personas_folder) if name else NOT_IN_SERVICE

    def answering(self, number: str) -> Persona:
        """Return who answers a call to a number that is made now."""
        if self.fast is None or number in self.directory:
            return self.persona_of(number)
        return self.fast.hurried(load_persona(self.fast.draw(number), self._personas_folder))

    def sound_of(self, line: str) -> bytes:
        """Return the sound of a person's line, µ-law."""
        return lettered.sound(line) if self.fast else line_sound(line, self.clips)

    def network_s(self, seconds: float) -> float:
        """Return how long something of the network takes that takes so long at Twilio."""
        return self.fast.seconds(seconds) if self.fast else seconds

    def conference(self, name: str) -> Conference:
        """Return the room of that name; a new one when it does not exist, or is over."""
        if name not in self.conferences:
            self.conferences[name] = Conference(name, on_over=self.conferences.pop)
        return self.conferences[name]

    # Calls

    def start(self) -> None:
        """Begin to place queued calls."""
        self._dispatcher = asyncio.create_task(self._dispatch())

    async def stop(self) -> None:
        """End every call without further callbacks."""
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)
        await asyncio.gather(*(leg.abort() for leg in list(self.legs.values())))

    def enqueue(self, to: str, from_: str, request: CallRequest) -> SimulatedCall:
        """Take an outbound call; it goes out when the calls-per-second limit allows.

        Raises:
            QueueFullError: too many calls wait.
        """
        call = SimulatedCall(self.account_sid, to, from_, self.answering(to), request)
        if self._waiting.full():
            raise QueueFullError
        leg = self.add(call)
        self._waiting.put_nowait(leg)
        return call

    def add(self, call: SimulatedCall) -> Leg:
        """Keep a call and return what runs it; the oldest finished ones are forgotten."""
        self.calls[call.sid] = call
        leg = self.legs[call.sid] = Leg(call, self)
        over = [c for c in self.calls.values() if c.finished.is_set()]
        for old in over[: max(0, len(over) - KEEP_SOUND)]:
            old.line = None
        for old in over[: max(0, len(over) - KEEP_CALLS)]:
            del self.calls[old.sid]
        return leg

    async def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        while True:
            leg = await self._waiting.get()
            await asyncio.sleep(max(0.0, free_at - loop.time()))
            free_at = max(free_at, loop.time()) + 1 / self._calls_per_second
            leg.start()

    # Speech

    async def spoken(self, text: str, language: str) -> bytes:
        """Return the µ-law sound of a `<Say>`.

        Raises:
            SpeechError: the speech engine does not work.
        """
        key = (text, language)
        if key not in self._spoken:
            if len(self._spoken) > 100:
                self._spoken.clear()
            sound = await speech.say(text, language)
            self._spoken[key] = await asyncio.to_thread(wav.to_ulaw, sound)
        return self._spoken[key]


def read_directory(path: Path) -> dict[str, str]:
    """Return the directory in a JSON file: `{"+18085550100": "eager_seller"}`.

    Raises:
        PersonaError: the file cannot be read or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PersonaError(f"{path}: {error}") from error
    return checked_directory(content)


def checked_directory(content: object) -> dict[str, str]:
    """Return the content as a directory.

    Raises:
        PersonaError: it is not an object of strings.
    """
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise PersonaError('a directory is a JSON object {"+18085550100": "eager_seller", …}')
    return dict(content)
