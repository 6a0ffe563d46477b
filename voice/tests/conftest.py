"""A real server on a real socket, a carrier's side that models the far ear, and scripted talk."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
import wave
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Self

import aiohttp
import numpy as np
import pytest
from channels.routing import URLRouter
from django.conf import settings as django_settings
from django.urls import path
from django.utils import timezone
from twilio.request_validator import RequestValidator

from agents.interface import Brief, Event, Item, Notes, Say, Utterance
from agents.routing import for_people
from billing.services import prices_seed
from calls.models import Call, Recording, Turn
from calls.services.streams import stream_token_issue
from calls.simulator import clips, g711
from calls.simulator.playout import PlayoutBuffer
from calls.tests.conftest import Exchange, playbook_version
from tests.factories import CallFactory, CampaignFactory, ReservationFactory
from voice.consumers import TwilioMediaConsumer
from voice.playground import PlaygroundConsumer
from voice.preload import preload
from voice.routing import websocket_urlpatterns
from voice.session import live_calls

Answer = Callable[[Event], Sequence[Item]]


class ScriptedConversation:
    """Answers by a function, and remembers what it was told."""

    def __init__(self, opening: Sequence[Item], answer: Answer) -> None:
        self._opening = opening
        self.answer = answer
        self.events: list[Event] = []
        self.kept: list[Event] = []
        self.told: list[tuple[str, bool]] = []
        self.discarded = 0
        self.closed = False
        self.brief: Brief | None = None
        self._fork: Event | None = None

    async def open(self) -> AsyncIterator[Item]:
        for item in self._opening:
            yield item

    async def respond(self, event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
        self.events.append(event)
        if speculative:
            self._fork = event
        else:
            self.kept.append(event)
        for item in self.answer(event):
            yield item

    async def commit(self) -> None:
        if self._fork is not None:
            self.kept.append(self._fork)
            self._fork = None

    async def discard(self) -> None:
        if self._fork is not None:
            self.discarded += 1
            self._fork = None

    async def heard(self, text: str, *, interrupted: bool) -> None:
        self.told.append((text, interrupted))

    async def close(self) -> Notes:
        self.closed = True
        return Notes("qualified", {}, {}, {"said": [e.text for e in self.said]})

    @property
    def said(self) -> list[Utterance]:
        return [event for event in self.kept if isinstance(event, Utterance)]


CONVERSATIONS: dict[str, ScriptedConversation] = {}


class ScriptedConsumer(TwilioMediaConsumer):
    """The product's consumer, with a conversation that the test has put there."""

    @staticmethod
    def converse(brief: Brief) -> ScriptedConversation:
        return CONVERSATIONS[str(brief.call_id)]


class ScriptedPlayground(PlaygroundConsumer):
    """The playground's consumer, with the conversation that the test has put there."""

    @staticmethod
    def converse(brief: Brief) -> ScriptedConversation:
        made = CONVERSATIONS["playground"]
        made.brief = brief
        return made


class Daphne:
    """The product's server, in a thread: its reactor runs once per process."""

    def __init__(self) -> None:
        from daphne.server import Server

        own = [
            path("ws/twilio/media/", ScriptedConsumer.as_asgi()),
            path("ws/playground/<uuid:playbook_id>/", for_people(ScriptedPlayground.as_asgi())),
        ]
        # The first that fits is taken: the product's own are behind the scripted ones.
        application = URLRouter([*own, *websocket_urlpatterns])
        ready = threading.Event()
        self.server = Server(
            application,
            endpoints=["tcp:port=0:interface=127.0.0.1"],
            signal_handlers=False,
            ready_callable=ready.set,
            verbosity=0,
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        assert ready.wait(10)
        self.port = self.server.listening_addresses[0][1]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        from daphne.server import twisted_loop

        return twisted_loop

    def run(self, work: Any, timeout_s: float = 20) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)


@pytest.fixture(scope="session")
def daphne() -> Daphne:
    preload()
    return Daphne()


@pytest.fixture(scope="session")
def carrier_rest() -> Iterator[Exchange]:
    """The carrier's REST API, to hang up with; it answers that the calls have ended."""
    exchange = Exchange()
    yield exchange
    exchange.close()


