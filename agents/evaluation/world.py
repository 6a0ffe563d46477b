"""What a simulated call happens in: a calendar that can be booked, moved and cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.evaluation.scenario import Scenario
from agents.interface import Action, ActionDone, Booked, Brief, Do, Slot, TransferReady
from agents.playbook import Script

BUSINESS = "Harbor Realty"
REP_ID, REP_NAME = 7, "Dana Whitfield"
LENGTH = timedelta(minutes=30)
NOTICE = timedelta(hours=2)
DAYS = 28
APPOINTMENT = UUID(int=7)


class World:
    """The calendar of one scenario, and what became of it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.zone = ZoneInfo(scenario.zone)
        self.now = self._utc(scenario.now)
        self._taken = {self._utc(each) for each in scenario.taken}
        self.appointment = self._utc(scenario.appointment) if scenario.appointment else None
        self.booked = False
        self.moved = False
        self.cancelled = False
        self.callback: datetime | None = None
        self.opted_out = False
        self.recording_stopped = False
        self.connected = False
        self.slots = self._free()

    def brief(self, script: Script) -> Brief:
        """Return what the conversation is told before it begins."""
        scenario = self.scenario
        booked = None
        if self.appointment is not None:
            booked = Booked(APPOINTMENT, self._slot(self.appointment))
        memory = {}
        if scenario.remembers:
            answers = {
                slot: {"value": value, "said": "", "turn": 1, "type": "", "confidence": 0.9}
                for slot, value in scenario.remembers.items()
            }
            memory = {"calls": 1, "answers": answers, "objections": [], "outcome": "callback"}
        return Brief(
            call_id=UUID(int=1),
            script=script,
            business_name=BUSINESS,
            lead_first_name=scenario.first_name,
            lead_time_zone=scenario.zone,
            recorded=scenario.recorded,
            now=self.now,
            slots=self.slots,
            appointment=booked,
            inbound=scenario.inbound,
            transfers=bool(scenario.transfer),
            memory=memory,
        )

    def do(self, do: Do) -> ActionDone | TransferReady | None:
        """Do what the agent asks for; return the result if it waits for one."""
        if do.action is Action.TRANSFER and self.scenario.transfer == "answered":
            return TransferReady(REP_NAME)
        ok = True
        match do.action:
            case Action.BOOK | Action.MOVE:
                slot = do.args["slot"]
                ok = slot in self.slots and slot.starts_at not in self._taken
                if ok:
                    self.appointment = slot.starts_at
                    self.booked = do.action is Action.BOOK
                    self.moved = do.action is Action.MOVE
            case Action.CANCEL:
                ok = self.appointment is not None
                self.appointment, self.cancelled = None, ok
            case Action.CALLBACK:
                self.callback = do.args["at"]
            case Action.OPT_OUT:
                self.opted_out = True
            case Action.STOP_RECORDING:
                self.recording_stopped = True
            case Action.TRANSFER:
                ok = False
            case Action.CONNECT:
                self.connected = True
        return ActionDone(do.action, ok) if do.reports_back else None

    def local(self, at: datetime | None) -> datetime | None:
        """Return a moment on the lead's clock, without its zone, as scenarios write it."""
        return at.astimezone(self.zone).replace(tzinfo=None) if at else None

    def _utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.zone).astimezone(UTC)

    def _slot(self, at: datetime) -> Slot:
        return Slot(REP_ID, REP_NAME, at, at + LENGTH, self.scenario.rep_zone or "")

    def _free(self) -> tuple[Slot, ...]:
        if self.scenario.free is not None:
            return tuple(self._slot(self._utc(each)) for each in self.scenario.free)
        rep_zone = ZoneInfo(self.scenario.rep_zone or self.scenario.zone)
        today = self.now.astimezone(rep_zone).date()
        found = []
        for day in (today + timedelta(days=n) for n in range(DAYS)):
            for half in range(18):
                starts = time(9 + half // 2, 30 * (half % 2))
                at = datetime.combine(day, starts, tzinfo=rep_zone).astimezone(UTC)
                hour = at.astimezone(self.zone).hour
                suits = at >= self.now + NOTICE and 8 <= hour < 20 and day.weekday() < 5
                if suits and at != self.appointment:
                    found.append(self._slot(at))
        return tuple(found)
