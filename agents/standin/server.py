"""Ollama's HTTP API, as its documentation has it (docs/api.md of ollama/ollama)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agents.standin import openai_api
from agents.standin.behaviour import Behaviour, Fault
from agents.standin.engine import Broken, Engine, Request, seconds_of

VERSION = "0.12.6"
_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "8.0B",
    "quantization_level": "Q4_K_M",
}
_SIZE = 4_920_753_328


class OllamaStandIn:
    """The server. `behaviour` may be changed at any time, also over `POST /_standin/`."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.engine = Engine(behaviour or Behaviour())
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """Every chat and completion that was asked for, oldest first."""
        return self.engine.requests

    async def set(self, **changes: Any) -> None:
        """Change the behaviour.

        Raises:
            pydantic.ValidationError: a value is not one it can have.
        """
        self.engine.behaviour = Behaviour.model_validate(
            {**self.engine.behaviour.model_dump(), **changes}
        )
        self.engine.reset()
        refused = self.engine.behaviour.fault is Fault.REFUSED
        if refused:
            await self.stop()  # connections that are open are of no use either
        elif self._runner is None and self.port:
            await self.start(self.port)

    async def start(self, port: int = 0) -> None:
        """Listen on a port of this machine; 0 takes a free one."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", _running),
                web.get("/api/version", _version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/chat", self._chat),
                web.post("/api/generate", self._generate),
                web.get("/_standin/", self._state),
                web.post("/_standin/", self._change),
                *openai_api.routes(self.engine),
            ]
        )
        # A client that goes away stops the generation, as it does in Ollama.
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, and break what is being answered."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def quiet(self) -> None:
        """Wait until nothing is being answered."""
        await self.engine.quiet()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[OllamaStandIn]:
        """Run for the time of a `with` block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    # What is there

    async def _tags(self, _: web.Request) -> web.Response:
        return web.json_response({"models": [_listed(n) for n in self.engine.behaviour.models]})

    async def _ps(self, _: web.Request) -> web.Response:
        models = []
        for name, until in self.engine.loaded.items():
            if self.engine.is_loaded(name):
                end = datetime.max if until is None else datetime.fromtimestamp(until, UTC)  # noqa: DTZ901 - as Ollama shows "for ever"
                loaded = {"expires_at": end.isoformat(), "size_vram": _SIZE, "context_length": 4096}
                models.append(_listed(name) | loaded)
        return web.json_response({"models": models})

    async def _show(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = str(body.get("model") or body.get("name") or "")
        if name not in self.engine.behaviour.models:
            return _error(404, f"model '{name}' not found")
        return web.json_response(
            {
                "license": "Stand-in",
                "modelfile": f"FROM {name}",
                "parameters": "",
                "template": "{{ .Prompt }}",
                "details": _DETAILS,
                "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
                "capabilities": ["completion"],
                "modified_at": datetime.now(UTC).isoformat(),
            }
        )

    # What is said

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        messages = [dict(each) for each in body.get("messages") or ()]
        return await self._answer(request, body, messages, chat=True)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        given = (("system", body.get("system")), ("user", body.get("prompt")))
        messages = [{"role": role, "content": text} for role, text in given if text]
        return await self._answer(request, body, messages, chat=False)

    async def _answer(
        self, http: web.Request, body: dict[str, Any], messages: list[dict[str, Any]], *, chat: bool
    ) -> web.StreamResponse:
        model = str(body.get("model", ""))
        if not model:
            return _error(400, "model is required")
        try:
            seconds_of(body.get("keep_alive"))
        except ValueError as error:
            return _error(400, str(error))
        request = Request(
            path=http.path,
            model=model,
            messages=messages,
            options=dict(body.get("options") or {}),
            format=body.get("format") or None,
            keep_alive=body.get("keep_alive"),
        )
        if not messages:
            return await self._loaded(request, chat=chat)
        request.fault = self.engine.fault_now()
        self.engine.requests.append(request)
        if request.fault is Fault.WRONG_MODEL or model not in self.engine.behaviour.models:
            return _error(404, f"model '{model}' not found")
        if request.fault is Fault.ERROR:
            return _error(500, "llama runner process has terminated: exit status 2")
        if request.fault is Fault.BUSY:
            return _error(503, "server busy, please try again.  maximum pending requests exceeded")
        if body.get("stream", True):
            return await self._streamed(http, request, chat=chat)
        try:
            said = "".join([piece async for piece in self.engine.generate(request)])
        except Broken:
            assert http.transport is not None  # noqa: S101 - it is being answered
            http.transport.abort()
            return web.Response()
        return web.json_response(_part(request, said, chat=chat) | _end(request, chat=chat))

    async def _loaded(self, request: Request, *, chat: bool) -> web.Response:
        """Answer an empty prompt: it only loads the model, or unloads it with `keep_alive` 0."""
        if request.model not in self.engine.behaviour.models:
            return _error(404, f"model '{request.model}' not found")
        await self.engine.load(request)
        reason = "load" if self.engine.is_loaded(request.model) else "unload"
        done = {"done": True, "done_reason": reason}
        return web.json_response(_part(request, "", chat=chat) | done)

    async def _streamed(
        self, http: web.Request, request: Request, *, chat: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(http)
        pieces = self.engine.generate(request)
        try:
            async for piece in pieces:
                if request.fault is Fault.GARBLED and (
                    len(request.given) > self.engine.behaviour.fault_after_tokens
                ):
                    await response.write(b'{"model": "llam\n')
                    break
                await _write(response, _part(request, piece, chat=chat))
        except Broken as broken:
            await _write(response, _part(request, broken.half, chat=chat))
            assert http.transport is not None  # noqa: S101 - it is being answered
            http.transport.abort()
            return response
        except (ConnectionResetError, asyncio.CancelledError):
            request.finished = False
            raise
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator
        await _write(response, _part(request, "", chat=chat) | _end(request, chat=chat))
        await response.write_eof()
        return response

    # What can be set

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "behaviour": self.engine.behaviour.model_dump(mode="json"),
                "requests": len(self.requests),
                "finished": sum(request.finished for request in self.requests),
                "active": self.engine.active,
                "most_active": self.engine.most_active,
            }
        )

    async def _change(self, request: web.Request) -> web.Response:
        try:
            await self.set(**await _body(request))
        except (ValidationError, TypeError) as error:
            return _error(400, str(error))
        return await self._state(request)


async def _running(_: web.Request) -> web.Response:
    return web.Response(text="Ollama is running")


async def _version(_: web.Request) -> web.Response:
    return web.json_response({"version": VERSION})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except json.JSONDecodeError as error:
        raise web.HTTPBadRequest(
            text=json.dumps({"error": str(error)}), content_type="application/json"
        ) from None
    return body if isinstance(body, dict) else {}


async def _write(response: web.StreamResponse, line: dict[str, Any]) -> None:
    await response.write(json.dumps(line).encode() + b"\n")


def _part(request: Request, text: str, *, chat: bool) -> dict[str, Any]:
    said = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
    return {
        "model": request.model,
        "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        **said,
        "done": False,
    }


def _end(request: Request, *, chat: bool) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": request.done_reason,
        **({} if chat else {"context": []}),
        "total_duration": request.total_ns,
        "load_duration": request.load_ns,
        "prompt_eval_count": request.prompt_tokens,
        "prompt_eval_duration": request.prompt_ns,
        "eval_count": len(request.given),
        "eval_duration": request.eval_ns,
    }


def _listed(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": (datetime.now(UTC) - timedelta(days=30)).isoformat(),
        "size": _SIZE,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "details": _DETAILS,
    }


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