@pytest.fixture
def server(
    daphne: Daphne,
    carrier_rest: Exchange,
    settings: Any,
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Daphne]:
    # On a busy machine words come late; what the agent does then is for `test_behind` alone.
    monkeypatch.setattr("voice.listening.FINAL_WITHIN_MS", 30_000.0)
    monkeypatch.setattr("voice.listening.ANY_WITHIN_MS", 30_000.0)
    monkeypatch.setattr("voice.engines.pocketsphinx.FINISH_TIMEOUT_S", 30.0)
    settings.ENV = settings.ENV.model_copy(
        update={
            "public_base_url": f"http://127.0.0.1:{daphne.port}",
            "twilio_api_base_url": carrier_rest.simulator.base_url,
        }
    )
    prices_seed()
    yield daphne
    daphne.run(all_calls_over())


async def all_calls_over() -> None:
    for _ in range(200):
        if not len(live_calls):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a call is still alive")


SID = "CA" + "7" * 32


@pytest.fixture
def call(server: Daphne) -> Call:
    """A call whose lead has just picked up."""
    campaign = CampaignFactory(running=True, playbook=playbook_version().playbook)
    made: Call = CallFactory(campaign=campaign, state=Call.State.RINGING, provider_sid=SID)
    ReservationFactory(call=made, amount=1)
    return made


@pytest.fixture
def token(call: Call) -> str:
    issued = stream_token_issue(call_id=call.pk, now=timezone.now())
    assert issued
    return issued


def start_message(call_id: str, token: str | None, **media: Any) -> dict[str, Any]:
    parameters = {"call": call_id} | ({} if token is None else {"token": token})
    return {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": "MZ" + "1" * 32,
        "start": {
            "accountSid": django_settings.ENV.twilio_account_sid,
            "callSid": SID,
            "streamSid": "MZ" + "1" * 32,
            "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1} | media,
        },
    }


