"""A talk with a playbook's agent and a lead who is only pretended: nothing of it is kept.

Nobody is called, nothing is booked, no lead's data is read or changed, and no money is charged to
a campaign. What the agent would do to its call is told instead of done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AnonymousUser, User
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from agents.interface import (
    Action,
    ActionDone,
    Booked,
    Brief,
    Do,
    Event,
    Filler,
    Item,
    Notes,
    Say,
    Slot,
    TransferReady,
    Utterance,
)
from agents.playbook import Script
from agents.scoring import score
from agents.spoken import answer_text
from agents.summary import summarise
from leads.calendars import free_slots

if TYPE_CHECKING:
    from agents.conversation import Conversation

AHEAD: Final = timedelta(days=14)
MOST_SLOTS: Final = 100
SOMEBODY: Final = "Dana"
"""A pretended representative."""
LONGEST_SAID: Final = 500
"""Letters in one turn; nobody says more in one breath."""

Message = dict[str, Any]


def may_try(user: User | AnonymousUser) -> bool:
    """Tell whether a person may talk with the agents of playbooks. Reads the database."""
    allowed = user.has_perm("agents.change_playbook") or user.has_perm("agents.try_playbook")
    return bool(user.is_active and user.is_staff and allowed)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone “{name}”; take one from the list") from None
    return name


class PretendInvalid(ValueError):  # noqa: N818 - reads as what happened, like the others
    """A pretended lead that cannot be. The message says what to change."""


class Pretend(BaseModel):
    """Whom the agent believes to be talking to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    first_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = "Maria"
    business: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)
    ] = "Sunrise Realty"
    time_zone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] = (
        "America/New_York"
    )
    recorded: bool = True
    spoken_before: bool = False
    """Whether there was an earlier call, of which nothing is remembered but that it was."""
    taken: bool = False
    """Whether the first time that is chosen has just been taken by somebody else."""
    who_calls: Literal["we", "lead", "stranger"] = "we"
    """A stranger calls us, and nothing is known but the number."""
    person: Literal["later", "free", "busy"] = "later"
    """What becomes of a wish to speak with a person: a callback, or one is looked for and takes the
    call or does not."""

    @classmethod
    def checked(cls, data: Mapping[str, Any]) -> Pretend:
        """Return the lead in `data`. Raises `PretendInvalid`."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            fault = error.errors()[0]
            where = str(fault["loc"][0] if fault["loc"] else "lead").replace("_", " ")
            text = str(fault["msg"]).removeprefix("Value error, ")
            raise PretendInvalid(f"{where.capitalize()}: {text}") from None


@dataclass(frozen=True, slots=True)
class Before:
    """What an earlier rehearsal with this lead left."""

    memory: Mapping[str, Any]
    appointment: Booked | None = None


def times_to_offer(time_zone: str, now: datetime) -> tuple[Slot, ...]:
    """Return free times of the calendars; where there are none, pretended ones.

    Reads the database.
    """
    free = free_slots(now=now, limit=MOST_SLOTS, horizon=AHEAD, time_zone=time_zone)
    slots = tuple(
        Slot(each.rep_id, each.rep_name, each.starts_at, each.ends_at, each.time_zone)
        for each in free
    )
    return slots or _pretended(ZoneInfo(time_zone), now)


def _pretended(zone: ZoneInfo, now: datetime) -> tuple[Slot, ...]:
    days = [now.astimezone(zone).date() + timedelta(days=day) for day in range(1, 9)]
    starts = [
        datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
        for day in days
        if day.weekday() < 5
        for hour in (10, 14)
    ]
    return tuple(Slot(0, SOMEBODY, at, at + timedelta(minutes=30)) for at in starts)


def brief_of(
    script: Script,
    lead: Pretend,
    slots: Sequence[Slot],
    *,
    now: datetime,
    lead_kind: str = "",
    before: Before | None = None,
) -> Brief:
    """Return what the agent knows before it begins."""
    memory = before.memory if before else {"calls": 1} if lead.spoken_before else {}
    is_stranger = lead.who_calls == "stranger"
    return Brief(
        call_id=uuid4(),
        script=script,
        business_name=lead.business,
        lead_first_name="" if is_stranger else lead.first_name,
        lead_time_zone=lead.time_zone,
        recorded=lead.recorded,
        now=now,
        slots=tuple(slots),
        appointment=before.appointment if before else None,
        inbound=lead.who_calls != "we",
        stranger=is_stranger,
        lead_kind=lead_kind,
        transfers=lead.person != "later",
        memory={} if is_stranger else memory,
    )


class Rehearsal:
    """One talk by text, told as messages for the page. See `agents.consumers`."""

    def __init__(self, brief: Brief, lead: Pretend, *, conversation: Conversation) -> None:
        self._brief = brief
        self._person_is_free = lead.person == "free"
        self._conversation = conversation
        self._refusals = 1 if lead.taken else 0
        self._appointment = brief.appointment

    @property
    def ended(self) -> bool:
        """Whether the agent has hung up."""
        return self._conversation.talk.ended

    async def open(self) -> AsyncIterator[Message]:
        """Have the agent speak first."""
        async for message in self._told(self._conversation.open()):
            yield message

    async def respond(self, event: Event) -> AsyncIterator[Message]:
        """Have the agent take an event."""
        async for message in self._told(self._conversation.respond(event)):
            yield message

    async def preview(self, words: str) -> Message:
        """Return what the agent would understand of words that are still being written."""
        if self.ended or not words.strip():
            return {"kind": "preview", "slots": [], "score": None}
        now = self._conversation.notes()
        notes = await self._conversation.preview(Utterance(words))
        slots = [
            slot
            for slot in slots_of(self._brief.script, notes)
            if slot["value"] and notes.answers[slot["slot"]] != now.answers.get(slot["slot"])
        ]
        return {"kind": "preview", "slots": slots, "score": score(notes).value}

    def left(self) -> Before:
        """Return what the next rehearsal with this lead may begin with."""
        return Before(self._conversation.notes().memory, self._appointment)

    async def close(self) -> None:
        """End it, and what still runs for it."""
        await self._conversation.close()

    def state(self) -> Message:
        """Return what the agent knows, who speaks and why, and the score, as they are now."""
        talk = self._conversation.talk
        step = talk.steps[-1] if talk.steps else None
        return {
            **state_of(self._brief.script, self._conversation.notes()),
            "agent": step.agent if step else "",
            "why": step.why if step else "",
            "ended": talk.ended,
        }

    async def _told(self, items: AsyncIterator[Item]) -> AsyncIterator[Message]:
        """Tell what is said and done; go on by itself where the agent waits for a result."""
        waits_for: list[Event] = []
        async for item in items:
            if isinstance(item, Filler):
                continue  # it bridges a silence, and writing has none
            if isinstance(item, Do) and item.reports_back:
                waits_for.append(self._done(item))
            yield told(item)
        yield self.state()
        for result in waits_for:
            async for message in self._told(self._conversation.respond(result)):
                yield message

    def _done(self, do: Do) -> Event:
        """Return what would be reported back."""
        if do.action is Action.TRANSFER:
            free = self._person_is_free
            return TransferReady(SOMEBODY) if free else ActionDone(do.action, False)
        if do.action in (Action.BOOK, Action.MOVE) and self._refusals:
            self._refusals -= 1
            return ActionDone(do.action, False)
        slot = do.args.get("slot")
        self._appointment = Booked(uuid4(), slot) if isinstance(slot, Slot) else None
        return ActionDone(do.action, True)


_DONE: Final[Mapping[Action, str]] = {
    Action.OPT_OUT: "would put the number on the do-not-call list",
    Action.BOOK: "would book the appointment",
    Action.MOVE: "would move the appointment",
    Action.CANCEL: "would cancel the appointment",
    Action.CALLBACK: "would call again at the time that was named",
    Action.STOP_RECORDING: "would stop the recording",
    Action.TRANSFER: "would ring your people",
    Action.CONNECT: "would put the lead through",
    Action.HANG_UP: "hangs up",
}


def told(item: Say | Do) -> Message:
    """Return something said or done as a message."""
    if isinstance(item, Say):
        return {
            "kind": "say",
            "text": item.text,
            "agent": item.agent,
            "topic": item.topic,
            "why": item.why,
        }
    return {"kind": "do", "action": str(item.action), "text": _DONE[item.action]}


def state_of(script: Script, notes: Notes) -> Message:
    """Return answers, score and outcome as a message."""
    result = score(notes)
    return {
        "kind": "state",
        "slots": slots_of(script, notes),
        "score": result.value,
        "factors": [
            {"name": each.name.replace("_", " "), "value": each.value, "points": each.points}
            for each in result.factors
        ],
        "outcome": notes.outcome.replace("_", " "),
        "summary": summarise(notes, script=script),
    }


def slots_of(script: Script, notes: Notes) -> list[dict[str, Any]]:
    """Return the questions that apply, each with its answer if there is one."""
    values = {slot: answer["value"] for slot, answer in notes.answers.items()}
    skipped = set(notes.signals.get("skipped", ()))
    return [
        {
            "slot": question.slot,
            "name": question.slot.replace("_", " "),
            "value": answer_text(question.type, values[question.slot])
            if question.slot in values
            else "",
            "said": str(notes.answers.get(question.slot, {}).get("said", "")),
            "required": question.required,
            "skipped": question.slot in skipped,
        }
        for question in script.questions_for(values)
    ]
