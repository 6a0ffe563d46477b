"""Try it: a chat with a playbook's agent over a WebSocket. The talk lives as long as the socket."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from agents.conversation import Conversation
from agents.interface import Event, KeyPress, MachineAnswered, Silence, Utterance, WrapUp
from agents.llm.process import call_model
from agents.models import PlaybookVersion
from agents.playbook import Script
from agents.rehearsal import (
    LONGEST_SAID,
    Before,
    Message,
    Pretend,
    PretendInvalid,
    Rehearsal,
    brief_of,
    may_try,
    times_to_offer,
)
from agents.selectors import playbook_script, playbook_version_newest

logger = structlog.get_logger(__name__)

MOST_OPEN: Final = 50
"""Talks that one process holds at the same time."""
MOST_OPEN_EACH: Final = 5
"""Of them, of one person."""
IDLE_S: Final = 15 * 60.0
LONGEST_S: Final = 60 * 60.0
MOST_MESSAGE: Final = 4_000
"""Letters in one message of the page."""

# As 1008 and 1013 of RFC 6455, which the server does not let an application send.
NOT_ALLOWED, TRY_LATER, OVER = 4008, 4013, 4000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A version of a playbook, as it was chosen to be tried."""

    name: str
    number: int
    lead_kind: str
    script: Script


def person_who_may_try(user: Any) -> int | None:
    """Return the key of a person of a socket's scope who may, else `None`. Reads the database."""
    return int(user.pk) if user is not None and may_try(user) else None


def version_chosen(playbook_id: UUID, number: int | None) -> Chosen | None:
    """Return a playbook's version, the newest if none is named, `None` if there is none.

    Reads the database.
    """
    version = (
        playbook_version_newest(playbook_id)
        if number is None
        else PlaybookVersion.objects.filter(playbook_id=playbook_id, number=number)
        .select_related("playbook")
        .first()
    )
    if version is None:
        return None
    playbook = version.playbook
    script = playbook_script(version)
    return Chosen(playbook.name, version.number, playbook.lead_kind, script)


