"""One call's conversation: the face of the agents towards voice."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from agents.graph.build import STEPS_PER_TURN, conversation_graph
from agents.graph.closer import outcome_reached
from agents.graph.state import (
    MOST_LINES,
    Opening,
    Reply,
    Setting,
    Talk,
    fresh,
    heard_words,
    hearing_settled,
    lead_words,
)
from agents.interface import Brief, Event, Item, Notes, Say
from agents.understanding import Reader, RuleReader

CHECKPOINTS = 16
"""How many adopted states are kept to look back at; the oldest are dropped."""

log = structlog.get_logger(__name__)


class Conversation:
    """A call's talk: `open`, then `respond` to each event. See `agents.interface`.

    The state is one immutable value. A speculative turn is the value the graph gives for it; to
    commit is to take it over, to discard is to forget it.
    """

    def __init__(self, brief: Brief, *, reader: Reader | None = None) -> None:
        """Prepare a talk.

        Raises:
            ValueError: `brief.lead_time_zone` is not the name of a time zone.
        """
        try:
            zone = ZoneInfo(brief.lead_time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"the lead's time zone {brief.lead_time_zone!r} is not known; "
                "give a name such as America/New_York"
            ) from error
        self._setting = Setting(brief=brief, zone=zone, reader=reader or RuleReader())
        self._talk = fresh(brief)
        self._fork: Talk | None = None
        self._checkpoints: deque[Talk] = deque((self._talk,), maxlen=CHECKPOINTS)
        self._notes: Notes | None = None

    @property
    def talk(self) -> Talk:
        """The adopted state."""
        return self._talk

    @property
    def checkpoints(self) -> tuple[Talk, ...]:
        """The last adopted states, oldest first."""
        return tuple(self._checkpoints)

    async def open(self) -> AsyncIterator[Item]:
        """Give the opening: disclosure first."""
        self._fork = None
        talk, items = await self._turn(Opening())
        self._adopt(talk)
        for item in items:
            yield item

    async def respond(self, event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
        """Give what to say and do about an event. The state is settled before the first item."""
        self._fork = None
        talk, items = await self._turn(event)
        if speculative:
            self._fork = talk
        else:
            self._adopt(talk)
        for item in items:
            yield item

    async def commit(self) -> None:
        """Adopt the open fork. A no-op without one."""
        if self._fork is not None:
            self._adopt(self._fork)

    async def discard(self) -> None:
        """Drop the open fork. A no-op without one."""
        self._fork = None

    async def heard(self, text: str, *, interrupted: bool) -> None:
        """Keep of the last reply only what was heard: `text`, or all of it if not interrupted."""
        last = replace(self._talk.last, heard=text if interrupted else None)
        self._talk = replace(self._talk, last=last)
        self._checkpoints[-1] = self._talk
        if self._fork is not None:
            # The fork was made before this was known: what was cut off is said in the turn after.
            due = hearing_settled(self._talk).due
            said = {line.text for line in self._fork.last.lines}
            due = tuple(line for line in due if line.text not in said)
            transcript = _with_heard(self._fork.transcript, self._talk.last)
            self._fork = replace(self._fork, due=due, transcript=transcript)

    async def close(self) -> Notes:
        """End the conversation and return what it leaves. Safe to call twice."""
        self._fork = None
        if self._notes is None:
            self._notes = _notes(self._talk, self._setting)
        return self._notes

    def notes(self) -> Notes:
        """Return what the conversation would leave if it ended now."""
        return _notes(self._talk, self._setting)

    async def _turn(self, event: Event | Opening) -> tuple[Talk, tuple[Item, ...]]:
        """Return the state after an event, and what to say and do. Changes nothing here."""
        before = self._talk
        result: dict[str, Any] = await conversation_graph().ainvoke(
            {"talk": before, "event": event, "reading": None, "items": ()},
            {"recursion_limit": STEPS_PER_TURN},
            context=self._setting,
        )
        talk: Talk = result["talk"]
        items: tuple[Item, ...] = result["items"]
        lines = tuple(item for item in items if isinstance(item, Say))
        if lines:
            talk = replace(talk, last=Reply(lines))
        transcript = talk.transcript
        if before.last.lines and lines:
            transcript = (*transcript, ("agent", heard_words(before.last)))
        if words := lead_words(event):
            transcript = (*transcript, ("lead", words))
        return replace(talk, transcript=transcript[-MOST_LINES:]), items

    def _adopt(self, talk: Talk) -> None:
        self._talk = talk
        self._fork = None
        self._checkpoints.append(talk)


def _with_heard(
    transcript: tuple[tuple[str, str], ...], reply: Reply
) -> tuple[tuple[str, str], ...]:
    """Return the transcript with the agent's last line in it as it was heard."""
    for at in range(len(transcript) - 1, -1, -1):
        if transcript[at][0] == "agent":
            return (*transcript[:at], ("agent", heard_words(reply)), *transcript[at + 1 :])
    return transcript


def _notes(talk: Talk, setting: Setting) -> Notes:
    outcome = outcome_reached(talk, setting)
    booked = talk.booked
    signals = {
        **talk.signals,
        "turns": talk.turn,
        "objections": list(talk.objections),
        "objections_recovered": list(talk.recovered),
        "refusals": talk.refusals,
        "skipped": sorted(talk.skipped),
        "appointment": booked.starts_at.astimezone(UTC).isoformat() if booked else None,
        "callback_at": (
            talk.callback_at.isoformat() if talk.callback_at and talk.callback_set else None
        ),
        "human_heard": talk.human_heard,
        "path": [{"turn": s.turn, "agent": s.agent, "why": s.why} for s in talk.steps],
    }
    answers = {slot: dict(answer) for slot, answer in talk.answers.items()}
    return Notes(
        outcome=outcome,
        answers=answers,
        signals=signals,
        memory=_memory(talk, setting.brief, answers, outcome),
    )


def _memory(
    talk: Talk, brief: Brief, answers: dict[str, dict[str, Any]], outcome: str
) -> dict[str, Any]:
    """Return what the next call with this lead should know. Plain JSON."""
    earlier = brief.memory
    return {
        "calls": int(earlier.get("calls", 0)) + (1 if talk.human_heard else 0),
        "answers": {
            slot: {key: value for key, value in answer.items() if key != "earlier"}
            for slot, answer in answers.items()
        },
        "objections": sorted({*earlier.get("objections", ()), *talk.objections}),
        "outcome": outcome,
        "spoken_at": brief.now.astimezone(UTC).isoformat(),
    }


def preload() -> None:
    """Load what is slow at first use: the graph, date words, number words. At process start."""
    from agents.understanding.numbers import money_in
    from agents.understanding.opt_out import is_opt_out
    from agents.understanding.times import named_time

    conversation_graph()
    zone = ZoneInfo("America/New_York")
    named_time("december 3rd at 10 am", now=datetime.now(UTC), zone=zone)
    money_in("four hundred and fifty thousand", expected=True)
    is_opt_out("please take me off your list")
    log.debug("agents_preloaded")
