"""Watch calls in the database: a line for everything that happens, then a table and a report."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from calls.models import Call, Turn
from leads.models import Appointment
from reauto_site.demo.seed import SeededLead

POLL_SECONDS = 0.4


class Board:
    """The calls of one demo run."""

    def __init__(
        self, leads: Sequence[SeededLead], *, campaign_id: UUID, write: Callable[[str], Any]
    ) -> None:
        self._leads = {lead.lead_id: lead for lead in leads}
        self._campaign_id = campaign_id
        self._write = write
        self._began = time.monotonic()
        self._states: dict[UUID, str] = {}
        self._turns: dict[UUID, int] = {}

    def watch(self, *, seconds: float, check: Callable[[], None]) -> bool:
        """Report progress until every call is settled.

        Args:
            seconds: give up after this long.
            check: called on every round; raises when the demo cannot go on.

        Returns:
            Whether every lead's call was settled in time.
        """
        while time.monotonic() - self._began < seconds:
            check()
            calls = self._calls()
            self._report(calls)
            settled = {call.lead_id for call in calls if call.settled_at}
            if len(settled) == len(self._leads):
                return True
            time.sleep(POLL_SECONDS)
        return False

    def results(self) -> list[dict[str, Any]]:
        """Return one dictionary per lead, as the demo's JSON names the fields."""
        by_lead = {call.lead_id: call for call in self._calls()}
        return [self._result(lead, by_lead.get(lead.lead_id)) for lead in self._leads.values()]

    def _calls(self) -> list[Call]:
        return list(
            Call.objects.filter(campaign_id=self._campaign_id)
            .select_related("lead", "recording")
            .order_by("created_at")
        )

    def _report(self, calls: Sequence[Call]) -> None:
        for call in calls:
            if call.stream_started_at is not None:
                self._report_turns(call)
            state = "settled" if call.settled_at else call.state
            if self._states.get(call.id) != state:
                self._states[call.id] = state
                self._line(call, _in_words(call, state))

    def _report_turns(self, call: Call) -> None:
        seen = self._turns.get(call.id, -1)
        for turn in Turn.objects.filter(call=call, index__gt=seen).order_by("index"):
            self._turns[call.id] = turn.index
            who = "agent" if turn.speaker == Turn.Speaker.AGENT else "lead "
            late = f"  ({turn.latency_ms} ms)" if turn.latency_ms is not None else ""
            self._line(call, f"{who} | {turn.text}{late}")

    def _line(self, call: Call, text: str) -> None:
        elapsed = int(time.monotonic() - self._began)
        persona = self._leads[call.lead_id].persona
        self._write(f"{elapsed // 60:02d}:{elapsed % 60:02d}  {persona:<21} {text}")

    def _result(self, lead: SeededLead, call: Call | None) -> dict[str, Any]:
        if call is None:
            return {
                "id": None, "persona": lead.persona, "expected": lead.expected, "outcome": None,
                "score": None, "appointment": None, "duration_s": 0.0, "cost_usd": "0.000000",
                "turns": [], "recording": None,
            }  # fmt: skip
        appointment = Appointment.objects.filter(call=call, status="booked").first()
        recording = getattr(call, "recording", None)
        return {
            "id": str(call.id),
            "persona": lead.persona,
            "expected": lead.expected,
            "outcome": call.outcome or None,
            "score": call.score,
            "appointment": appointment.starts_at.isoformat() if appointment else None,
            "duration_s": round(call.duration_s, 1),
            "cost_usd": str(call.cost),
            "turns": [
                {
                    "speaker": turn.speaker,
                    "text": turn.text,
                    "started_ms": turn.started_ms,
                    "ended_ms": turn.ended_ms,
                    "latency_ms": turn.latency_ms,
                    "interrupted": turn.interrupted,
                }
                for turn in call.turns.order_by("index")
            ],
            "recording": recording.file.name if recording and recording.file else None,
        }


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the results as a table: lead, outcome, score, appointment, seconds, cost, latency."""
    heads = ("lead", "outcome", "score", "appointment (UTC)", "seconds", "cost", "latency", "")
    rows = [heads] + [
        (
            result["persona"],
            result["outcome"] or "-",
            "-" if result["score"] is None else str(result["score"]),
            (result["appointment"] or "-")[:16].replace("T", " "),
            f"{result['duration_s']:.0f}",
            f"${float(result['cost_usd']):.4f}",
            _latency(result["turns"]),
            "ok" if result["outcome"] == result["expected"] else f"expected {result['expected']}",
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    right = {2, 4, 5, 6}
    lines = [
        "  ".join(
            cell.rjust(width) if column in right and number else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for number, row in enumerate(rows)
    ]
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join(lines)


def _latency(turns: Sequence[Mapping[str, Any]]) -> str:
    values = [turn["latency_ms"] for turn in turns if turn["latency_ms"] is not None]
    return f"{statistics.median(values):.0f} ms" if values else "-"


def _in_words(call: Call, state: str) -> str:
    if state == "settled":
        return f"done: {call.get_outcome_display()}, ${call.cost:.4f}"
    if call.state in Call.FINAL_STATES:
        return f"hung up after {call.duration_s:.0f} s"
    return str(call.get_state_display()).lower()
