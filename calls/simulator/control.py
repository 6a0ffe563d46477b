"""`/_simulator/…`: set up and look into the carrier while it runs. Twilio has nothing like it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from calls.simulator import wav
from calls.simulator.call import SimulatedCall
from calls.simulator.faults import FaultError
from calls.simulator.persona import PersonaError, persona_names
from calls.simulator.switchboard import Switchboard, checked_directory
from calls.simulator.verbs import Source

Handler = Callable[[web.Request], Awaitable[web.Response]]


def answered(handler: Handler) -> Handler:
    """Turn bad input into a 400 that says what is wrong with it."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (PersonaError, FaultError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


class Control:
    """Handlers of the control address."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def routes(self) -> list[web.RouteDef]:
        """Return the routes under /_simulator/."""
        return [
            web.get("/", answered(self.show)),
            web.get("/_simulator/", answered(self.show)),
            web.put("/_simulator/directory", answered(self.replace_directory)),
            web.patch("/_simulator/directory", answered(self.extend_directory)),
            web.put("/_simulator/faults", answered(self.set_faults)),
            web.delete("/_simulator/faults", answered(self.clear_faults)),
            web.post("/_simulator/inbound", answered(self.call_in)),
            web.get("/_simulator/calls/{call}", answered(self.show_call)),
            web.get("/_simulator/calls/{call}/sound.wav", answered(self.call_sound)),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Show the directory, the personas and the calls."""
        board = self._board
        calls = [
            {
                "sid": c.sid,
                "status": c.status,
                "persona": c.persona.name,
                "to": c.to,
                "url": c.request.url,
                "created": c.created.isoformat(),
            }
            for c in board.calls.values()
        ]
        return web.json_response(
            {"directory": board.directory, "personas": persona_names(), "calls": calls}
        )

    async def replace_directory(self, request: web.Request) -> web.Response:
        """Replace the directory by the JSON object sent."""
        self._board.set_directory(checked_directory(await _json(request)))
        return web.json_response(self._board.directory)

    async def extend_directory(self, request: web.Request) -> web.Response:
        """Add the numbers of the JSON object sent."""
        self._board.set_directory(checked_directory(await _json(request)), replace=False)
        return web.json_response(self._board.directory)

    async def set_faults(self, request: web.Request) -> web.Response:
        """Set faults: `{"*": {"rest_429": 1}, "eager_seller": {"drop_socket_after_ms": 3000}}`."""
        content = await _json(request)
        if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
            raise FaultError('faults are a JSON object {"number, persona or *": {"name": value}}')
        for scope, faults in content.items():
            for name, value in faults.items():
                self._board.faults.scope(scope).set(name, value)
        return web.json_response(content)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Remove every fault."""
        self._board.faults.clear()
        return web.json_response({})

    async def call_in(self, request: web.Request) -> web.Response:
        """Let a person call the application: `{"from": number, "to": number, "url": webhook}`."""
        content = await _json(request)
        if not isinstance(content, dict) or not {"from", "to", "url"} <= content.keys():
            raise ValueError('an inbound call needs {"from": …, "to": …, "url": …}')
        if urlsplit(str(content["url"])).scheme not in ("http", "https"):
            raise ValueError("url is the http(s) address of the application's voice webhook")
        call = start_inbound(
            self._board, str(content["from"]), str(content["to"]), str(content["url"])
        )
        return web.json_response(call.resource(), status=201)

    async def show_call(self, request: web.Request) -> web.Response:
        """Show what happened in a call and who said what, when."""
        call = self._call(request)
        lead = call.line.lead if call.line else None
        return web.json_response(
            {
                "call": call.resource(),
                "persona": call.persona.name,
                "expected": call.persona.expected,
                "said": [asdict(utterance) for utterance in lead.said] if lead else [],
                "heard": [asdict(turn) for turn in lead.heard] if lead else [],
                "timeline": [asdict(event) for event in call.timeline],
            }
        )

    async def call_sound(self, request: web.Request) -> web.Response:
        """Give both directions of a call so far: channel 1 said, channel 2 heard."""
        call = self._call(request)
        sound = wav.from_channels(call.said, call.heard)
        return web.Response(body=sound, content_type="audio/x-wav")

    def _call(self, request: web.Request) -> SimulatedCall:
        call = self._board.calls.get(request.match_info["call"])
        if call is None:
            raise web.HTTPNotFound
        return call


def start_inbound(board: Switchboard, from_: str, to: str, url: str) -> SimulatedCall:
    """Let the person who has the number `from_` call the application."""
    call = SimulatedCall(board.account_sid, to, from_, board.persona_of(from_), direction="inbound")
    board.add(call).start(inbound_source=Source(url))
    return call


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
