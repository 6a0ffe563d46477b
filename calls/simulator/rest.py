"""The REST interface the application calls: Twilio's 2010-04-01 API for calls and recordings."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from calls.simulator.call import API_VERSION, SimulatedCall, rfc2822
from calls.simulator.errors import RestError, not_found
from calls.simulator.recordings import Recording
from calls.simulator.request_form import (
    call_numbers,
    call_request,
    checked_twiml,
    recording_options,
    time_limit,
)
from calls.simulator.switchboard import QueueFullError, Switchboard
from calls.simulator.usage import usage_records
from calls.simulator.verbs import Source

Handler = Callable[[web.Request], Any]
MOST_PER_PAGE = 1000


class RestApi:
    """Routes and handlers; every answer, refusals included, has Twilio's form."""

    def __init__(self, board: Switchboard, auth_token: str) -> None:
        self._board = board
        self._token = auth_token

    def routes(self) -> list[web.RouteDef]:
        """Return the routes under /2010-04-01/."""
        account = f"/{API_VERSION}/Accounts/{{account}}"
        call = f"{account}/Calls/{{call}}"
        get, post, delete = web.get, web.post, web.delete
        return [
            get(f"{account}.json", self._guarded(self.account)),
            post(f"{account}/Calls.json", self._guarded(self.create_call)),
            get(f"{account}/Calls.json", self._guarded(self.list_calls)),
            get(f"{call}.json", self._guarded(self.fetch_call)),
            post(f"{call}.json", self._guarded(self.update_call)),
            delete(f"{call}.json", self._guarded(self.delete_call)),
            post(f"{call}/Recordings.json", self._guarded(self.start_recording)),
            get(f"{call}/Recordings.json", self._guarded(self.list_recordings)),
            get(f"{call}/Recordings/{{recording}}.json", self._guarded(self.fetch_recording)),
            post(f"{call}/Recordings/{{recording}}.json", self._guarded(self.update_recording)),
            delete(f"{call}/Recordings/{{recording}}.json", self._guarded(self.delete_recording)),
            get(f"{account}/Recordings.json", self._guarded(self.list_recordings)),
            get(f"{account}/Recordings/{{recording}}.json", self._guarded(self.fetch_recording)),
            delete(
                f"{account}/Recordings/{{recording}}.json", self._guarded(self.delete_recording)
            ),
            get(f"{account}/Recordings/{{recording}}.wav", self._guarded(self.recording_sound)),
            get(f"{account}/Recordings/{{recording}}", self._guarded(self.recording_sound)),
            get(f"{account}/Usage/Records.json", self._guarded(self.list_usage)),
            web.route("*", f"/{API_VERSION}/{{rest:.*}}", self._guarded(self.unknown)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Check credentials and faults, and turn errors into Twilio's bodies."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._check(request)
                form = await request.post() if request.method == "POST" else {}
                to = str(form.get("To", ""))
                scopes = (to, self._board.persona_of(to).name) if to else ()
                if self._board.faults.take("rest_429", *scopes):
                    raise RestError(20429, "Too Many Requests", 429)
                if self._board.faults.take("rest_500", *scopes):
                    raise RestError(20500, "An internal server error has occurred", 500)
                answer: web.StreamResponse = await handler(request)
            except RestError as error:
                return error.response()
            return answer

        return handle

    def _check(self, request: web.Request) -> None:
        account, token = self._board.account_sid, self._token
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(value) if kind.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            given = b""
        if not hmac.compare_digest(given, f"{account}:{token}".encode()):
            raise RestError(20003, "Authenticate", 401)
        if request.match_info.get("account", account) != account:
            raise not_found(request.path)

    async def unknown(self, request: web.Request) -> web.Response:
        """Refuse what this carrier does not have."""
        raise not_found(request.path)

    async def account(self, request: web.Request) -> web.Response:
        """Fetch the account."""
        path = f"/{API_VERSION}/Accounts/{self._board.account_sid}"
        now = rfc2822(datetime.now(UTC))
        content = {
            "sid": self._board.account_sid,
            "friendly_name": "Simulated carrier",
            "status": "active",
            "type": "Full",
            "owner_account_sid": self._board.account_sid,
            "auth_token": None,
            "date_created": now,
            "date_updated": now,
            "uri": f"{path}.json",
            "subresource_uris": {
                "calls": f"{path}/Calls.json",
                "recordings": f"{path}/Recordings.json",
            },
        }
        return web.json_response(content)

    # Calls

    async def create_call(self, request: web.Request) -> web.Response:
        """Take an outbound call into the queue."""
        form = await request.post()
        fields: Any = form
        to, from_ = call_numbers(fields)
        try:
            call = self._board.enqueue(to, from_, call_request(fields))
        except QueueFullError:
            raise RestError(20429, "Too many calls are queued", 429) from None
        if self._board.faults.take("lose_response", to, call.persona.name):
            call.note("fault_response_lost")
            if request.transport is not None:
                request.transport.abort()
        return web.json_response(call.resource(), status=201)

    async def list_calls(self, request: web.Request) -> web.Response:
        """List calls, newest first, with Twilio's filters."""
        query = request.query
        calls = [call for call in reversed(self._board.calls.values()) if _matches(call, query)]
        return _page(request, "calls", [call.resource for call in calls])

    async def fetch_call(self, request: web.Request) -> web.Response:
        """Fetch one call."""
        return web.json_response(self._call(request).resource())

    async def update_call(self, request: web.Request) -> web.Response:
        """Hang up, cancel or redirect a call.

        An ended call is answered with 404 when it is to be completed and with 21220 otherwise.
        """
        form = await request.post()
        call = self._call(request)
        status = str(form.get("Status", ""))
        leg = self._board.legs.get(call.sid)
        if call.is_over or leg is None:
            if status:
                raise not_found(request.path)
            raise RestError(21220, "Unable to update record. Call is not in-progress.")
        if status not in ("", "completed", "canceled"):
            raise RestError(21218, f"Invalid status {status!r}; use completed or canceled")
        if form.get("TimeLimit"):
            fields: Any = form
            leg.limit(time_limit(fields))
        if status == "completed" or (status == "canceled" and call.line is None):
            leg.hang_up("rest")
        elif url := str(form.get("Url", "")):
            method = str(form.get("Method", "POST")).upper()
            leg.redirect(Source(url, method, fallback_url=str(form.get("FallbackUrl", ""))))
        elif twiml := str(form.get("Twiml", "")):
            leg.redirect(Source(twiml=checked_twiml(twiml)))
        return web.json_response(call.resource())

    async def delete_call(self, request: web.Request) -> web.Response:
        """Forget an ended call."""
        call = self._call(request)
        if not call.is_over:
            raise RestError(20409, "Call is still in progress", 409)
        del self._board.calls[call.sid]
        return web.Response(status=204)

    def _call(self, request: web.Request) -> SimulatedCall:
        call = self._board.calls.get(request.match_info["call"])
        if call is None:
            raise not_found(request.path)
        return call

    # Recordings

    async def start_recording(self, request: web.Request) -> web.Response:
        """Record a call in progress."""
        call = self._call(request)
        leg = self._board.legs.get(call.sid)
        if call.status != "in-progress" or leg is None:
            raise RestError(21220, "Requested resource is not eligible for recording")
        fields: Any = await request.post()
        recording = leg.record(source="StartCallRecordingAPI", **recording_options(fields))
        return web.json_response(recording.resource(self._board.base_url), status=201)

    async def list_recordings(self, request: web.Request) -> web.Response:
        """List the recordings of one call, or of all."""
        if "call" in request.match_info:
            found = list(reversed(self._call(request).recordings))
        else:
            wanted = request.query.get("CallSid", "")
            found = [r for r in reversed(self._recordings()) if wanted in ("", r.call.sid)]
        if request.query.get("IncludeSoftDeleted", "false").lower() != "true":
            found = [recording for recording in found if not recording.deleted]
        base_url = self._board.base_url
        shown = [partial(recording.resource, base_url) for recording in found]
        return _page(request, "recordings", shown)

    async def fetch_recording(self, request: web.Request) -> web.Response:
        """Fetch one recording's description."""
        return web.json_response(self._recording(request).resource(self._board.base_url))

    async def update_recording(self, request: web.Request) -> web.Response:
        """Stop a recording."""
        form = await request.post()
        recording = self._recording(request)
        if form.get("Status") != "stopped":
            raise RestError(20001, "Status must be stopped")
        leg = self._board.legs.get(recording.call.sid)
        if leg is not None:
            leg.finish_recording(recording)
        return web.json_response(recording.resource(self._board.base_url))

    async def delete_recording(self, request: web.Request) -> web.Response:
        """Delete a recording: it is not to be had any more, and listed only on demand."""
        self._recording(request).deleted = True
        return web.Response(status=204)

    async def recording_sound(self, request: web.Request) -> web.Response:
        """Fetch the WAV file; `RequestedChannels=2` gives each side its channel."""
        recording = self._recording(request)
        if recording.status != "completed" or recording.call.line is None:
            raise not_found(request.path)
        channels = 2 if request.query.get("RequestedChannels") == "2" else recording.channels
        sound = await asyncio.to_thread(recording.sound, channels)
        return web.Response(body=sound, content_type="audio/x-wav")

    # Usage

    async def list_usage(self, request: web.Request) -> web.Response:
        """List what the account is billed for by the day; without days, everything."""
        query = request.query
        try:
            first = date.fromisoformat(query.get("StartDate") or "2000-01-01")
            last = date.fromisoformat(query.get("EndDate") or f"{datetime.now(UTC):%Y-%m-%d}")
        except ValueError:
            raise RestError(20001, "StartDate and EndDate are days: YYYY-MM-DD") from None
        records = usage_records(
            self._board.account_sid,
            self._board.calls.values(),
            category=query.get("Category", ""),
            first=first,
            last=last,
        )
        return _page(request, "usage_records", [partial(dict, record) for record in records])

    def _recordings(self) -> list[Recording]:
        return [r for call in self._board.calls.values() for r in call.recordings]

    def _recording(self, request: web.Request) -> Recording:
        sid = request.match_info["recording"]
        call = request.match_info.get("call")
        for recording in reversed(self._recordings()):
            here = call in (None, recording.call.sid) and not recording.deleted
            if here and sid in (recording.sid, "Twilio.CURRENT"):
                return recording
        raise not_found(request.path)


def _matches(call: SimulatedCall, query: Any) -> bool:
    wanted = {
        "To": call.to,
        "From": call.from_,
        "Status": call.status,
        "ParentCallSid": call.parent_sid,
    }
    if any(query.get(name) not in (None, "", value) for name, value in wanted.items()):
        return False
    started = (call.started or call.created).astimezone(UTC).isoformat()
    ended = call.ended.astimezone(UTC).isoformat() if call.ended else ""
    return _within(query, "StartTime", started) and _within(query, "EndTime", ended)


def _within(query: Any, name: str, moment: str) -> bool:
    """Return whether an ISO time lies within the filters `Name`, `Name<` and `Name>`."""
    exact, before, after = query.get(name), query.get(f"{name}<"), query.get(f"{name}>")
    if exact and moment[: len(exact[:10])] != exact[:10]:
        return False
    # A bare date counts as the whole day, a time with Z as that instant.
    if before and not moment[: len(before.rstrip("Z"))] <= before.rstrip("Z"):
        return False
    return not (after and not moment[: len(after.rstrip("Z"))] >= after.rstrip("Z"))


def _page(
    request: web.Request, key: str, items: Sequence[Callable[[], dict[str, Any]]]
) -> web.Response:
    """Return one page of a list in Twilio's envelope."""
    try:
        size = min(MOST_PER_PAGE, max(1, int(request.query.get("PageSize", "50"))))
        page = max(0, int(request.query.get("Page", "0")))
    except ValueError:
        raise RestError(20001, "Page and PageSize are whole numbers") from None
    start = page * size
    shown = [item() for item in items[start : start + size]]

    def uri(number: int) -> str:
        query = {**request.query, "PageSize": str(size), "Page": str(number)}
        return f"{request.path}?{urlencode(query)}"

    envelope = {
        key: shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start, start + len(shown) - 1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if start + size < len(items) else None,
    }
    return web.json_response(envelope)