class Caller:
    """The carrier's side of one stream, with a person's mouth and ear."""

    def __init__(self, call: Call | None, token: str | None) -> None:
        self._call, self._token = call, token
        self._session = aiohttp.ClientSession()
        self._tasks: list[asyncio.Task[None]] = []
        self.ear = PlayoutBuffer()
        self.mouth = bytearray()
        self.heard = bytearray()
        self.spoken = bytearray()
        self.marks: list[tuple[str, bool]] = []
        self.clears_ms: list[int] = []
        self.closed = asyncio.Event()
        self.passed = asyncio.Condition()
        self.silent = False

    @property
    def now_ms(self) -> int:
        return len(self.heard) // 8

    async def __aenter__(self) -> Self:
        await self._open(self._token)
        return self

    async def _open(self, token: str | None) -> None:
        url = django_settings.ENV.media_stream_url
        assert self._call is not None
        start = start_message(str(self._call.pk), token)
        await self._begin(url, signed(url), start)

    async def _begin(self, url: str, headers: dict[str, str], start: dict[str, Any]) -> None:
        self.socket = await self._session.ws_connect(url, headers=headers)
        self.closed.clear()
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self.send(start)
        self._tasks += [
            asyncio.create_task(self._read(self.socket)),
            asyncio.create_task(self._line(self.socket)),
        ]

    async def come_back(self, token: str | None) -> None:
        """Open another stream of the same call, as the carrier does when one has ended."""
        self.ear.clear()
        await self._open(token)

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(ConnectionError):  # the agent may have hung up already
            await self.send({"event": "stop", "streamSid": "MZ"})
        await self.socket.close()
        await self._session.close()

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send_str(json.dumps(message))

    def say(self, *clip_names: str, pause_ms: float = 0) -> None:
        """Speak; a clip is a sentence of the recorded voices."""
        for name in clip_names:
            self.mouth += clips.clip(name) + g711.silence(pause_ms)

    async def until_said(self) -> None:
        """Wait until all has been spoken."""
        for _ in range(1000):
            if not self.mouth:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("there was too much to say")

    async def press(self, digit: str) -> None:
        await self.send(
            {"event": "dtmf", "streamSid": "MZ", "dtmf": {"track": "inbound_track", "digit": digit}}
        )

    def fall_silent(self) -> None:
        """Send nothing any more, on a connection that stays open."""
        self.silent = True

    def drop(self) -> None:
        """Lose the connection without a word."""
        connection = self.socket._response.connection
        assert connection is not None
        connection.close()

    async def until_mark(self, pattern: str, timeout_s: float = 60) -> str:
        """Wait until a mark whose name holds the pattern was passed by the sound."""
        async with asyncio.timeout(timeout_s), self.passed:
            while True:
                for name, played in self.marks:
                    if played and pattern in name:
                        return name
                await self.passed.wait()

    async def until_closed(self, timeout_s: float = 60) -> None:
        async with asyncio.timeout(timeout_s):
            await self.closed.wait()

    async def sleep_ms(self, ms: float) -> None:
        await asyncio.sleep(ms / 1000)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            content = json.loads(message.data)
            if content["event"] == "media":
                self.ear.feed(base64.b64decode(content["media"]["payload"]))
            elif content["event"] == "mark":
                name = content["mark"]["name"]
                self.ear.mark(name, lambda played, name=name: self._passed(name, played))
            elif content["event"] == "clear":
                self.clears_ms.append(self.now_ms)
                self.ear.clear()
            else:
                self.told(content)
        if socket is self.socket:
            self.closed.set()

    def told(self, message: dict[str, Any]) -> None:
        """Take a message that no carrier knows."""
        raise AssertionError(f"a carrier knows no {message['event']}")

    def _passed(self, name: str, played: bool) -> None:
        self.marks.append((name, played))
        message = {"event": "mark", "streamSid": "MZ", "mark": {"name": name}}
        self._tasks.append(asyncio.create_task(self._return(message)))

    async def _return(self, message: dict[str, Any]) -> None:
        async with self.passed:
            self.passed.notify_all()
        if not self.socket.closed:
            await self.send(message)

    async def _line(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        chunk = 0
        while not socket.closed and not self.silent:
            chunk += 1
            await asyncio.sleep(max(0.0, began + chunk * 0.02 - loop.time()))
            self.heard += self.ear.next_frame()
            frame = bytes(self.mouth[:160]).ljust(160, b"\xff")
            del self.mouth[:160]
            self.spoken += frame
            media = {
                "track": "inbound",
                "chunk": str(chunk),
                "timestamp": str((chunk - 1) * 20),
                "payload": base64.b64encode(frame).decode(),
            }
            await self.send({"event": "media", "streamSid": "MZ", "media": media})

    # What the person noticed

    def gaps_ms(self) -> list[int]:
        """Return, for every stretch of their own speech, ms until the agent was heard again."""
        mine, theirs = spans_ms(bytes(self.spoken)), spans_ms(bytes(self.heard))
        return [
            starts[0] - end
            for _, end in mine
            if (starts := [start for start, _ in theirs if start >= end])
        ]


def spans_ms(ulaw: bytes, join_ms: int = 400) -> list[tuple[int, int]]:
    """Return when there is speech in a µ-law track, as (start, end) in ms."""
    return spans_of(g711.decode(ulaw), join_ms)


def spans_of(samples: np.ndarray, join_ms: int = 400) -> list[tuple[int, int]]:
    """Return when there is speech in 8 kHz samples, as (start, end) in ms."""
    loud = np.abs(samples.astype(np.int32)) > 330
    blocks = loud[: len(loud) // 80 * 80].reshape(-1, 80).sum(axis=1) > 4
    spans: list[tuple[int, int]] = []
    for block in np.flatnonzero(blocks):
        at = int(block) * 10
        if spans and at - spans[-1][1] <= join_ms:
            spans[-1] = (spans[-1][0], at + 10)
        else:
            spans.append((at, at + 10))
    return spans


def signed(url: str) -> dict[str, str]:
    validator = RequestValidator(django_settings.ENV.twilio_auth_token.get_secret_value())
    return {"X-Twilio-Signature": validator.compute_signature(url, {})}


def script(
    call: Call, answer: Answer | None = None, opening: Sequence[Item] = ()
) -> ScriptedConversation:
    """Put a conversation on a call."""
    made = ScriptedConversation(
        opening or [Say("Good day.", "greet", "greeter")],
        answer or (lambda _event: [Say("Thank you, that is good to know.", "ack", "qualifier")]),
    )
    CONVERSATIONS[str(call.pk)] = made
    return made


async def turns_of(call: Call, server: Daphne) -> list[Turn]:
    """Return the transcript once the call's record is complete."""
    # Waits on the loop: the call's end needs the thread that synchronous code shares.
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(all_calls_over(), server.loop))
    return [turn async for turn in Turn.objects.filter(call=call).order_by("index")]


def sound_of(call: Call) -> np.ndarray:
    """Return the recording's samples: left the lead, right the agent."""
    recording = Recording.objects.get(call=call, state="stored")
    with wave.open(recording.file.path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 2, 2)
        assert abs(file.getnframes() / 8 - recording.duration_ms) <= 1
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
