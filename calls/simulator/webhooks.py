"""What the carrier sends to the application: signed requests, retried once, faulty on demand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urldefrag, urlencode, urlsplit

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

from calls.simulator.faults import FaultBook

# twilio.com/docs/usage/webhooks/webhooks-connection-overrides: 15 s in all, 5 s to connect,
# one retry when the application could not be reached in time.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
ATTEMPTS = 2
# A held-back callback that nothing overtakes is sent all the same after this long.
REORDER_HOLD_S = 1.0
MOST_BODY_BYTES = 2_000_000


class WebhookError(Exception):
    """The application could not be reached or refused; `code` is Twilio's error number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What the application answered."""

    url: str
    content_type: str
    body: bytes


class Webhooks:
    """Signed HTTP requests in the name of one account."""

    def __init__(self, session: aiohttp.ClientSession, account_sid: str, auth_token: str) -> None:
        self.account_sid = account_sid
        self._session = session
        self._validator = RequestValidator(auth_token)

    def signature(self, url: str, params: dict[str, str]) -> str:
        """Return the X-Twilio-Signature of a request to exactly this URL with these fields."""
        return str(self._validator.compute_signature(url, params))

    async def request(self, url: str, method: str, params: dict[str, str]) -> Answer:
        """Send one webhook and return the answer; repeat it once if nobody answered in time.

        Raises:
            WebhookError: 11200 for a refusal, 11205 for no connection, 11206 for no answer.
        """
        url = urldefrag(url).url
        if urlsplit(url).scheme not in ("http", "https"):
            raise WebhookError(11100, "the URL is not an http or https address")
        token = str(uuid.uuid4())  # the same for the retry: the application can tell
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._send(url, method, params, token)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if attempt == ATTEMPTS:
                    code = 11206 if isinstance(error, TimeoutError) else 11205
                    raise WebhookError(code, f"no answer: {type(error).__name__}") from error
        raise AssertionError("unreachable")

    async def _send(self, url: str, method: str, params: dict[str, str], token: str) -> Answer:
        headers = {"I-Twilio-Idempotency-Token": token, "User-Agent": "TwilioProxy/1.1"}
        if method == "GET" and params:
            url += ("&" if "?" in url else "?") + urlencode(params)
            params = {}
        headers["X-Twilio-Signature"] = self.signature(url, params)
        body = None if method == "GET" else aiohttp.FormData(params)
        async with self._session.request(
            method, URL(url, encoded=True), data=body, headers=headers, timeout=TIMEOUT
        ) as answer:
            content = await answer.content.read(MOST_BODY_BYTES)
            if answer.status >= 400:
                raise WebhookError(11200, f"answered with {answer.status}")
            return Answer(url, answer.content_type, content)


class CallbackQueue:
    """The callbacks of one call, sent one after the other unless a fault mixes them up."""

    def __init__(
        self,
        webhooks: Webhooks,
        faults: FaultBook,
        scopes: Callable[[], tuple[str, ...]],
        note: Callable[..., None],
    ) -> None:
        self._webhooks = webhooks
        self._faults = faults
        self._scopes = scopes
        self._note = note
        self._one_at_a_time = asyncio.Lock()
        self._held: Callable[[], Awaitable[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, kind: str, url: str, method: str, params: dict[str, str]) -> None:
        """Send a callback in the background; what the application answers does not matter."""
        if not url:
            return

        async def send() -> None:
            copies = 1 + self._faults.value("callback_duplicates", *self._scopes())
            for _ in range(copies):
                await self._deliver(kind, url, method, params)

        if not self._faults.value("callback_reorder", *self._scopes()):
            self._start(send())
        elif self._held is None:
            self._held = send
            self._start(self._release_later())
        else:
            first, self._held = self._held, None
            self._start(send())
            self._start(_call(first))

    async def drain(self) -> None:
        """Wait until everything posted has been sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        """Drop what has not been sent."""
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _release_later(self) -> None:
        await asyncio.sleep(REORDER_HOLD_S)
        if self._held is not None:
            last, self._held = self._held, None
            await last()

    async def _deliver(self, kind: str, url: str, method: str, params: dict[str, str]) -> None:
        delay_ms = self._faults.value("callback_delay_ms", *self._scopes())
        async with self._one_at_a_time:
            await asyncio.sleep(delay_ms / 1000)
            try:
                await self._webhooks.request(url, method, params)
                self._note("callback", kind=kind, status=params.get("CallStatus", ""))
            except WebhookError as error:
                self._note("callback_failed", kind=kind, code=error.code, message=str(error))


async def _call(send: Callable[[], Awaitable[None]]) -> None:
    await send()
