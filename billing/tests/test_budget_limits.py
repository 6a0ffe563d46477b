"""Budgets per qualified lead, limits that change, and days that are not 24 hours long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Budget, QualifiedLead, Reservation
from billing.policy.limits import (
    allowance,
    percent_used,
    period_end,
    period_start,
    thresholds_reached,
)
from billing.services import (
    BudgetExhausted,
    budget_reserve,
    qualified_lead_record,
    reservation_extend,
    reservation_settle,
)
from tests.factories import BudgetFactory, Call, CallFactory, ChargeFactory

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
CENT = Decimal("0.01")


def reserve(call: Call, amount: Decimal, now: datetime = NOW) -> Reservation:
    return budget_reserve(
        call_id=call.pk,
        campaign_id=call.campaign_id,
        amount=amount,
        now=now,
        expires_at=now + timedelta(minutes=15),
    )


def spend(amount: Decimal, *, qualifies: bool = False, call: Call | None = None) -> Call:
    """Make a call that costs an amount from promise to settlement."""
    call = call or CallFactory(live=True)
    reserve(call, amount)
    ChargeFactory(call=call, amount=amount, at=NOW)
    if qualifies:
        qualified_lead_record(call_id=call.pk, lead_id=call.lead_id, now=NOW)
    reservation_settle(call_id=call.pk, now=NOW)
    return call


def per_lead(limit: str, minimum: str, **fields: object) -> Budget:
    made: Budget = BudgetFactory(
        measure=Budget.Measure.PER_QUALIFIED_LEAD,
        limit=Decimal(limit),
        minimum_spend=Decimal(minimum),
        **fields,
    )
    return made


def refused(amount: Decimal) -> bool:
    try:
        with transaction.atomic():
            reserve(CallFactory(live=True), amount)
    except BudgetExhausted:
        return True
    return False


@pytest.mark.django_db
def test_calls_without_a_qualified_lead_may_cost_the_minimum_spend():
    per_lead("0.50", "1.00")
    for _ in range(4):
        spend(Decimal("0.25"))
    assert refused(CENT)


@pytest.mark.django_db
def test_every_qualified_lead_earns_the_next_calls():
    per_lead("0.50", "1.00")
    for number in range(4):
        spend(Decimal("0.25"), qualifies=number < 3)
    # Three leads at 0.50 are 1.50, of which 1.00 is spent.
    spend(Decimal("0.49"))
    spend(CENT)
    assert refused(CENT)


@pytest.mark.django_db
def test_a_lead_counts_once_a_period_however_often_it_qualifies():
    per_lead("0.50", "0.10")
    first = spend(CENT, qualifies=True)
    spend(CENT, qualifies=True, call=CallFactory(ended=True, lead=first.lead))
    assert qualified_lead_record(call_id=first.pk, lead_id=first.lead_id, now=NOW) == 0
    assert QualifiedLead.objects.count() == 1


@pytest.mark.django_db
def test_only_budgets_per_lead_count_leads():
    BudgetFactory()
    spend(CENT, qualifies=True)
    assert not QualifiedLead.objects.exists()


@pytest.mark.django_db
def test_a_call_on_the_line_is_not_ended_for_the_average_s_sake():
    budget = per_lead("0.50", "0.20")
    call = CallFactory(live=True)
    reserve(call, Decimal("0.10"))
    pressure = reservation_extend(call_id=call.pk, amount_total=Decimal("0.30"), now=NOW)
    assert pressure == "soft"
    assert budget.periods.get().reserved == Decimal("0.30")
    assert refused(CENT)


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"minimum_spend": 0}, {"period": "call"}])
def test_a_budget_per_lead_that_could_never_begin_is_refused(fields):
    values = {"measure": "per_qualified_lead", "minimum_spend": 1, "period": "day"} | fields
    budget = Budget(name="Impossible", limit=1, **values)
    with pytest.raises(ValidationError, match="minimum spend"):
        budget.full_clean()


@settings(max_examples=30, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=12),
    limit=st.integers(1, 50),
    minimum=st.integers(1, 100),
)
@pytest.mark.django_db
def test_past_the_minimum_the_average_never_exceeds_the_limit(calls, limit, minimum):
    with transaction.atomic():
        budget = per_lead(str(limit * CENT), str(minimum * CENT))
        for cents, qualifies in calls:
            try:
                with transaction.atomic():
                    spend(cents * CENT, qualifies=qualifies)
            except BudgetExhausted:
                continue
            spent = budget.periods.get().spent
            leads = QualifiedLead.objects.count()
            assert spent <= max(minimum * CENT, limit * CENT * leads)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_raised_limit_lets_calls_through_at_once():
    budget = BudgetFactory(limit="0.10")
    spend(Decimal("0.10"))
    assert refused(CENT)
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal("0.11"))
    assert not refused(CENT)


@pytest.mark.django_db
def test_a_lowered_limit_stops_growth_but_keeps_what_was_promised():
    budget = BudgetFactory(limit="1.00")
    call = CallFactory(live=True)
    reserve(call, Decimal("0.50"))
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal("0.40"))
    assert refused(CENT)
    assert reservation_extend(call_id=call.pk, amount_total=Decimal("0.50"), now=NOW) == "soft"
    assert reservation_extend(call_id=call.pk, amount_total=Decimal("0.51"), now=NOW) == "hard"
    assert budget.periods.get().reserved == Decimal("0.50")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"period": "week"},
        {"time_zone": "Asia/Tokyo"},
        {"minimum_spend": 1, "measure": "per_qualified_lead"},
    ],
)
def test_a_budget_that_has_counted_keeps_its_periods(change):
    budget = BudgetFactory()
    budget.full_clean()
    spend(CENT)
    for field, value in change.items():
        setattr(budget, field, value)
    with pytest.raises(ValidationError, match="make another budget"):
        budget.full_clean()


@pytest.mark.django_db
def test_limit_and_name_of_a_budget_may_change_at_any_time():
    budget = BudgetFactory()
    spend(CENT)
    budget.limit, budget.name = Decimal(3), "Another name"
    budget.full_clean()


@pytest.mark.parametrize("text", ["ana@example.com, ben", "not an address"])
def test_addresses_are_checked(text):
    with pytest.raises(ValidationError, match="no e-mail address"):
        Budget(name="x", period="day", limit=1, notify=text).clean_fields()


def test_addresses_are_parted_by_commas_and_lines():
    budget = Budget(notify="ana@example.com, ben@example.com\ncy@example.com;")
    assert budget.notify_addresses == ["ana@example.com", "ben@example.com", "cy@example.com"]


def test_a_time_zone_is_checked():
    with pytest.raises(ValidationError, match="no time zone"):
        Budget(name="x", period="day", limit=1, time_zone="Texas").clean_fields()


@pytest.mark.parametrize(
    ("time_zone", "day", "hours"),
    [
        ("America/Chicago", date(2026, 3, 8), 23),
        ("America/Chicago", date(2026, 11, 1), 25),
        ("America/Chicago", date(2026, 11, 2), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        # Clocks go from 23:59:59 to 1:00: this day has no midnight.
        ("America/Santiago", date(2026, 9, 6), 23),
        ("Asia/Kathmandu", date(2026, 6, 1), 24),
    ],
)
def test_a_day_is_as_long_as_it_is_where_the_budget_lives(time_zone, day, hours):
    zone = ZoneInfo(time_zone)
    before = period_end("day", starts_on=day - timedelta(days=1), time_zone=time_zone)
    end = period_end("day", starts_on=day, time_zone=time_zone)
    assert before is not None
    assert end is not None
    assert (end.astimezone(UTC) - before.astimezone(UTC)) == timedelta(hours=hours)
    last = end.astimezone(UTC) - timedelta(seconds=1)
    assert period_start("day", now=last, time_zone=time_zone) == day
    assert period_start("day", now=end, time_zone=time_zone) == end.astimezone(zone).date()


@given(
    period=st.sampled_from(["day", "week", "month"]),
    now=st.datetimes(
        min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2028, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    time_zone=st.sampled_from(
        ["UTC", "America/Chicago", "Europe/London", "Asia/Kolkata", "America/Santiago",
         "Australia/Lord_Howe", "Pacific/Kiritimati"]
    ),
)  # fmt: skip
def test_periods_follow_each_other_without_gap_or_overlap(period, now, time_zone):
    start = period_start(period, now=now, time_zone=time_zone)
    end = period_end(period, starts_on=start, time_zone=time_zone)
    assert end is not None
    assert now < end
    last = end.astimezone(UTC) - timedelta(microseconds=1)
    assert period_start(period, now=last, time_zone=time_zone) == start
    assert period_start(period, now=end.astimezone(UTC), time_zone=time_zone) > start


def test_a_life_does_not_end():
    assert period_end("total", starts_on=date(2000, 1, 1), time_zone="UTC") is None


@given(cents=st.integers(0, 1000), limit=st.integers(1, 1000))
def test_a_threshold_is_reached_exactly_when_its_share_is_used(cents, limit):
    percent = percent_used(committed=cents * CENT, limit=limit * CENT)
    for threshold in (50, 80, 95, 100):
        assert (threshold in thresholds_reached(percent)) == (cents * 100 >= limit * threshold)


def test_nothing_of_a_limit_of_nothing_is_all_of_it():
    assert percent_used(committed=Decimal(0), limit=Decimal(0)) == 100


def test_the_minimum_holds_until_leads_earn_more():
    spans = [allowance(per_lead=Decimal(2), minimum=Decimal(5), qualified=n) for n in range(4)]
    assert spans == [5, 5, 5, 6]
