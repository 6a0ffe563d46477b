"""Start, pause and stop campaigns, enrol leads in them, and stop all dialling at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from agents.selectors import playbook_version_current
from calls.models import Call, Campaign, Enrolment, KillSwitch
from calls.services.notices import call_notify
from calls.services.outbox import outbox_add
from leads.models import Lead

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = structlog.get_logger(__name__)

_OPEN = (Enrolment.State.WAITING, Enrolment.State.CLAIMED)
_BATCH = 1000
CALLED_NEXT = 1000
"""The priority of a lead that a person wants called next; its next call uses it up."""


class CampaignRefused(Exception):  # noqa: N818 - says what happened
    """A campaign cannot do what was asked; the text says why and what to do."""


@transaction.atomic
def campaign_start(*, campaign_id: UUID | str, actor: User | None = None, now: datetime) -> None:
    """Let the dialer call the campaign's leads, and have what it says on every call made ready.

    Starting a running campaign changes nothing.

    Raises:
        CampaignRefused: nobody is enrolled, or the playbook has no published version.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    if campaign.state == Campaign.State.RUNNING:
        return
    if playbook_version_current(campaign.playbook_id) is None:
        raise CampaignRefused(
            f"The playbook “{campaign.playbook}” has no published version: publish it first."
        )
    if not campaign.enrolments.filter(state__in=_OPEN).exists():
        raise CampaignRefused(
            f"No lead of “{campaign}” is waiting to be called: enrol leads first."
        )
    Campaign.objects.filter(pk=campaign.pk).update(
        state=Campaign.State.RUNNING,
        pause_reason="",
        started_at=campaign.started_at or now,
        finished_at=None,
        updated_at=now,
    )
    key = f"speech:{campaign.pk}:{now:%Y%m%dT%H%M%S}"
    outbox_add(kind="speech", key=key, payload={"campaign": str(campaign.pk)}, due_at=now)
    logger.info("campaign_started", campaign_id=str(campaign.pk), actor_id=_id(actor))


def campaign_pause(
    *, campaign_id: UUID | str, actor: User | None = None, reason: str = "", now: datetime
) -> bool:
    """Dial nobody else until it is started again; calls on the line go on.

    Returns whether it was running.
    """
    paused = Campaign.objects.filter(pk=campaign_id, state=Campaign.State.RUNNING).update(
        state=Campaign.State.PAUSED, pause_reason=reason[:200], updated_at=now
    )
    if paused:
        logger.info(
            "campaign_paused", campaign_id=str(campaign_id), actor_id=_id(actor), reason=reason
        )
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
    logger.info("campaign_stopped", campaign_id=str(campaign_id), actor_id=_id(actor))


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


@transaction.atomic
def kill_switch_set(
    *, engaged: bool, actor: User | None = None, reason: str = "", now: datetime | None = None
) -> None:
    """Stop all dialling at once, or allow it again. Survives restarts.

    Calls that ring are cancelled by the dialer within a second; people who are speaking with us
    are spoken with to the end, and the process that holds them is told (`kill` notice).
    """
    now = now or timezone.now()
    KillSwitch.objects.update_or_create(
        pk=1, defaults={"engaged": engaged, "reason": reason[:200], "changed_by": actor}
    )
    logger.warning("kill_switch_changed", engaged=engaged, actor_id=_id(actor))
    if engaged:
        live = Call.objects.filter(state=Call.State.IN_PROGRESS).values_list("pk", flat=True)
        for call_id in live:
            call_notify(call_id=call_id, kind="kill", data={"reason": "kill_switch"}, now=now)


def _id(actor: User | None) -> int | None:
    return actor.pk if actor else None
