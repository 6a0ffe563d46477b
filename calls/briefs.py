"""What a conversation is told before it begins: lead, script, free times, and what was before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from agents.interface import Booked, Brief, Slot
from agents.playbook import Script
from calls.models import Call, Turn
from leads.calendars import free_slots, rep_calendars, rep_name
from leads.models import Appointment, Lead

AHEAD: Final = timedelta(days=28)
"""How far ahead times are offered: "the week after next" and then some."""
MOST_SLOTS: Final = 400
INBOUND: Final = "inbound"
"""Source of a lead that was made because somebody unknown called us."""


def call_brief(call: Call, *, recorded: bool, now: datetime) -> Brief:
    """Return all that the conversation of a call knows before it starts."""
    lead = call.lead
    booked = _next_appointment(lead, now)
    slots = free_slots(
        now=now,
        limit=MOST_SLOTS,
        horizon=AHEAD,
        time_zone=lead.time_zone,
        prefer_rep_id=booked.rep_id if booked else lead.owner_id,
        moving=booked.pk if booked else None,
    )
    return Brief(
        call_id=call.pk,
        script=Script.model_validate(call.playbook_version.script),
        business_name=call.campaign.business_name if call.campaign else "",
        lead_first_name=lead.first_name,
        lead_time_zone=lead.time_zone,
        recorded=recorded,
        now=now,
        slots=tuple(
            Slot(
                rep_id=slot.rep_id,
                rep_name=slot.rep_name,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                time_zone=slot.time_zone,
            )
            for slot in slots
            if booked is None or slot.starts_at != booked.starts_at
        ),
        appointment=_as_booked(booked) if booked else None,
        inbound=call.direction == Call.Direction.INBOUND,
        leave_message=_leaves_message(call),
        stranger=(
            call.direction == Call.Direction.INBOUND
            and lead.source == INBOUND
            and not lead.first_name
        ),
        lead_kind=call.playbook_version.playbook.lead_kind,
        transfers=bool(call.campaign and call.campaign.transfer_mode),
        memory=_memory(call),
    )


def _leaves_message(call: Call) -> bool:
    """Whether a voicemail gets a message, by the campaign's policy and what was left before."""
    policy = call.campaign.leave_message if call.campaign else "once"
    if policy != "once":
        return policy == "always"
    before = Turn.objects.filter(call__lead_id=call.lead_id, speaker="agent", topic="voicemail")
    return not before.exclude(call_id=call.pk).exists()


def _next_appointment(lead: Lead, now: datetime) -> Appointment | None:
    return (
        Appointment.objects.filter(lead=lead, status=Appointment.Status.BOOKED, starts_at__gt=now)
        .select_related("rep")
        .order_by("starts_at")
        .first()
    )


def _as_booked(appointment: Appointment) -> Booked:
    calendars = rep_calendars(
        since=appointment.starts_at, until=appointment.ends_at, rep_ids=[appointment.rep_id]
    )
    return Booked(
        id=appointment.pk,
        slot=Slot(
            rep_id=appointment.rep_id,
            rep_name=rep_name(appointment.rep),
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            time_zone=calendars[0].time_zone.key if calendars and calendars[0].shifts else "",
        ),
    )


def _memory(call: Call) -> dict[str, Any]:
    """Return what the last call with this lead left to be remembered."""
    last = (
        Call.objects.filter(lead_id=call.lead_id, stream_started_at__isnull=False)
        .exclude(pk=call.pk)
        .order_by("-created_at")
        .values_list("notes", flat=True)
        .first()
    )
    memory = (last or {}).get("memory", {})
    return memory if isinstance(memory, dict) else {}
