"""The OpenAI-compatible part, which Ollama has too: `/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from agents.standin.behaviour import Fault
from agents.standin.engine import Broken, Engine, Request


def routes(engine: Engine) -> list[web.RouteDef]:
    """Return the addresses, served by an engine."""
    endpoint = _Endpoint(engine)
    return [
        web.get("/v1/models", endpoint.models),
        web.post("/v1/chat/completions", endpoint.completions),
    ]


class _Endpoint:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def models(self, http: web.Request) -> web.Response:
        if refusal := self._unauthorised(http):
            return refusal
        data = [{"id": name, "object": "model"} for name in self._engine.behaviour.models]
        return web.json_response({"object": "list", "data": data})

    async def completions(self, http: web.Request) -> web.StreamResponse:
        if refusal := self._unauthorised(http):
            return refusal
        body = await http.json()
        shape = body.get("response_format") or {}
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or -1
        request = Request(
            path=http.path,
            model=str(body.get("model", "")),
            messages=[dict(each) for each in body.get("messages") or ()],
            options={"num_predict": limit},
            format=(shape.get("json_schema") or {}).get("schema"),
            fault=self._engine.fault_now(),
        )
        self._engine.requests.append(request)
        if request.fault is Fault.WRONG_MODEL or request.model not in self._engine.behaviour.models:
            return _error(404, f"The model `{request.model}` does not exist", "model_not_found")
        if request.fault is Fault.ERROR:
            return _error(500, "The server had an error", "server_error")
        if request.fault is Fault.BUSY:
            return _error(429, "Rate limit reached", "rate_limit_exceeded")
        if body.get("stream"):
            return await self._streamed(http, request)
        said = "".join([piece async for piece in self._engine.generate(request)])
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": request.done_reason}
        answer = {
            **_head(request, "chat.completion"),
            "choices": [choice],
            "usage": _usage(request),
        }
        return web.json_response(answer)

    async def _streamed(self, http: web.Request, request: Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        pieces = self._engine.generate(request)
        try:
            async for piece in pieces:
                await _send(response, _chunk(request, {"content": piece}))
        except Broken:
            assert http.transport is not None  # noqa: S101 - it is being answered
            http.transport.abort()
            return response
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator
        await _send(response, _chunk(request, {}, finish=request.done_reason))
        usage = {**_head(request, "chat.completion.chunk"), "choices": [], "usage": _usage(request)}
        await _send(response, usage)
        await response.write(b"data: [DONE]\n\n")
        return response

    def _unauthorised(self, http: web.Request) -> web.Response | None:
        key = self._engine.behaviour.api_key
        if not key or http.headers.get("Authorization") == f"Bearer {key}":
            return None
        return _error(401, "Incorrect API key provided", "invalid_api_key")


def _head(request: Request, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-standin", "object": kind, "created": 0, "model": request.model}


def _chunk(request: Request, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_head(request, "chat.completion.chunk"), "choices": [choice]}


def _usage(request: Request) -> dict[str, int]:
    given = len(request.given)
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": given,
        "total_tokens": request.prompt_tokens + given,
    }


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")


def _error(status: int, message: str, code: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
