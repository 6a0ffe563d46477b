"""The turns of a call as they are kept: in order, and only what was really heard."""

from __future__ import annotations

from typing import Protocol, runtime_checkable
from uuid import UUID

from agents.interface import Notes
from calls.services.record import turn_record
from voice.clerk import Clerk
from voice.latency import latency_of
from voice.listening import LeadTurn, row_of
from voice.reply import Reply


class TurnLog:
    """Gives turns their index and has them written."""

    def __init__(self, call_id: UUID, tier: str, clerk: Clerk) -> None:
        self._call_id = call_id
        self._tier = tier
        self._clerk = clerk
        self._next = 0
        self._rows: dict[int, tuple[str, float, float]] = {}

    def take_index(self) -> int:
        """Return the index of a turn that begins."""
        index, self._next = self._next, self._next + 1
        return index

    def give_back(self, index: int) -> None:
        """Take back the indices from one on: those turns never were."""
        self._next = min(self._next, index)

    def lead(self, turn: LeadTurn) -> int:
        """Keep what the lead said and no turn has yet, and return its index; -1 without words."""
        if not turn.fresh_text:
            return -1
        index = self.take_index()
        for stretch in turn.fresh:
            stretch.row = index
        self.correct(turn, index)
        return index

    def correct(self, turn: LeadTurn, index: int) -> None:
        """Keep what is known by now of a turn that was kept before, if it differs."""
        row = row_of(turn.row(index))
        text, started_ms, ended_ms = row
        if not text or self._rows.get(index) == row:
            return
        self._rows[index] = row
        self._clerk.note(
            turn_record,
            call_id=self._call_id,
            index=index,
            speaker="lead",
            text=text,
            started_ms=round(started_ms),
            ended_ms=round(ended_ms),
        )

    def take_back(self, turn: LeadTurn, index: int) -> None:
        """Take a turn of the lead back, and all after it: it is not over."""
        for stretch in turn.row(index):
            stretch.row = -1
        self._rows.pop(index, None)
        self.give_back(index)

    def agent(self, reply: Reply, *, at_ms: float) -> str:
        """Keep what was heard of a reply until a moment, and return it."""
        speech = reply.speech
        heard = speech.heard_by(at_ms)
        started_ms = speech.started_ms
        if not heard or started_ms is None:
            return heard
        latency_ms, details = latency_of(reply)
        self._clerk.note(
            turn_record,
            call_id=self._call_id,
            index=reply.index,
            speaker="agent",
            text=heard,
            started_ms=round(started_ms),
            ended_ms=round(min(speech.ended_ms, max(at_ms, started_ms))),
            interrupted=speech.interrupted,
            latency_ms=latency_ms,
            agent=reply.agent,
            topic=reply.topic,
            why=reply.why,
            tier=speech.tier or self._tier,
            details=details,
        )
        return heard


@runtime_checkable
class NotesTaker(Protocol):
    """A conversation that can say what it would leave if it ended now."""

    def notes(self) -> Notes:
        """Return what is known by now."""
