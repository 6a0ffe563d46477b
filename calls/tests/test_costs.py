"""What calls cost, by everything, and always to the cent: figures, drill-down, forecast, export."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.export import cell, charges_csv
from billing.models import Charge
from billing.policy.forecast import look_back, runs_out_at
from billing.policy.limits import period_end
from calls.desk.costs import Span, costs
from calls.desk.forecast import forecasts
from calls.models import Outcome
from leads.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory())
    return client


def spend(amount: str, *, component: str = "telephony_out", **call: Any) -> Charge:
    row = factories.CallFactory(**({"ended": True, "outcome": Outcome.INCOMPLETE} | call))
    return charge(row, amount, component=component)


def charge(call: Any, amount: str, *, component: str = "telephony_out", at: Any = None) -> Charge:
    made: Charge = factories.ChargeFactory(
        call=call,
        price=factories.PriceFactory(component=component),
        amount=Decimal(amount),
        at=at or timezone.now(),
    )
    return made


def week() -> Span:
    now = timezone.now()
    return Span(now - timedelta(days=7), now + timedelta(days=1))


def test_it_tells_the_cost_of_a_call_a_minute_a_lead_and_an_appointment() -> None:
    spend("0.08", seconds=120, outcome=Outcome.APPOINTMENT)
    spend("0.04", seconds=60, outcome=Outcome.QUALIFIED)
    spend("0.02", seconds=60)
    factories.CallFactory(unanswered=True)
    summary = costs(week()).summary
    assert (summary.spent, summary.calls, summary.minutes) == (Decimal("0.14"), 3, 4)
    assert summary.per_call == Decimal("0.046667")
    assert summary.per_minute == Decimal("0.035")
    assert summary.per_qualified == Decimal("0.07")
    assert summary.per_appointment == Decimal("0.14")


def test_without_calls_there_is_no_cost_per_call() -> None:
    summary = costs(week()).summary
    assert (summary.spent, summary.per_call, summary.per_appointment) == (0, None, None)


def test_the_parts_sum_up_to_the_whole_however_it_is_cut() -> None:
    for n in range(1, 8):
        row = spend(f"0.00{n}333", voice_tier="premium" if n % 2 else "local").call
        charge(row, f"0.1{n}7", component="tts", at=timezone.now() - timedelta(days=n % 3))
    factories.ChargeFactory(call=None, amount=Decimal("1.000001"))
    found = costs(week())
    total = sum((row.amount for row in Charge.objects.all()), Decimal(0))
    assert found.summary.spent == total
    for parts in (found.components, found.campaigns, found.tiers):
        assert sum(part.amount for part in parts) == total
    for lines in (found.component_days, found.campaign_days):
        assert sum(sum(line) for line in lines.values()) == total
        assert {len(line) for line in lines.values()} == {len(found.days)}


def test_a_campaign_is_looked_at_alone() -> None:
    row = spend("0.5")
    spend("0.7")
    now = timezone.now()
    alone = Span(now - timedelta(days=1), now + timedelta(days=1), row.campaign_id)
    assert costs(alone).summary.spent == Decimal("0.5")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_every_figure_leads_to_its_charges(manager: Client, zone: str) -> None:
    manager.cookies["viewer_zone"] = zone
    first = spend("0.08", voice_tier="premium")
    charge(first.call, "0.05", component="tts")
    factories.ChargeFactory(call=None, amount=Decimal("0.5"))
    answer = manager.get(reverse("costs"))
    found = answer.context["costs"]
    assert found.summary.spent == Decimal("0.63")
    for parts in ("components", "campaigns", "tiers"):
        for part, link in answer.context[parts]:
            listed = manager.get(link).context["cl"].queryset
            assert sum(row.amount for row in listed) == part.amount, (part, link)
    listed = manager.get(answer.context["all_charges"]).context["cl"].queryset
    assert sum(row.amount for row in listed) == found.summary.spent


def test_the_page_costs_the_same_with_many_charges(manager: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert manager.get(reverse("costs")).status_code == 200
        return len(captured)

    spend("0.1")
    queries()
    before = queries()
    for _ in range(6):
        spend("0.1")
    assert queries() == before


def test_nonsense_in_the_address_shows_the_last_days(manager: Client) -> None:
    spend("0.1")
    for query in (
        {"since": "tomorrow"},
        {"since": "2026-12-01", "until": "2026-01-01"},
        {"since": "1900-01-01"},
        {"campaign": "none"},
    ):
        answer = manager.get(reverse("costs"), query)
        assert answer.context["costs"].summary.spent == Decimal("0.1")
        assert b'role="alert"' in answer.content


def test_costs_are_for_those_who_may_see_charges(client: Client) -> None:
    person = factories.UserFactory()
    client.force_login(person)
    assert client.get(reverse("costs")).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="view_charge"))
    page = client.get(reverse("costs"))
    assert page.status_code == 200
    assert b"Export charges" not in page.content
    assert client.post(reverse("costs-export")).status_code == 403


def test_the_export_holds_every_charge_and_is_kept_on_record(manager: Client) -> None:
    row = spend("0.08")
    campaign = row.campaign
    campaign.name = "=HYPERLINK(1)"
    campaign.save()
    answer = manager.post(reverse("costs-export"))
    assert answer["Content-Disposition"].startswith('attachment; filename="costs-')
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(line["campaign"], line["amount_usd"]) for line in table] == [
        ("'=HYPERLINK(1)", "0.080000")
    ]
    assert row.call.lead.last_name not in answer.content.decode()
    assert "Exported 1 charges" in AuditEntry.objects.get(action="export").text
    assert manager.get(reverse("costs-export")).status_code == 405


def test_the_export_sums_up_to_the_page() -> None:
    for n in range(5):
        spend(f"0.0{n}7")
    text, count = charges_csv(Charge.objects.all())
    table = csv.DictReader(io.StringIO(text))
    assert count == 5
    total = sum((Decimal(line["amount_usd"]) for line in table), Decimal(0))
    assert total == costs(week()).summary.spent


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert cell(f"a{text}") == f"a{text}"


def test_a_period_ends_where_the_next_begins() -> None:
    def end(period: str, day: date, zone: str = "UTC") -> Any:
        return period_end(period, starts_on=day, time_zone=zone)

    assert end("day", date(2026, 11, 1), "America/Chicago").astimezone(UTC).hour == 6
    assert end("week", date(2026, 11, 16)) == datetime(2026, 11, 23, tzinfo=UTC)
    assert end("month", date(2026, 12, 1)) == datetime(2027, 1, 1, tzinfo=UTC)
    assert end("total", date(2000, 1, 1)) is None


def test_a_rate_is_recent_and_never_of_one_minute() -> None:
    def back(period: str, day: date) -> timedelta:
        return look_back(period, starts_on=day, time_zone="UTC", now=NOW)

    assert back("day", date(2026, 11, 18)) == timedelta(hours=6)
    assert back("month", date(2026, 11, 1)) == timedelta(days=7)
    assert back("week", date(2026, 11, 16)) == timedelta(days=2, hours=18)
    early = look_back("day", starts_on=NOW.date(), time_zone="UTC",
                      now=datetime(2026, 11, 18, 0, 1, tzinfo=UTC))  # fmt: skip
    assert early == timedelta(hours=1)


def test_a_budget_ends_when_the_rate_says_so() -> None:
    def end(left: str, spent: str, ends: datetime | None = None) -> datetime | None:
        return runs_out_at(
            left=Decimal(left), spent=Decimal(spent), over=timedelta(hours=6), now=NOW, ends=ends
        )

    assert end("2", "6") == NOW + timedelta(hours=2)
    assert end("2", "6", NOW + timedelta(hours=1)) is None
    assert end("0", "6") == NOW
    assert end("2", "0") is None
    assert end("999999", "0.000001") is None


def test_the_page_tells_when_a_budget_ends(manager: Client) -> None:
    budget = factories.BudgetFactory(limit=Decimal(1), period="total")
    factories.BudgetPeriodFactory(budget=budget, starts_on=date(2000, 1, 1), spent=Decimal("0.9"))
    spend("0.9")
    row = forecasts(timezone.now())[0]
    assert row.ends_at is not None
    hours = (row.ends_at - timezone.now()) / timedelta(hours=1)
    assert hours == pytest.approx(7 * 24 / 9, rel=0.01)
    text = unescape(manager.get(reverse("costs")).content.decode())
    assert re.search(r"used up \w{3} \d+", text)
