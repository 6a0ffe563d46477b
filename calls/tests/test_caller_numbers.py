"""The numbers that leads see: the right one of the pool, and none more often than it may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from calls.models import Call, CallerNumber, Campaign, Enrolment
from calls.policy.caller_numbers import PoolNumber, in_order
from calls.services.caller_numbers import NoCallerNumber, caller_number_take
from calls.services.dialer import dial_next
from calls.tests.conftest import Exchange, enrol
from tests.factories import CampaignFactory
from tests.threads import at_once

AUSTIN, DALLAS, BOSTON, DENVER = "+15125550100", "+12145550100", "+16175550100", "+13035550100"


def pool(*numbers: str, **used: int) -> list[PoolNumber]:
    return [PoolNumber(number, used.get(number[2:5], 0)) for number in numbers]


def first(*numbers: PoolNumber, lead: str, heard_from: str = "", states: Any = ()) -> str:
    return in_order(numbers, lead_number=lead, lead_states=states, heard_from=heard_from)[0].number


def test_a_lead_sees_a_number_of_its_area_then_of_its_state_then_the_least_used() -> None:
    numbers = pool(BOSTON, DALLAS, AUSTIN)
    assert first(*numbers, lead="+15125559876") == AUSTIN
    assert first(*numbers, lead="+12145559876") == DALLAS
    assert first(*numbers, lead="+19155559876") in {DALLAS, AUSTIN}  # El Paso
    assert first(*numbers, lead="+19155559876", states=["MA"]) == BOSTON
    used = [PoolNumber(AUSTIN, 5), PoolNumber(BOSTON, 4), PoolNumber(DENVER, 6)]
    assert first(*used, lead="+12025559876") == BOSTON
    assert first(*used, lead="+442071838750") == BOSTON


def test_a_lead_goes_on_seeing_the_number_that_called_before() -> None:
    assert first(*pool(AUSTIN, BOSTON), lead="+15125559876", heard_from=BOSTON) == BOSTON
    assert first(*pool(AUSTIN), lead="+15125559876", heard_from=BOSTON) == AUSTIN


def use_pool(campaign: Campaign, **caps: int | None) -> None:
    campaign.numbers.clear()
    for name, cap in caps.items():
        number, _ = CallerNumber.objects.update_or_create(
            number=globals()[name], defaults={"daily_cap": cap}
        )
        campaign.numbers.add(number)


@pytest.mark.django_db
def test_calls_go_round_the_pool_and_stop_at_the_caps(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    Campaign.objects.update(max_concurrent=20)
    use_pool(campaign, BOSTON=2, DENVER=1)
    for _ in range(5):
        enrol(campaign)
    assert [dial_next(now) is not None for _ in range(5)] == [True, True, True, False, False]
    seen = [line.from_ for line in exchange.calls]
    assert (seen.count(BOSTON), seen.count(DENVER)) == (2, 1)
    campaign.refresh_from_db()
    assert campaign.held_reason == "number_cap"
    waiting = Enrolment.objects.filter(state=Enrolment.State.WAITING)
    assert waiting.count() == 2
    assert ["number_cap"] in waiting.values_list("blocked_reasons", flat=True)
    tomorrow = now + timedelta(days=1)
    assert campaign.held_until < tomorrow
    assert dial_next(tomorrow) is not None


@pytest.mark.django_db
def test_a_call_that_the_carrier_refused_does_not_count(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    use_pool(campaign, AUSTIN=1)
    enrol(campaign, phone="+15005550001")
    dial_next(now)
    assert CallerNumber.objects.get(number=AUSTIN).used == 0
    enrol(campaign)
    assert dial_next(now) is not None


@pytest.mark.django_db
def test_a_lead_that_was_called_from_another_town_hears_from_there_again(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    use_pool(campaign, AUSTIN=None, BOSTON=None)
    enrolment = enrol(campaign)
    first_call = dial_next(now)
    assert first_call is not None
    Call.objects.update(from_number=BOSTON, state="no_answer", ended_at=now)
    Enrolment.objects.filter(pk=enrolment.pk).update(state="waiting", due_at=now)
    again = dial_next(now + timedelta(hours=1))
    assert again is not None
    assert again.from_number == BOSTON


@pytest.mark.django_db
def test_a_campaign_without_an_active_number_dials_nobody_and_says_so(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    CallerNumber.objects.update(active=False)
    assert dial_next(now) is None
    campaign.refresh_from_db()
    assert campaign.held_reason == "no_number"


@pytest.mark.django_db
def test_the_count_begins_anew_with_the_account_s_day(
    campaign: Campaign, now: datetime, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"account_time_zone": "America/Chicago"})
    use_pool(campaign, AUSTIN=1)

    def take(at: datetime) -> str:
        return caller_number_take(
            campaign=campaign, lead_number="+15125559876", lead_states=(), now=at
        )

    assert take(now) == AUSTIN
    with pytest.raises(NoCallerNumber, match="number_cap"):
        take(now + timedelta(hours=11, minutes=59))
    assert take(now + timedelta(hours=12)) == AUSTIN  # midnight in Chicago


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL's row locks")
@pytest.mark.django_db(transaction=True)
def test_campaigns_that_race_for_one_number_keep_to_its_cap(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    campaigns = [campaign, *(CampaignFactory(running=True, playbook=campaign.playbook)
                             for _ in range(3))]  # fmt: skip
    Campaign.objects.update(max_concurrent=20)
    CallerNumber.objects.update(daily_cap=7)
    for one in campaigns:
        for _ in range(4):
            enrol(one)
    at_once(6, lambda _n: [dial_next(now) for _ in range(4)])
    while dial_next(now):
        pass
    assert len(exchange.calls) == 7
    assert CallerNumber.objects.get().used == 7
