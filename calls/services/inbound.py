"""Take calls from people who call us: leads who call back, and strangers.

People on the do-not-call list may call us; that somebody unknown called is no consent to be called.
Whoever cannot be served hears one polite line, and somebody of ours is asked to call them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from agents.selectors import playbook_version_current
from billing.selectors import PriceUnknown, call_estimate
from billing.services import BudgetExhausted, budget_reserve
from calls.briefs import INBOUND
from calls.models import Call, Campaign, Enrolment
from calls.policy.metering import seconds_to_promise
from calls.services.budget_alerts import budget_refusal_note
from calls.services.capacity import voice_capacity_free
from calls.services.metering import region_of, telephony_of
from calls.services.tiers import tier_begin
from leads.models import Lead, Task
from leads.services import InvalidPhone, LeadExists, lead_create, task_add

logger = structlog.get_logger(__name__)

_NOT_OURS = "Hello. This number takes no calls. Goodbye."
_BUSY = "Hello. We cannot take your call right now. We will call you back. Goodbye."
CALL_BACK_WITHIN = timedelta(hours=4)


class NotTaken(Exception):  # noqa: N818 - says what happened
    """The call is answered with one polite line and ended. `line` is what is said."""

    def __init__(self, reason: str, line: str) -> None:
        super().__init__(f"inbound call not taken: {reason}")
        self.reason = reason
        self.line = line


def call_receive(*, parameters: Mapping[str, str], now: datetime) -> Call:
    """Make the row of an inbound call, with its money promised. The same CallSid gives the same.

    Raises:
        NotTaken: the number called is no campaign's, the caller's is withheld or on another call,
            we are closed, or the call cannot be paid for or held by any voice process.
    """
    sid = parameters.get("CallSid", "")
    if parameters.get("AccountSid") != settings.ENV.twilio_account_sid or not sid:
        raise NotTaken("not_ours", _BUSY)
    known = Call.objects.filter(provider_sid=sid).first()
    if known is not None:
        return known
    lead = Lead.objects.filter(phone=parameters.get("From", "")).first()
    campaign = _campaign_of(lead) if lead else None
    campaign = campaign or _campaign_of_number(parameters.get("To", ""))
    version = playbook_version_current(campaign.playbook_id) if campaign else None
    if campaign is None or version is None:
        raise NotTaken("no_campaign", _NOT_OURS)
    if lead is None:
        lead = _stranger(parameters, campaign, now)
    if not _is_open(campaign, now):
        _call_back(lead, "Called us while we were closed: call back.", now)
        raise NotTaken("closed", campaign.inbound_closed_line or _closed(campaign))
    if voice_capacity_free(now) == 0:
        _call_back(lead, "Called us while all lines were busy: call back.", now)
        raise NotTaken("no_capacity", campaign.inbound_busy_line or _BUSY)
    try:
        with transaction.atomic():
            call = Call.objects.create(
                lead=lead,
                campaign=campaign,
                playbook_version=version,
                direction=Call.Direction.INBOUND,
                state=Call.State.IN_PROGRESS,
                to_number=parameters.get("To", ""),
                from_number=lead.phone,
                provider_sid=sid,
                # The carrier was not asked to record this call when it began.
                recording_policy=(
                    Campaign.RecordingPolicy.LOCAL
                    if campaign.recording_policy != Campaign.RecordingPolicy.NONE
                    else Campaign.RecordingPolicy.NONE
                ),
                max_seconds=campaign.max_call_seconds,
                answered_at=now,
            )
            budget_reserve(
                call_id=call.pk,
                campaign_id=campaign.pk,
                amount=call_estimate(
                    seconds=seconds_to_promise(0),
                    recorded_by_carrier=False,
                    detect_machines=False,
                    region=region_of(call),
                    day=now.date(),
                    component=telephony_of(call),
                ),
                now=now,
                expires_at=now + timedelta(seconds=campaign.max_call_seconds + 900),
            )
            tier_begin(call=call, now=now)
    except IntegrityError:
        raise NotTaken("already_on_call", _BUSY) from None
    except BudgetExhausted as exhausted:
        budget_refusal_note(exhausted=exhausted, now=now)
        _call_back(lead, "Called us while the budget was used up: call back.", now)
        raise NotTaken("no_budget", campaign.inbound_busy_line or _BUSY) from None
    except PriceUnknown:
        _call_back(lead, "Called us from where a call has no price: call back.", now)
        raise NotTaken("no_budget", campaign.inbound_busy_line or _BUSY) from None
    return call


def _stranger(parameters: Mapping[str, str], campaign: Campaign, now: datetime) -> Lead:
    """Make a lead of somebody unknown, who gave no consent to be called.

    Raises:
        NotTaken: the number is withheld or no number.
    """
    try:
        return lead_create(
            phone=parameters.get("From", ""),
            kind=campaign.playbook.lead_kind,
            city=parameters.get("FromCity", "").title()[:80],
            source=INBOUND,
            now=now,
        )
    except LeadExists as known:
        return Lead.objects.get(pk=known.lead_id)
    except (InvalidPhone, ValidationError):
        raise NotTaken("number_withheld", _BUSY.replace(" We will call you back.", "")) from None


def _is_open(campaign: Campaign, now: datetime) -> bool:
    """Whether the campaign takes calls now, by the account's clock."""
    opens, closes = campaign.inbound_opens, campaign.inbound_closes
    if opens is None or closes is None:
        return True
    local = now.astimezone(ZoneInfo(settings.ENV.account_time_zone)).time()
    if opens <= closes:
        return opens <= local < closes
    return local >= opens or local < closes


def _closed(campaign: Campaign) -> str:
    return (
        f"Thank you for calling {campaign.business_name}. We are closed now, and will call you "
        "back. Goodbye."
    )


def _call_back(lead: Lead, title: str, now: datetime) -> None:
    """Ask somebody of ours to call a person who could not be served; once while it is open."""
    if Task.objects.filter(lead=lead, title=title, done_at__isnull=True).exists():
        return
    task_add(
        lead_id=lead.pk,
        title=title,
        due_at=now + CALL_BACK_WITHIN,
        owner_id=lead.owner_id,
        kind=Task.Kind.CALLBACK,
        now=now,
    )


def _campaign_of_number(number: str) -> Campaign | None:
    """Return the campaign whose pool has the number: a running one first, then the latest."""
    campaigns = list(
        Campaign.objects.filter(numbers__number=number)
        .exclude(state=Campaign.State.DRAFT)
        .select_related("playbook")
        .order_by("-started_at")
    )
    running = [c for c in campaigns if c.state == Campaign.State.RUNNING]
    return next(iter(running or campaigns), None)


def _campaign_of(lead: Lead) -> Campaign | None:
    """Return the campaign that the lead most likely calls about: the last that reached out."""
    last = (
        Call.objects.filter(lead=lead, campaign__isnull=False)
        .select_related("campaign")
        .order_by("-created_at")
        .first()
    )
    if last is not None:
        return last.campaign
    enrolment = (
        Enrolment.objects.filter(lead=lead)
        .select_related("campaign")
        .order_by("-created_at")
        .first()
    )
    return enrolment.campaign if enrolment else None
