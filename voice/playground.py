"""Talk to it: a browser's microphone in place of the carrier, and nothing of the talk is kept.

The socket speaks the carrier's media protocol and the call runs through the very same pipeline.
Only its clerk is another one: what it is given to keep it tells the page, as messages of our own
beside the carrier's: `turn`, `state`, `news`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

import structlog
from channels.db import database_sync_to_async
from django.utils import timezone

from agents.consumers import NOT_ALLOWED, Chosen, person_who_may_try, version_chosen
from agents.interface import Notes
from agents.playbook import Script
from agents.rehearsal import Pretend, PretendInvalid, brief_of, state_of, times_to_offer
from calls.services.actions import (
    appointment_drop,
    callback_schedule,
    opt_out,
    slot_book,
    slot_move,
)
from calls.services.metering import Meter, call_meter
from calls.services.record import event_record, notes_record, turn_record
from calls.services.streams import LiveCall
from voice import wire
from voice.clerk import Clerk
from voice.consumers import POLICY_VIOLATION, TRY_LATER, TwilioMediaConsumer
from voice.pipeline import carry_call
from voice.session import MediaSession, live_calls

logger = structlog.get_logger(__name__)

MOST_TALKING: Final = 3
"""Talks by microphone that one process carries at the same time, beside its calls."""
LONGEST_S: Final = 15 * 60
MOST_UNTOLD: Final = 500
"""Messages that wait for a page that does not read."""

Tell = Callable[[str], Awaitable[None]]


class PageClerk(Clerk):
    """Keeps nothing: tells the page what is said, heard and known.

    Args:
        tell: writes a message to the page.
        taken: whether the first time that is booked has just gone.
    """

    def __init__(self, call_id: str, script: Script, tell: Tell, *, taken: bool) -> None:
        super().__init__(call_id)
        self._script = script
        self._tell = tell
        self._refusals = 1 if taken else 0
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_UNTOLD)

    @property
    def waiting(self) -> int:
        """How many messages the page has still to be told."""
        return self._messages.qsize()

    def note(self, write: Callable[..., Any], **values: Any) -> None:
        """Tell the page, if it is anything to see."""
        message = self._message(write, values)
        if message is not None:
            with contextlib.suppress(asyncio.QueueFull):
                self._messages.put_nowait(message)

    async def ask(self, write: Callable[..., Any], **values: Any) -> Any:
        """Return what would come of it."""
        if write is call_meter:
            return Meter(cost=Decimal(0), pressure="normal")
        if write in (slot_book, slot_move) and self._refusals:
            self._refusals -= 1
            return False
        self.note(write, **values)
        return True

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            message = await self._messages.get()
            await self._tell(json.dumps(message, default=str))

    async def settle(self, timeout_s: float) -> None:
        """Nothing is owed: the page may be gone."""

    def _message(self, write: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any] | None:
        if write is turn_record:
            shown = ("index", "speaker", "text", "started_ms", "ended_ms", "interrupted")
            more = ("latency_ms", "agent", "topic", "why", "details")
            return {
                "event": "turn",
                "turn": {name: values[name] for name in (*shown, *more) if name in values},
            }
        if write is notes_record:
            notes: Notes = values["notes"]
            return {"event": "state", "state": state_of(self._script, notes)}
        if write is event_record:
            return {"event": "news", "kind": values["kind"], "data": values.get("data") or {}}
        done = {
            opt_out: "opt_out",
            callback_schedule: "callback",
            slot_book: "book",
            slot_move: "move",
            appointment_drop: "cancel",
        }
        return {"event": "news", "kind": done[write], "data": {}} if write in done else None


class PlaygroundConsumer(TwilioMediaConsumer):
    """A browser that plays the carrier's part, for people who may try playbooks."""

    talking: ClassVar[Counter[int]] = Counter()
    """Talks of this process, by person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = 0
        self._session: MediaSession | None = None

    async def connect(self) -> None:
        """Accept a person who may try playbooks, one talk each."""
        person = await database_sync_to_async(person_who_may_try)(self.scope.get("user"))
        if person is None:
            await self._refuse("not_allowed", NOT_ALLOWED)
            return
        await self.accept()
        full = self.talking.total() >= MOST_TALKING or self.talking[person] > 0
        if reason := live_calls.refusal() or ("full" if full else ""):
            await self._say_why(reason)
            await self._refuse(reason, TRY_LATER)
            return
        self._person = person
        self.talking[person] += 1
        self._await_start()

    async def disconnect(self, code: int) -> None:
        """End the talk: a browser does not come back to it."""
        if self._session is not None:
            self._session.lose("socket_lost")
        if self._person:
            self.talking[self._person] -= 1
            if not self.talking[self._person]:
                del self.talking[self._person]
            self._person = 0
        await super().disconnect(code)

    async def _before_start(self, message: wire.Message) -> None:
        if not isinstance(message, wire.Start):
            await super()._before_start(message)
            return
        self._start_came()
        session = self._session = MediaSession(message, send=self.send, close=self.close)
        self._socket = session.socket
        live_calls.start(self._talk(message, session))

    async def _talk(self, start: wire.Start, session: MediaSession) -> None:
        try:
            lead = Pretend.checked(_described(start.parameters))
            chosen, live = await self._live(start.parameters.get("version", ""), lead)
        except PretendInvalid as error:
            session.lose("refused")
            await self._say_why(str(error))
            await self._refuse("wrong_lead", POLICY_VIOLATION)
            return
        news = {"playbook": chosen.name, "version": chosen.number}
        await self.send(json.dumps({"event": "news", "kind": "started", "data": news}))
        clerk = PageClerk(str(live.call_id), chosen.script, self.send, taken=lead.taken)
        await carry_call(session, live, type(self).converse(live.brief), clerk=clerk)

    async def _live(self, version: str, lead: Pretend) -> tuple[Chosen, LiveCall]:
        number = int(version) if version.isdecimal() and len(version) < 10 else None
        playbook_id: UUID = self.scope["url_route"]["kwargs"]["playbook_id"]
        chosen = await database_sync_to_async(version_chosen)(playbook_id, number)
        if chosen is None:
            raise PretendInvalid("There is no such version of this playbook.")
        now = timezone.now()
        slots = await database_sync_to_async(times_to_offer)(lead.time_zone, now)
        brief = brief_of(chosen.script, lead, slots, now=now, lead_kind=chosen.lead_kind)
        # There is no carrier here that could ring anybody: a wish for a person is a callback.
        brief = replace(brief, transfers=False)
        live = LiveCall(
            call_id=brief.call_id,
            lead_id=uuid4(),
            campaign_id=None,
            brief=brief,
            voice_tier="local",
            recording_path=None,
            max_seconds=LONGEST_S,
            started_at=now,
            turn_taking=chosen.script.turn_taking,
        )
        return chosen, live

    async def _say_why(self, reason: str) -> None:
        texts = {
            "full": "Another talk is running. Hang up there first, or try again in a moment.",
            "draining": "The server is being restarted. Try again in a moment.",
            "strained": "The server is busy with calls. Try again in a moment.",
        }
        news = {"event": "news", "kind": "refused", "data": {"text": texts.get(reason, reason)}}
        await self.send(json.dumps(news))


def _described(parameters: dict[str, str]) -> dict[str, Any]:
    """Return the pretended lead of a stream's parameters, which are all text."""
    flags = ("recorded", "spoken_before", "taken")
    return {
        name: (text == "true" if name in flags else text)
        for name, text in parameters.items()
        if name in Pretend.model_fields
    }
