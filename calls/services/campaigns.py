"""Start, pause and stop campaigns, enrol leads in them, and stop all dialling at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from calls.models import Call, Campaign, Enrolment, KillSwitch
from calls.policy.turns import CALLED_NEXT
from calls.services.guards import missing_to_start
from calls.services.outbox import outbox_add
from calls.services.stopping import talks_wrap_up
from leads.models import Lead
from leads.services.audit import audit_record

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = structlog.get_logger(__name__)

_OPEN = (Enrolment.State.WAITING, Enrolment.State.CLAIMED)
_BATCH = 1000


class CampaignRefused(Exception):  # noqa: N818 - says what happened
    """A campaign cannot do what was asked; the text says why and what to do."""


@transaction.atomic
def campaign_start(*, campaign_id: UUID | str, actor: User | None = None, now: datetime) -> None:
    """Let the dialer call the campaign's leads, and have what it says on every call made ready.

    Starting a running campaign changes nothing.

    Raises:
        CampaignRefused: something that it needs is missing; the text has all of it.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    if campaign.state == Campaign.State.RUNNING:
        return
    if missing := missing_to_start(campaign):
        raise CampaignRefused(" ".join(missing))
    Campaign.objects.filter(pk=campaign.pk).update(
        state=Campaign.State.RUNNING,
        pause_reason="",
        halted_at=None,
        held_until=None,
        held_reason="",
        started_at=campaign.started_at or now,
        finished_at=None,
        updated_at=now,
    )
    key = f"speech:{campaign.pk}:{now:%Y%m%dT%H%M%S}"
    outbox_add(kind="speech", key=key, payload={"campaign": str(campaign.pk)}, due_at=now)
    _note("Started", campaign, actor, now)


@transaction.atomic
def campaign_pause(
    *,
    campaign_id: UUID | str,
    actor: User | None = None,
    reason: str = "",
    at_once: bool = False,
    end_live: bool = False,
    now: datetime,
) -> bool:
    """Dial nobody else until it is started again; calls on the line go on.

    Args:
        at_once: cancel what rings, within a second.
        end_live: have the agent say goodbye on live calls.

    Returns:
        Whether it was running.
    """
    paused = Campaign.objects.filter(pk=campaign_id, state=Campaign.State.RUNNING).update(
        state=Campaign.State.PAUSED,
        pause_reason=reason[:200],
        halted_at=now if at_once else None,
        updated_at=now,
    )
    if end_live:
        calls = Call.objects.filter(campaign_id=campaign_id)
        talks_wrap_up(calls, ringing_too=at_once, now=now)
    if paused:
        how = "Paused at once" if at_once else "Paused"
        _note(how, Campaign.objects.get(pk=campaign_id), actor, now)
    return bool(paused)


