"""A talk by text: what tests need to hold one, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.conversation import Conversation
from agents.interface import Action, Brief, Do, Event, Item, Notes, Say, Slot, Utterance
from agents.playbook import Script
from agents.services.playbooks import DATA

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)  # a Monday morning
SELLER = Script.from_toml(DATA / "seller.toml")
BUYER = Script.from_toml(DATA / "buyer.toml")
RENTER = Script.from_toml(DATA / "renter_landlord.toml")
OLD_LEAD = Script.from_toml(DATA / "old_lead.toml")


def slot(day: int, hour: int, *, minute: int = 0, month: int = 11) -> Slot:
    """Return a half hour of Dana's in November 2026, named in New York time."""
    starts = datetime(2026, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)
    return Slot(7, "Dana", starts, starts + timedelta(minutes=30))


SLOTS = (slot(24, 10), slot(24, 14), slot(25, 14), slot(27, 11), slot(30, 9))


def brief(**changes: Any) -> Brief:
    """Return a brief for Maria in New York."""
    values: dict[str, Any] = {
        "call_id": UUID(int=1),
        "script": SELLER,
        "business_name": "Sunrise Realty",
        "lead_first_name": "Maria",
        "lead_time_zone": "America/New_York",
        "recorded": True,
        "now": NOW,
        "slots": SLOTS,
    }
    return Brief(**{**values, **changes})


class Talk:
    """A conversation that takes words or events and keeps what came back."""

    def __init__(self, **changes: Any) -> None:
        self.call = Conversation(brief(**changes))
        self.items: list[Item] = []

    async def open(self) -> Talk:
        self.items = [item async for item in self.call.open()]
        return self

    async def says(self, *turns: str | Event) -> Talk:
        for turn in turns:
            event = Utterance(turn) if isinstance(turn, str) else turn
            self.items = [item async for item in self.call.respond(event)]
        return self

    @property
    def topics(self) -> list[str]:
        return [item.topic for item in self.items if isinstance(item, Say)]

    @property
    def words(self) -> str:
        return " ".join(item.text for item in self.items if isinstance(item, Say))

    @property
    def asks(self) -> str:
        """The topic of the last line: what the agent waits for."""
        return self.topics[-1] if self.topics else ""

    def done(self, action: Action) -> Mapping[str, Any] | None:
        """Return the arguments of an action of the last turn, None if it was not asked for."""
        return next(
            (item.args for item in self.items if isinstance(item, Do) and item.action is action),
            None,
        )

    async def close(self) -> Notes:
        return await self.call.close()


async def opened(**changes: Any) -> Talk:
    """Return a talk after its opening."""
    return await Talk(**changes).open()


async def at_the_offer(**changes: Any) -> Talk:
    """Return a talk in which every question is answered and times are offered."""
    talk = await opened(**changes)
    return await talk.says(
        "yes this is a good time",
        "we are moving for a new job",
        "in the next three months",
        "it is a house with three bedrooms",
        "around four hundred thousand dollars",
        "no we do not have an agent",
    )
