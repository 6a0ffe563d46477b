"""Our side of the line for these tests: a real application server, the real Twilio SDK."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from calls.simulator import CarrierSimulator
from calls.tests.twilio_document import watch_sdk

ACCOUNT = "AC" + "0" * 32
TOKEN = "simulated-token"
AGENT = "+18085550100"

PERSONAS = {
    "quick": 'about = "Says hello."\nexpected = "incomplete"\n'
    'opening = "Hello."\nopening_after_ms = 100\nreaction_ms = 200\n'
    'fallback = ["No agent."]\n',
    "mute": 'about = "Says nothing."\nexpected = "incomplete"\namd_ms = 100\n',
    "presser": 'about = "Presses keys."\nexpected = "do_not_call"\nreaction_ms = 100\n'
    '[[rule]]\nwhen = ["*"]\npress = "9"\n[[rule]]\nagent_turn = 1\npress = "42#"\n',
    "leaver": 'about = "Leaves."\nexpected = "hung_up"\npatience_ms = 200\npatience_times = 0\n',
    "engaged": 'about = "Busy."\nexpected = "busy"\nanswer = "busy"\n',
    "away": 'about = "Not there."\nexpected = "no_answer"\nanswer = "no_answer"\nring_ms = 150\n',
    "machine": 'about = "Beeps."\nexpected = "voicemail"\nanswer = "machine"\n'
    'answered_by = "machine_start"\namd_ms = 150\nopening_after_ms = 0\nmessage_ms = 300\n',
    "menu": 'about = "Press one."\nexpected = "voicemail"\n'
    'answered_by = "machine_start"\namd_ms = 150\n',
}

MediaPeer = Callable[[web.WebSocketResponse], Awaitable[None]]


@dataclass
class Received:
    """One webhook as it arrived."""

    path: str
    method: str
    params: dict[str, str]
    signed: bool
    token: str
    at: float


@dataclass
class Application:
    """A small application that answers webhooks and media sockets as each test wants."""

    base_url: str = ""
    received: list[Received] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)
    media: MediaPeer | None = None
    handshake_signed: list[bool] = field(default_factory=list)

    def url(self, path: str) -> str:
        return self.base_url + path

    @property
    def media_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/media/"

    def stream(self, parameters: str = "", after: str = "") -> str:
        return (
            f'<Response><Connect><Stream url="{self.media_url}">{parameters}</Stream></Connect>'
            f"{after}</Response>"
        )

    def of(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    def statuses(self, path: str = "/status/") -> list[str]:
        return [one.params["CallStatus"] for one in self.of(path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        signature = request.headers.get("X-Twilio-Signature", "")
        form = {k: str(v) for k, v in (await request.post()).items()}
        validator = RequestValidator(TOKEN)
        url = self.base_url + request.raw_path
        self.received.append(
            Received(
                request.path,
                request.method,
                form or dict(request.query),
                bool(validator.validate(url, form, signature)),
                request.headers.get("I-Twilio-Idempotency-Token", ""),
                asyncio.get_running_loop().time(),
            )
        )
        document = self.documents.get(request.path, "")
        if callable(document):
            document = await document(request)
        if isinstance(document, web.StreamResponse):
            return document
        return web.Response(text=document, content_type="text/xml")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        signature = request.headers.get("X-Twilio-Signature", "")
        valid = RequestValidator(TOKEN).validate(self.media_url, {}, signature)
        self.handshake_signed.append(bool(valid))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.media is not None:
            await self.media(socket)
        return socket


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    ours = Application()
    app = web.Application()
    app.router.add_get("/media/", ours.socket)
    app.router.add_route("*", "/{path:.*}", ours.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ours.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield ours
    await runner.cleanup()


NUMBERS = {name: f"+1808555{1000 + index}" for index, name in enumerate(PERSONAS)}


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[CarrierSimulator]:
    for name, text in PERSONAS.items():
        (tmp_path / f"{name}.toml").write_text(text)
    async with CarrierSimulator(
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        directory={number: name for name, number in NUMBERS.items()},
        calls_per_second=50,
        ring_seconds=0.05,
        personas=tmp_path,
    ) as running:
        yield running


class Redirecting(TwilioHttpClient):
    """The SDK's own transport, pointed at the simulator."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=5)
        self._base_url = base_url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        url = url.replace("https://api.twilio.com", self._base_url)
        return super().request(method, url, *args, **kwargs)


@dataclass
class Sdk:
    """The Twilio SDK off the event loop."""

    client: Client
    application: Application

    async def run(self, work: Callable[[Client], Any]) -> Any:
        return await asyncio.to_thread(work, self.client)

    async def call(self, who: str, **options: Any) -> Any:
        """Create a call to one of the personas; `url` is the application's /voice/."""
        options = {"from_": AGENT, "to": NUMBERS.get(who, who), **options}
        if "twiml" not in options:
            options.setdefault("url", self.application.url("/voice/"))
        return await self.run(lambda client: client.calls.create(**options))


@pytest.fixture
def sdk(carrier: CarrierSimulator, application: Application) -> Sdk:
    client = Client(ACCOUNT, TOKEN, http_client=Redirecting(carrier.base_url))
    return Sdk(client, application)


class Peer:
    """A media socket seen from the application: what came, and what to send."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.stream_sid = ""

    async def next(self, event: str, timeout_s: float = 5) -> dict[str, Any]:
        async with asyncio.timeout(timeout_s):
            while True:
                message = json.loads(await self.socket.receive_str())
                self.messages.append(message)
                self.stream_sid = message.get("streamSid", self.stream_sid)
                if message["event"] == event:
                    return message

    async def listen(self, seconds: float) -> bytes:
        """Return the sound that comes in within a time."""
        sound = b""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            sound += base64.b64decode((await self.next("media"))["media"]["payload"])
        return sound

    async def send(self, event: str, **content: Any) -> None:
        await self.socket.send_json({"event": event, "streamSid": self.stream_sid, **content})

    async def play(self, sound: bytes) -> None:
        await self.send("media", media={"payload": base64.b64encode(sound).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


@pytest.fixture(autouse=True)
def as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every request that the SDK sends, and its answer, against Twilio's document."""
    watch_sdk(monkeypatch)
