"""Take calls from leads who call back. People on the do-not-call list may call us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from agents.selectors import playbook_version_current
from billing.selectors import PriceUnknown, call_estimate
from billing.services import BudgetExhausted, budget_reserve
from calls.models import Call, Campaign, Enrolment
from calls.policy.metering import seconds_to_promise
from calls.services.budget_alerts import budget_refusal_note
from calls.services.capacity import voice_capacity_free
from calls.services.metering import region_of, telephony_of
from calls.services.tiers import tier_begin
from leads.models import Lead

_UNKNOWN = "Hello. We could not find your number. Please contact us on our web site. Goodbye."
_BUSY = "Hello. We cannot take your call right now. Please try again later. Goodbye."


class NotTaken(Exception):  # noqa: N818 - says what happened
    """The call is answered with one polite line and ended. `line` is what is said."""

    def __init__(self, reason: str, line: str) -> None:
        super().__init__(f"inbound call not taken: {reason}")
        self.reason = reason
        self.line = line


def call_receive(*, parameters: Mapping[str, str], now: datetime) -> Call:
    """Make the row of an inbound call, with its money promised. The same CallSid gives the same.

    Raises:
        NotTaken: the caller is unknown, is on another call, cannot be paid for, or no voice
            process has a place.
    """
    sid = parameters.get("CallSid", "")
    if parameters.get("AccountSid") != settings.ENV.twilio_account_sid or not sid:
        raise NotTaken("not_ours", _BUSY)
    known = Call.objects.filter(provider_sid=sid).first()
    if known is not None:
        return known
    lead = Lead.objects.filter(phone=parameters.get("From", "")).first()
    if lead is None:
        raise NotTaken("unknown_caller", _UNKNOWN)
    if voice_capacity_free(now) == 0:
        raise NotTaken("no_capacity", _BUSY)
    campaign = _campaign_of(lead)
    version = playbook_version_current(campaign.playbook_id) if campaign else None
    if campaign is None or version is None:
        raise NotTaken("no_campaign", _UNKNOWN)
    try:
        with transaction.atomic():
            call = Call.objects.create(
                lead=lead,
                campaign=campaign,
                playbook_version=version,
                direction=Call.Direction.INBOUND,
                state=Call.State.IN_PROGRESS,
                to_number=parameters.get("To") or campaign.caller_number,
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
        raise NotTaken("no_budget", _BUSY) from None
    except PriceUnknown:
        raise NotTaken("no_budget", _BUSY) from None
    return call


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
