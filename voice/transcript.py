"""The turns of a call as they are kept: in order, and only what was really heard."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from agents.interface import Notes
from calls.services.record import turn_record
from voice.clerk import Clerk
from voice.metrics import ANSWER_LATENCY
from voice.reply import LeadTurn, Reply


class TurnLog:
    """Gives turns their index and has them written."""

    def __init__(self, call_id: UUID, tier: str, clerk: Clerk) -> None:
        self._call_id = call_id
        self._tier = tier
        self._clerk = clerk
        self._next = 0

    def take_index(self) -> int:
        """Return the index of a turn that begins."""
        index, self._next = self._next, self._next + 1
        return index

    def give_back(self, index: int) -> None:
        """Take back the indices from one on: those turns never were."""
        self._next = min(self._next, index)

    def lead(self, index: int, turn: LeadTurn) -> None:
        """Keep what the lead said."""
        self._clerk.note(
            turn_record,
            call_id=self._call_id,
            index=index,
            speaker="lead",
            text=turn.fresh_text,
            started_ms=round(turn.started_ms),
            ended_ms=round(turn.last_voiced_ms),
        )

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
            tier=self._tier,
            details=details,
        )
        return heard


def latency_of(reply: Reply) -> tuple[int | None, dict[str, Any]]:
    """Return ms from the lead's last voiced sample to the agent's first, and where they went.

    Parts: `vad_wait` until the pause was noticed, `stt` until its words were known, `decision`
    until the first words to say were, `confirmation` that the turn is over, `transport` from
    there to the first audible sample (synthesis included where it was not done ahead).
    """
    turn, first_ms = reply.turn, reply.speech.started_ms
    if turn is None or first_ms is None or reply.confirmed_ms is None:
        return None, {}
    # An answer prepared before the last words were settled was decided at no cost of time.
    decided_ms = max(reply.decided_ms or reply.confirmed_ms, turn.transcribed_ms)
    steps = {
        "vad_wait": turn.paused_ms - turn.last_voiced_ms,
        "stt": turn.transcribed_ms - turn.paused_ms,
        "decision": decided_ms - turn.transcribed_ms,
        "confirmation": max(0.0, reply.confirmed_ms - decided_ms),
        "transport": first_ms - max(reply.confirmed_ms, decided_ms),
    }
    return max(0, round(first_ms - turn.last_voiced_ms)), {
        name: round(ms) for name, ms in steps.items()
    }


@runtime_checkable
class NotesTaker(Protocol):
    """A conversation that can say what it would leave if it ended now."""

    def notes(self) -> Notes:
        """Return what is known by now."""


def observe_latency(reply: Reply) -> None:
    """Count a reply's latency in the process's metrics."""
    latency_ms, _ = latency_of(reply)
    if latency_ms is not None:
        ANSWER_LATENCY.observe(latency_ms / 1000)