@transaction.atomic
def campaign_stop(*, campaign_id: UUID | str, actor: User | None = None, now: datetime) -> None:
    """End a campaign for good: whoever waits is not called. Calls on the line go on."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    campaign.enrolments.filter(state=Enrolment.State.WAITING).update(
        state=Enrolment.State.STOPPED, updated_at=now
    )
    Campaign.objects.filter(pk=campaign_id).exclude(state=Campaign.State.FINISHED).update(
        state=Campaign.State.FINISHED, finished_at=now, updated_at=now
    )
    _note("Stopped", campaign, actor, now)


def campaign_finish_if_done(*, campaign_id: UUID | str, now: datetime) -> bool:
    """Finish a running campaign when nobody waits and nobody is being called."""
    enrolments = Enrolment.objects.filter(campaign_id=campaign_id)
    if enrolments.filter(state__in=_OPEN).exists() or not enrolments.exists():
        return False
    finished = Campaign.objects.filter(pk=campaign_id, state=Campaign.State.RUNNING).update(
        state=Campaign.State.FINISHED, finished_at=now, updated_at=now
    )
    if finished:
        logger.info("campaign_finished", campaign_id=str(campaign_id))
    return bool(finished)


@transaction.atomic
def leads_enrol(*, campaign_id: UUID | str, lead_ids: Iterable[UUID | str], now: datetime) -> int:
    """Put leads in a campaign, due now. Returns how many wait that did not before.

    A lead that is in it and was stopped waits again; the gate decides once more. One that is done
    stays done.
    """
    Campaign.objects.select_for_update().get(pk=campaign_id)
    wanted = list(dict.fromkeys(str(lead_id) for lead_id in lead_ids))
    enrolled = 0
    for start in range(0, len(wanted), _BATCH):
        ids = wanted[start : start + _BATCH]
        enrolled += Enrolment.objects.filter(
            campaign_id=campaign_id, lead_id__in=ids, state=Enrolment.State.STOPPED
        ).update(state=Enrolment.State.WAITING, due_at=now, blocked_reasons=[], updated_at=now)
        there = Enrolment.objects.filter(campaign_id=campaign_id, lead_id__in=ids)
        present = {str(lead_id) for lead_id in there.values_list("lead_id", flat=True)}
        known = Lead.objects.filter(pk__in=ids).values_list("pk", flat=True)
        rows = [
            Enrolment(campaign_id=campaign_id, lead_id=pk, due_at=now)
            for pk in known
            if str(pk) not in present
        ]
        Enrolment.objects.bulk_create(rows)
        enrolled += len(rows)
    return enrolled


@transaction.atomic
def call_now(
    *, lead_id: UUID | str, campaign_id: UUID | str, actor: User | None = None, now: datetime
) -> Enrolment:
    """Put a lead before all others of a running campaign: the dialer calls it next.

    Nothing is dialled here. The gate decides at that moment, as for every call.

    Raises:
        CampaignRefused: the campaign does not run, or the lead is being called.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    if campaign.state != Campaign.State.RUNNING:
        raise CampaignRefused(f"“{campaign}” is not running: start it first, or choose another.")
    enrolment, _ = Enrolment.objects.select_for_update().get_or_create(
        campaign=campaign, lead_id=lead_id, defaults={"due_at": now}
    )
    if enrolment.state == Enrolment.State.CLAIMED:
        raise CampaignRefused("The lead is being called right now.")
    enrolment.state = Enrolment.State.WAITING
    enrolment.priority, enrolment.due_at, enrolment.blocked_reasons = CALLED_NEXT, now, []
    enrolment.save(update_fields=["state", "priority", "due_at", "blocked_reasons", "updated_at"])
    logger.info("call_now", campaign_id=str(campaign.pk), actor_id=_id(actor))
    return enrolment


def kill_switch_set(
    *,
    engaged: bool,
    actor: User | None = None,
    reason: str = "",
    end_live: bool = False,
    now: datetime | None = None,
) -> None:
    """Stop all dialling at once, or allow it again. Survives restarts.

    Calls that ring are cancelled by the dialers within a second; people who are speaking with us,
    or pick up before that, are spoken with to the end.

    Args:
        end_live: have the agent say goodbye on live calls instead.
    """
    now = now or timezone.now()
    text = "Stopped all dialling." if engaged else "Let calls through again."
    with transaction.atomic():
        switch, _ = KillSwitch.objects.update_or_create(
            pk=1, defaults={"engaged": engaged, "reason": reason[:200], "changed_by": actor}
        )
        audit_record(action="settings", text=text, actor=actor, subject=switch, now=now)
    if engaged and end_live:
        # By itself: the switch does not wait for as many notices as there are talks.
        talks_wrap_up(Call.objects.all(), ringing_too=True, now=now)
    logger.warning("kill_switch_changed", engaged=engaged, actor_id=_id(actor))


def _note(what: str, campaign: Campaign, actor: User | None, now: datetime) -> None:
    """Put a step of a campaign into the audit and the log."""
    audit_record(
        action="settings", text=f"{what} a campaign.", actor=actor, subject=campaign, now=now
    )
    logger.info(
        "campaign_changed", campaign_id=str(campaign.pk), what=what.lower(), actor_id=_id(actor)
    )


def _id(actor: User | None) -> int | None:
    return actor.pk if actor else None
