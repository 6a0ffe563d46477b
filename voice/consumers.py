"""The carrier's WebSocket: who may open it, and frames in and out. Nothing slow happens here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from agents.interface import Brief, ConversationProtocol
from calls.carrier import stream_signature_is_valid
from calls.services.resumption import stream_resume
from calls.services.streams import LiveCall, StreamRefused, stream_closed, stream_open
from voice import wire
from voice.clerk import in_database
from voice.metrics import STREAMS_REFUSED
from voice.notices import notices_forward
from voice.pipeline import carry_call, make_conversation
from voice.session import MediaSession, MediaSocket, live_calls

logger = structlog.get_logger(__name__)

START_WITHIN_S = 5.0
"""How long a socket may take to say which call it is."""

MOST_UNKNOWN = 20
"""Unknown events that are let pass: the carrier may add some, a fuzzer sends more."""

# As 1008, 1009 and 1013 of RFC 6455, which the server does not let an application send.
POLICY_VIOLATION, TOO_BIG, TRY_LATER = 4008, 4009, 4013


class TwilioMediaConsumer(AsyncWebsocketConsumer):
    """One Media Streams socket: checks it, then moves its frames to and from the call's task."""

    # It has no channel layer: Channels ends a consumer whose layer fails. See `voice.notices`.

    converse: Callable[[Brief], ConversationProtocol] = staticmethod(make_conversation)
    """Makes the conversation of a call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._socket: MediaSocket | None = None
        self._opening = False
        """It has said which call it is, and it is not known yet whether it may have it."""
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False
        self._unknown = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take the socket's messages, one after another.

        Channels waits for the socket and a channel layer at once, with a task made for each
        message. Here there is no layer, and fifty messages a second.
        """
        self.scope, self.base_send = scope, send
        with contextlib.suppress(StopConsumer):
            while True:
                await self.dispatch(await receive())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle frames of the carrier at once, and all else as Channels does.

        Channels looks at the database connections of the thread shared by all synchronous code
        before each message. A frame touches no database.
        """
        if message["type"] == "websocket.receive":
            await self.receive(message.get("text"), message.get("bytes"))
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        """Accept the carrier, and nobody else."""
        if not self._is_signed():
            return await self._refuse("wrong_signature", POLICY_VIOLATION)
        # A call that is held here may come back when no other one is taken: look at its start.
        if not len(live_calls) and (reason := live_calls.refusal()):
            return await self._refuse(reason, TRY_LATER)
        await self.accept()
        self._await_start()
        return None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take one frame. Waits for nothing."""
        if self._refused:
            return
        try:
            message = wire.parse(text_data, bytes_data)
        except wire.WireError as error:
            if error.reason == "unknown_event" and self._unknown < MOST_UNKNOWN:
                self._unknown += 1
                return
            code = TOO_BIG if error.reason == "message_too_large" else POLICY_VIOLATION
            await self._refuse(error.reason, code)
            return
        if self._socket is None:
            await self._before_start(message)
        elif isinstance(message, wire.Media | wire.Dtmf | wire.Mark):
            self._socket.put(message)
        elif isinstance(message, wire.Stop):
            self._socket.end("stream_stopped")
        else:
            await self._refuse("second_start", POLICY_VIOLATION)

    async def disconnect(self, code: int) -> None:
        """Tell the call that its socket is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.lost()

    def _is_signed(self) -> bool:
        headers = dict(self.scope["headers"])
        signature = headers.get(b"x-twilio-signature", b"").decode("latin-1")
        return stream_signature_is_valid(signature)

    async def _before_start(self, message: wire.Message) -> None:
        if isinstance(message, wire.Connected):
            return
        if self._opening:
            return  # sound of the moment in which its token is looked at
        if not isinstance(message, wire.Start):
            await self._refuse("no_start", POLICY_VIOLATION)
            return
        self._start_came()
        held = live_calls.session_of(message.parameters.get("call", ""))
        if held is not None:
            self._opening = True
            self._resuming = asyncio.create_task(self._resume(message, held))
        elif reason := live_calls.refusal():
            await self._refuse(reason, TRY_LATER)
        else:
            session = MediaSession(message, send=self.send, close=self.close)
            self._socket = session.socket
            live_calls.start(self._call(message, session))

    async def _call(self, start: wire.Start, session: MediaSession) -> None:
        """Open the call's record and carry the call; runs as a task of its own."""
        live: LiveCall | None = await self._ask(stream_open, start)
        if live is None:
            session.lose("refused")
            return
        call_id = str(live.call_id)
        live_calls.hold(call_id, session)
        news = asyncio.create_task(notices_forward(session, live.call_id), name="call-notices")
        try:
            await carry_call(session, live, type(self).converse(live.brief))
        except Exception:
            # It could not even be begun: nobody is left on a dead line until the watchdog comes.
            session.lose("failed")
            now = timezone.now()
            await in_database(stream_closed, call_id=live.call_id, reason="failed", now=now)
            await session.close()
            raise
        finally:
            live_calls.release(call_id)
            news.cancel()

    async def _resume(self, start: wire.Start, session: MediaSession) -> None:
        """Go on with a call whose last socket is gone."""
        if await self._ask(stream_resume, start, otherwise=False) is False:
            return
        self._socket = session.attach(start, send=self.send, close=self.close)
        if self._socket is None:
            await self._refuse("call_ended", POLICY_VIOLATION)

    async def _ask(
        self, service: Callable[..., Any], start: wire.Start, *, otherwise: Any = None
    ) -> Any:
        """Have the record accept the stream; if it does not, close the socket."""
        try:
            return await in_database(
                service,
                call_id=start.parameters.get("call", ""),
                token=start.parameters.get("token", ""),
                stream_sid=start.stream_sid,
                account_sid=start.account_sid,
                call_sid=start.call_sid,
                now=timezone.now(),
            )
        except StreamRefused as error:
            await self._refuse(error.reason, POLICY_VIOLATION)
        except Exception as error:
            # Without its record a call cannot be held: the carrier asks again, or hangs up.
            logger.error("stream_not_opened", error=type(error).__name__, exc_info=error)
            await self._refuse("no_record", TRY_LATER)
        return otherwise

    def _await_start(self) -> None:
        """Give the socket a few seconds to say which call it is."""
        self._timer = asyncio.get_running_loop().call_later(START_WITHIN_S, self._too_late)

    def _start_came(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _too_late(self) -> None:
        task = asyncio.ensure_future(self._refuse("start_missing", POLICY_VIOLATION))
        self._refusing = task

    async def _refuse(self, reason: str, code: int) -> None:
        """Close the socket, and the call on it if there is one, for a reason that is logged."""
        self._refused = True
        if self._timer is not None:
            self._timer.cancel()
        STREAMS_REFUSED.labels(reason=reason).inc()
        logger.warning("stream_refused", reason=reason)
        if self._socket is not None:
            self._socket.end(reason)
        await self.close(code=code)
