"""The carrier as a server: one port, started and stopped as a context manager."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import aiohttp
from aiohttp import web

from calls.simulator.call import SimulatedCall
from calls.simulator.clips import CLIPS
from calls.simulator.control import Control, start_inbound
from calls.simulator.fast import Fast
from calls.simulator.faults import FaultBook, Faults
from calls.simulator.persona import PERSONAS
from calls.simulator.rest import RestApi
from calls.simulator.switchboard import Switchboard
from calls.simulator.webhooks import Webhooks

MOST_REQUEST_BYTES = 1_000_000


class PortTakenError(OSError):
    """Another program listens on the port."""


class CarrierSimulator:
    """A running carrier: `async with CarrierSimulator(...) as carrier: carrier.base_url`.

    Args:
        account_sid, auth_token: the account's credentials; webhooks are signed with the token.
        directory: which persona answers which number.
        host, port: where to listen; port 0 takes a free one.
        calls_per_second: outbound calls placed a second; the excess is queued, as Twilio does.
        ring_seconds: how long a telephone rings before it is answered.
        faults: faults for every call; `carrier.faults.scope(...)` for one number or persona.
        default_persona: who answers numbers that are not in the directory; nobody if empty.
        personas, clips: folders with the personas and their voices.
        fast: who answers is drawn by lot, and calls take little time.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        directory: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        calls_per_second: float = 1.0,
        ring_seconds: float = 2.0,
        faults: Faults | None = None,
        default_persona: str = "",
        personas: Path = PERSONAS,
        clips: Path = CLIPS,
        fast: Fast | None = None,
    ) -> None:
        self.faults = FaultBook(faults)
        self.base_url = ""
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._directory = dict(directory or {})
        self._host = host
        self._port = port
        self._calls_per_second = calls_per_second
        self._ring_seconds = ring_seconds
        self._default_persona = default_persona
        self._personas = personas
        self._clips = clips
        self._fast = fast
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._board: Switchboard | None = None

    @property
    def board(self) -> Switchboard:
        """Return the carrier's state; only while it runs."""
        if self._board is None:
            raise RuntimeError("the carrier is not running; use `async with CarrierSimulator(...)`")
        return self._board

    @property
    def calls(self) -> dict[str, SimulatedCall]:
        """Return the calls by SID, oldest first."""
        return self.board.calls

    def set_directory(self, directory: Mapping[str, str], *, replace: bool = True) -> None:
        """Say which persona answers which number, also while calls run."""
        self.board.set_directory(directory, replace=replace)

    def call_in(self, *, from_: str, to: str, url: str) -> SimulatedCall:
        """Let the person who has the number `from_` call the application's voice webhook."""
        return start_inbound(self.board, from_, to, url)

    async def wait_for(self, call_sid: str, timeout_s: float = 60) -> SimulatedCall:
        """Return a call once it is over and its callbacks are sent.

        Raises:
            TimeoutError: it is not over after `timeout_s` seconds.
        """
        call = self.calls[call_sid]
        async with asyncio.timeout(timeout_s):
            await call.finished.wait()
        return call

    async def __aenter__(self) -> CarrierSimulator:
        # Sockets to the application live as long as a call: no limit on how many.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        try:
            await self._start(self._session)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _start(self, session: aiohttp.ClientSession) -> None:
        board = self._board = Switchboard(
            session=session,
            webhooks=Webhooks(session, self._account_sid, self._auth_token),
            faults=self.faults,
            calls_per_second=self._calls_per_second,
            ring_s=self._ring_seconds,
            personas=self._personas,
            clips=self._clips,
            default_persona=self._default_persona,
            fast=self._fast,
        )
        board.set_directory(self._directory)
        app = web.Application(client_max_size=MOST_REQUEST_BYTES)
        app.add_routes(Control(board).routes())
        app.add_routes(RestApi(board, self._auth_token).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(error.errno, f"port {self._port} is taken") from error
            raise
        port = self._runner.addresses[0][1]
        self.base_url = board.base_url = f"http://{self._host}:{port}"
        board.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._board is not None:
            await self._board.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()