class TryItConsumer(AsyncWebsocketConsumer):
    """One chat. Its state is in the socket's task and nowhere else: closed, it is gone.

    What the page wishes (`do`) is answered by messages (`kind`): started, say, do, state,
    preview, error; then "ready". "over" is the last one before the socket is closed.
    """

    channel_layer_alias = "none"
    open_now: ClassVar[Counter[int]] = Counter()
    """Talks of this process, by person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rehearsal: Rehearsal | None = None
        self._user_id = 0
        self._silences = 0
        self._timers: list[asyncio.TimerHandle] = []

    async def connect(self) -> None:
        """Accept a person who may try playbooks, as long as there is room."""
        key = await database_sync_to_async(person_who_may_try)(self.scope.get("user"))
        if key is None:
            await self.close(code=NOT_ALLOWED)
            return
        if self.open_now.total() >= MOST_OPEN or self.open_now[key] >= MOST_OPEN_EACH:
            await self.accept()
            text = "Too many talks are open: close another one."
            await self._tell({"kind": "over", "text": text})
            await self.close(code=TRY_LATER)
            return
        self._user_id = key
        self.open_now[key] += 1
        await self.accept()
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(LONGEST_S, self._expire, "an hour is over")]
        self._stay()

    async def disconnect(self, code: int) -> None:
        """Forget the talk."""
        for timer in self._timers:
            timer.cancel()
        await self._forget()
        if self._user_id:
            self.open_now[self._user_id] -= 1
            if not self.open_now[self._user_id]:
                del self.open_now[self._user_id]
            self._user_id = 0

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a message of the page."""
        try:
            wish = json.loads(text_data or "") if len(text_data or "") <= MOST_MESSAGE else None
        except (ValueError, RecursionError):
            wish = None
        if not isinstance(wish, dict):
            await self._tell({"kind": "error", "text": "That message cannot be read."})
            return
        self._stay()
        try:
            await self._do(str(wish.get("do", "")), wish)
            await self._tell({"kind": "ready"})
        except PretendInvalid as error:
            await self._tell({"kind": "error", "text": str(error)})
            await self._tell({"kind": "ready"})
        except Exception as error:
            logger.error("rehearsal_failed", error=type(error).__name__, exc_info=error)
            await self._forget()
            text = "The agent failed. The error is in the server's log; begin again."
            await self._tell({"kind": "over", "text": text})

    async def _do(self, what: str, wish: Message) -> None:
        if what == "start":
            await self._start(wish)
            return
        rehearsal = self._rehearsal
        if rehearsal is None:
            await self._tell({"kind": "error", "text": "Begin a talk first."})
        elif what == "typing":
            await self._tell(await rehearsal.preview(str(wish.get("text", ""))[:LONGEST_SAID]))
        elif rehearsal.ended:
            await self._tell({"kind": "error", "text": "The agent has hung up: begin again."})
        elif (event := self._event(what, wish)) is not None:
            await self._tell_all(rehearsal.respond(event))
        else:
            await self._tell({"kind": "error", "text": f"“{what[:20]}” is nothing to be done."})

    async def _start(self, wish: Message) -> None:
        described = wish.get("lead")
        lead = Pretend.checked(described if isinstance(described, dict) else {})
        number = wish.get("version")
        chosen = await database_sync_to_async(version_chosen)(
            self.scope["url_route"]["kwargs"]["playbook_id"],
            number if isinstance(number, int) and 0 < number < 10**9 else None,
        )
        if chosen is None:
            await self._tell({"kind": "error", "text": "There is no such version."})
            return
        before: Before | None = None
        if wish.get("remember") and self._rehearsal is not None:
            before = self._rehearsal.left()
        await self._forget()
        now = timezone.now()
        slots = await database_sync_to_async(times_to_offer)(lead.time_zone, now)
        brief = brief_of(
            chosen.script, lead, slots, now=now, lead_kind=chosen.lead_kind, before=before
        )
        conversation = Conversation(brief, model=call_model(brief))
        self._rehearsal = Rehearsal(brief, lead, conversation=conversation)
        self._silences = 0
        await self._tell({"kind": "started", "playbook": chosen.name, "version": chosen.number})
        await self._tell_all(self._rehearsal.open())

    def _event(self, what: str, wish: Message) -> Event | None:
        """Return what happens to the agent, `None` if it is nothing that can."""
        silences, self._silences = self._silences, 0
        match what:
            case "say":
                return Utterance(str(wish.get("text", ""))[:LONGEST_SAID])
            case "key":
                digit = str(wish.get("digit", ""))
                return KeyPress(digit) if len(digit) == 1 and digit in "0123456789*#" else None
            case "silence":
                self._silences = silences + 1
                return Silence(self._silences)
            case "machine":
                return MachineAnswered(beep=True)
            case "wrap_up":
                return WrapUp("budget")
        return None

    async def _forget(self) -> None:
        rehearsal, self._rehearsal = self._rehearsal, None
        if rehearsal is not None:
            await rehearsal.close()

    async def _tell_all(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            await self._tell(message)

    async def _tell(self, message: Message) -> None:
        await self.send(text_data=json.dumps(message))

    def _stay(self) -> None:
        """Wait for the next message, but not for ever."""
        for timer in self._timers[1:]:
            timer.cancel()
        loop = asyncio.get_running_loop()
        later = loop.call_later(IDLE_S, self._expire, "nothing was written for a while")
        self._timers[1:] = [later]

    def _expire(self, why: str) -> None:
        self._expiring = asyncio.ensure_future(self._end(why))

    async def _end(self, why: str) -> None:
        await self._tell({"kind": "over", "text": f"The talk is closed: {why}. Begin again."})
        await self.close(code=OVER)
