"""One call's conversation: the face of the agents towards voice."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from agents.graph import answerer
from agents.graph.build import STEPS_PER_TURN, conversation_graph
from agents.graph.closer import outcome_reached
from agents.graph.lines import filled
from agents.graph.state import (
    MOST_LINES,
    MOST_STEPS,
    Opening,
    Reply,
    Setting,
    Talk,
    Unanswered,
    fresh,
    heard_words,
    hearing_settled,
    lead_words,
)
from agents.interface import Brief, Event, Filler, Item, Notes, Say
from agents.model import Asked, CallModel, ModelUse
from agents.understanding import Reader, RuleReader

CHECKPOINTS = 16
"""How many adopted states are kept to look back at; the oldest are dropped."""
THINKS_S = 0.6
"""How long a model may think before the silence is worth a word."""

log = structlog.get_logger(__name__)


class Conversation:
    """A call's talk: `open`, then `respond` to each event. See `agents.interface`.

    The state is one immutable value. A speculative turn is the value the graph gives for it; to
    commit is to take it over, to discard is to forget it. An answer that a model gives clause by
    clause grows into the state as it is given.
    """

    def __init__(
        self, brief: Brief, *, reader: Reader | None = None, model: CallModel | None = None
    ) -> None:
        """Prepare a talk.

        Args:
            brief: all that is known before it.
            reader: understands turns; the model's if there is one, else the rules.
            model: helps where the playbook's rules are at an end.

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
        reader = reader or (model.reader if model is not None else RuleReader())
        self._setting = Setting(brief=brief, zone=zone, reader=reader, model=model)
        self._talk = fresh(brief)
        self._fork: Talk | None = None
        self._responses = 0
        self._of_talk = self._of_fork = 0
        """Which response made the adopted state, and the open fork."""
        self._filler = ""
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

    def used(self) -> Sequence[ModelUse]:
        """Return what a model was used for since last asked."""
        return () if self._setting.model is None else self._setting.model.used()

    async def open(self) -> AsyncIterator[Item]:
        """Give the opening: disclosure first."""
        if self._setting.model is not None:
            self._setting.model.begin()
        async for item in self._responded(Opening(), speculative=False):
            yield item

    async def respond(self, event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
        """Give what to say and do about an event. The state is settled before the first item.

        Where a model has to think for longer, a `Filler` comes before what it says.
        """
        async for item in self._responded(event, speculative=speculative):
            yield item

    async def commit(self) -> None:
        """Adopt the open fork. A no-op without one."""
        if self._fork is not None:
            self._adopt(self._fork, self._of_fork)

    async def discard(self) -> None:
        """Drop the open fork. A no-op without one."""
        self._fork = None

    async def heard(self, text: str, *, interrupted: bool) -> None:
        """Keep of the last reply only what was heard: `text`, or all of it if not interrupted."""
        text = text.removeprefix(self._filler).lstrip() if self._filler else text
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
            if self._setting.model is not None:
                await self._setting.model.close()
        return self._notes

    def notes(self) -> Notes:
        """Return what the conversation would leave if it ended now."""
        return _notes(self._talk, self._setting)

    async def preview(self, event: Event) -> Notes:
        """Return what the conversation would leave after an event, by the rules alone.

        Nothing is said, asked of a model or changed.
        """
        setting = replace(self._setting, reader=RuleReader(), model=None)
        talk, _, _ = await self._turn(event, setting)
        return _notes(talk, setting)

    async def _responded(self, event: Event | Opening, *, speculative: bool) -> AsyncIterator[Item]:
        self._fork = None
        self._responses += 1
        response, began = self._responses, time.monotonic()
        deciding = asyncio.ensure_future(self._turn(event, self._setting))
        bridged = False
        try:
            if self._setting.model is not None and not await _done(deciding, by=began + THINKS_S):
                bridged = True
                yield self._bridge()
            talk, items, unanswered = await deciding
        finally:
            await _taken_back(deciding)  # dropped: nobody wants to know any more
        if not bridged:
            self._filler = ""
        if speculative:
            self._fork, self._of_fork = talk, response
        else:
            self._adopt(talk, response)
        before = len(items) if unanswered is None else unanswered.before
        for item in items[:before]:
            yield item
        if unanswered is None:
            return
        async for answer in self._answered(unanswered, talk, began, bridged=bridged):
            if isinstance(answer, Say):
                self._grow(response, answer)
            yield answer
        for item in items[before:]:
            if isinstance(item, Say):
                self._grow(response, item)
            yield item

    async def _answered(
        self, question: Unanswered, talk: Talk, began: float, *, bridged: bool
    ) -> AsyncIterator[Say | Filler]:
        """Give the model's answer, or the playbook's own words if there is none."""
        model = self._setting.model
        said = False
        if model is not None:
            asked = Asked(
                question.words,
                known={slot: answer["value"] for slot, answer in talk.answers.items()},
                said=talk.transcript[:-1],
                began=began,
            )
            clauses = aiter(model.answer(asked))
            first = asyncio.ensure_future(anext(clauses, None))
            try:
                if not bridged and not await _done(first, by=began + THINKS_S):
                    yield self._bridge()
                clause = await first
                while clause is not None:
                    said = True
                    yield Say(clause, answerer.TOPIC, answerer.AGENT)
                    clause = await anext(clauses, None)
            finally:
                await _taken_back(first)
                if (close := getattr(clauses, "aclose", None)) is not None:
                    await close()
        if not said:
            for line in question.instead:
                yield line

    def _bridge(self) -> Filler:
        """Return the playbook's words for a silence, other ones than the last time."""
        lines = self._setting.script.fillers
        self._filler = filled(lines[self._talk.turn % len(lines)], self._setting)
        return Filler(self._filler, answerer.AGENT)

    async def _turn(
        self, event: Event | Opening, setting: Setting
    ) -> tuple[Talk, tuple[Item, ...], Unanswered | None]:
        """Return the state after an event, what to say and do, and what the model is to answer.

        Changes nothing here.
        """
        before = self._talk
        result: dict[str, Any] = await conversation_graph().ainvoke(
            {"talk": before, "event": event, "reading": None, "items": (), "unanswered": None},
            {"recursion_limit": STEPS_PER_TURN},
            context=setting,
        )
        talk: Talk = result["talk"]
        items: tuple[Item, ...] = result["items"]
        unanswered: Unanswered | None = result["unanswered"]
        why = _why(before, talk)
        items = tuple(replace(item, why=why) if isinstance(item, Say) else item for item in items)
        known = items if unanswered is None else items[: unanswered.before]
        lines = tuple(item for item in known if isinstance(item, Say))
        speaks = bool(lines or unanswered)
        if speaks:
            talk = replace(talk, last=Reply(lines))
        transcript = talk.transcript
        if before.last.lines and speaks:
            transcript = (*transcript, ("agent", heard_words(before.last)))
        if words := lead_words(event):
            transcript = (*transcript, ("lead", words))
        return replace(talk, transcript=transcript[-MOST_LINES:]), items, unanswered

    def _grow(self, response: int, line: Say) -> None:
        """Make a line part of the reply of a response, unless that was dropped."""
        if self._fork is not None and self._of_fork == response:
            self._fork = _with_line(self._fork, line)
        elif self._of_talk == response:
            self._talk = _with_line(self._talk, line)
            self._checkpoints[-1] = self._talk

    def _adopt(self, talk: Talk, response: int) -> None:
        self._talk, self._of_talk = talk, response
        self._fork = None
        self._checkpoints.append(talk)


async def _done(work: asyncio.Future[Any], *, by: float) -> bool:
    """Wait for work until a moment of `time.monotonic`; return whether it is done."""
    await asyncio.wait({work}, timeout=max(0.0, by - time.monotonic()))
    return work.done()


async def _taken_back(work: asyncio.Future[Any]) -> None:
    """Stop work that is not done."""
    if not work.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _with_line(talk: Talk, line: Say) -> Talk:
    """Return the talk with one more line in the agent's reply."""
    return replace(talk, last=replace(talk.last, lines=(*talk.last.lines, line)))


def _why(before: Talk, after: Talk) -> str:
    """Return a turn's transitions in words: "greeter: a good time → qualifier: asks motivation"."""
    known = len(before.steps) if len(after.steps) < MOST_STEPS else MOST_STEPS - 4
    return " → ".join(f"{step.agent}: {step.why}" for step in after.steps[known:])


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
        "objections": list(dict.fromkeys(talk.objections)),
        "objections_recovered": list(dict.fromkeys(talk.recovered)),
        "refusals": talk.refusals,
        "skipped": sorted(talk.skipped),
        "appointment_cancelled": bool(talk.signals.get("cancelled")),
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
    from agents.understanding.money import money_in
    from agents.understanding.opt_out import is_opt_out
    from agents.understanding.times import named_time

    conversation_graph()
    zone = ZoneInfo("America/New_York")
    named_time("december 3rd at 10 am", now=datetime.now(UTC), zone=zone)
    money_in("four hundred and fifty thousand", expected=True)
    is_opt_out("please take me off your list")
    log.debug("agents_preloaded")
