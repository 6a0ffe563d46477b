"""What voice and agents say to each other: events in, things to say and do out.

This module knows nothing of audio, models or the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from agents.playbook import Script


class Action(StrEnum):
    """What the agent can ask its call to do."""

    OPT_OUT = "opt_out"
    """Record do-not-call for the number. args: source ("voice" or "key")."""
    BOOK = "book"
    """Book a slot. args: slot (Slot). Reports back."""
    MOVE = "move"
    """Give the lead's appointment another time. args: appointment_id (UUID), slot. Reports back."""
    CANCEL = "cancel"
    """Cancel the lead's appointment. args: appointment_id (UUID). Reports back."""
    CALLBACK = "callback"
    """Call again later. args: at (aware datetime)."""
    STOP_RECORDING = "stop_recording"
    """The lead does not want to be recorded. args: none."""
    TRANSFER = "transfer"
    """Ring the humans who can take the call. args: reason. Reports back when nobody takes it; when
    somebody does, `TransferReady` comes instead."""
    CONNECT = "connect"
    """Put the lead through to whoever has taken the call, once everything said has been played."""
    HANG_UP = "hang_up"
    """End the call once everything said has been played. args: outcome."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time of a representative, aware datetimes in UTC."""

    rep_id: int
    rep_name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str = ""
    """Where the representative is; empty if it is not known to differ from the lead's."""


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment that the lead has already."""

    id: UUID
    slot: Slot


@dataclass(frozen=True, slots=True)
class Say:
    """Words for the lead. `topic` names the line in marks and turns, never the lead."""

    text: str
    topic: str
    agent: str
    interruptible: bool = True
    expects: str = ""
    """What kind of answer a question asks for: a `SlotType` of the playbook, "slot" (one of the
    times offered), "time", or "" for anything or nothing."""
    why: str = field(default="", compare=False)
    """How it came to be said: the transitions of its turn, for the call's page."""


@dataclass(frozen=True, slots=True)
class Do:
    """An action for the call. If it reports back, answer with `ActionDone` before going on."""

    action: Action
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reports_back(self) -> bool:
        """Whether what the agent says next depends on the result."""
        return self.action in (Action.BOOK, Action.MOVE, Action.CANCEL, Action.TRANSFER)


@dataclass(frozen=True, slots=True)
class Filler:
    """Words that bridge a silence: nothing else is known to say yet.

    Whoever speaks says them only if no other item has come `after_ms` ms after the lead's last
    word, and drops them if one has. They are not part of the reply: `heard` may hold them or not.
    """

    text: str
    agent: str
    after_ms: int = 600


Item = Say | Do | Filler


@dataclass(frozen=True, slots=True)
class Utterance:
    """A finished turn of the lead, as it was recognised. Confidence is 0-1 where known."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key of the telephone: 0-9, * or #."""

    digit: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The lead has said nothing since the agent ended. `count` is 1 for the first time in a row."""

    count: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """The lead may have said something that nobody heard: the line or the recogniser failed."""


@dataclass(frozen=True, slots=True)
class ForeignLanguage:
    """The lead speaks a language (ISO 639-1) that is not one of the playbook's."""

    language: str


@dataclass(frozen=True, slots=True)
class MachineAnswered:
    """A machine answered. `beep` is whether a message can be left now."""

    beep: bool


@dataclass(frozen=True, slots=True)
class ActionDone:
    """The result of an action that reports back."""

    action: Action
    ok: bool


@dataclass(frozen=True, slots=True)
class WrapUp:
    """Say goodbye politely. `reason`: "budget" or "time" run out, or "stopped" by a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class TransferReady:
    """A human has taken the call: tell the lead, then connect. `name` is whose; may be empty."""

    name: str


Event = (
    Utterance
    | KeyPress
    | Silence
    | Unheard
    | ForeignLanguage
    | MachineAnswered
    | ActionDone
    | TransferReady
    | WrapUp
)


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a conversation knows before it starts. Read once, before the stream opens."""

    call_id: UUID
    script: Script
    business_name: str
    lead_first_name: str
    lead_time_zone: str
    recorded: bool
    now: datetime
    slots: tuple[Slot, ...] = ()
    appointment: Booked | None = None
    """The lead's next appointment, if there is one."""
    inbound: bool = False
    """Whether the lead calls us."""
    leave_message: bool = True
    """Whether a voicemail gets a message."""
    stranger: bool = False
    """Whether we know nothing of the lead but the number: ask for a name, and what it is about."""
    lead_kind: str = ""
    """What the playbook is about: "seller", "buyer", "renter" or "investor"; empty: anything."""
    transfers: bool = False
    """Whether a lead who asks for a person may be put through to one."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What earlier calls left: `Notes.memory` of the last one."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a conversation leaves when it closes."""

    outcome: str
    """One of `calls.models.Outcome`; "" if the talk was cut off before it had one."""
    answers: Mapping[str, Any]
    """Slot name -> {"value", "said" (the lead's own words), "turn"}."""
    signals: Mapping[str, Any]
    """What scoring looks at besides answers: objections, refusals, engagement."""
    memory: Mapping[str, Any]


class ConversationProtocol(Protocol):
    """One call's talk. Methods are called by one task, never at the same time.

    `respond` with `speculative=True` works on a fork: `commit` adopts it, `discard` drops it
    without a trace. Without `speculative` the turn is adopted at once. A new `respond` while a
    fork is open drops that fork.
    """

    def open(self) -> AsyncIterator[Item]:
        """Give the opening: disclosure first."""

    def respond(self, event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
        """Give what to say and do about an event."""

    async def commit(self) -> None:
        """Adopt the open fork. A no-op without one."""

    async def discard(self) -> None:
        """Drop the open fork. A no-op without one."""

    async def heard(self, text: str, *, interrupted: bool) -> None:
        """Tell what the lead really heard of the last reply."""

    async def close(self) -> Notes:
        """End the conversation. Safe to call twice."""
