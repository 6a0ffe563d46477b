"""Permission that is withdrawn, by whatever route, stops a call that waits or rings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile

from calls.models import Call, Campaign
from calls.services import dialer
from calls.services.dialer import call_dial, dial_next
from calls.services.permission import calls_without_permission
from calls.services.watchdog import Watchdog
from calls.tests.conftest import Exchange, Post, enrol, state_of
from leads.models import Consent, Lead, NumberList
from leads.services import consent_revoke, do_not_call_add
from leads.services.imports import import_check, import_commit, import_create, import_step
from leads.services.number_lists import number_list_create, number_list_step
from tests.factories import CallFactory

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def revoke(lead: Lead, now: datetime) -> None:
    consent_revoke(lead_id=lead.pk, via="e-mail", now=now)


def bar(lead: Lead, now: datetime) -> None:
    do_not_call_add(phone=str(lead.phone), source="manual", now=now)


def bar_by_list(lead: Lead, now: datetime) -> None:
    made = number_list_create(
        file=ContentFile(str(lead.phone).encode()), name="dnc.csv", purpose="do_not_call",
        made_on=now.date(), enqueue=False, now=now,
    )  # fmt: skip
    assert not number_list_step(list_id=made.pk, seconds=5)
    assert NumberList.objects.get().counts["added"] == 1


def bar_by_import(lead: Lead, now: datetime) -> None:
    rows = f"phone,do not call\n{lead.phone},yes\n".encode()
    batch = import_create(file=ContentFile(rows), name="fair.csv", source="fair")
    import_check(batch_id=batch.pk, mapping=batch.mapping, on_existing="fill", enqueue=False,
                 now=now)  # fmt: skip
    import_step(batch_id=batch.pk, seconds=5)
    import_commit(batch_id=batch.pk, enqueue=False, now=now)
    import_step(batch_id=batch.pk, seconds=5)


def by_hand_in_the_database(lead: Lead, now: datetime) -> None:
    Consent.objects.filter(lead=lead).update(revoked_at=now, revoked_via="court")


ROUTES = [revoke, bar, bar_by_list, bar_by_import, by_hand_in_the_database]


@pytest.mark.parametrize("withdraw", ROUTES)
def test_a_ringing_call_is_cancelled_at_the_carrier(
    withdraw: Callable[[Lead, datetime], None],
    campaign: Campaign,
    exchange: Exchange,
    now: datetime,
) -> None:
    lead = enrol(campaign).lead
    call = dial_next(now)
    assert call is not None
    assert not exchange.calls[0].is_over
    withdraw(lead, now)
    Watchdog().watch(now + SECOND)
    assert exchange.calls[0].is_over
    call.refresh_from_db()
    assert call.state in Call.FINAL_STATES
    assert call.end_reason == "permission_withdrawn"


@pytest.mark.parametrize("withdraw", ROUTES)
def test_a_queued_lead_is_not_dialled(
    withdraw: Callable[[Lead, datetime], None],
    campaign: Campaign,
    exchange: Exchange,
    now: datetime,
) -> None:
    enrolment = enrol(campaign)
    withdraw(enrolment.lead, now)
    assert dial_next(now) is None
    assert exchange.calls == []
    enrolment.refresh_from_db()
    assert enrolment.state == "stopped"


def test_a_call_whose_row_is_made_but_not_sent_is_never_sent(
    campaign: Campaign, exchange: Exchange, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = enrol(campaign).lead

    def withdrawn_between(*, call_id: Any, now: datetime) -> bool:
        revoke(lead, now)
        return call_dial(call_id=call_id, now=now)

    monkeypatch.setattr(dialer, "call_dial", withdrawn_between)
    call = dial_next(now)
    assert call is not None
    assert exchange.calls == []
    assert (state_of(call), call.end_reason) == (Call.State.CANCELED, "permission_withdrawn")


def test_an_answer_that_was_quicker_than_the_cancellation_hears_nothing(
    campaign: Campaign, exchange: Exchange, post: Post, now: datetime
) -> None:
    lead = enrol(campaign).lead
    call = dial_next(now)
    assert call is not None
    bar(lead, now)
    assert b"<Hangup" in post("voice", call).content
    call.refresh_from_db()
    assert call.end_reason == "permission_withdrawn"


def test_whoever_calls_us_or_speaks_with_us_is_not_cut_off(now: datetime) -> None:
    inbound = CallFactory(state=Call.State.RINGING, direction=Call.Direction.INBOUND)
    talking = CallFactory(live=True)
    for call in (inbound, talking):
        do_not_call_add(phone=str(call.lead.phone), source="manual", now=now)
        do_not_call_add(phone=str(call.to_number), source="manual", now=now)
    assert calls_without_permission() == set()
