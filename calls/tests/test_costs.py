"""What calls cost, by everything, and always to the cent: figures, drill-down, forecast, export."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from billing.export import charge_rows
from billing.models import Charge
from billing.policy.forecast import look_back, runs_out_at
from billing.policy.limits import period_end
from billing.services import daily_spend_add
from billing.spend import day_begins
from billing.tables import cell, table_write
from calls.admin import costs as page
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


def taken(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def week(**more: Any) -> Span:
    today = timezone.now().date()
    return Span(today - timedelta(days=7), today, **more)


def test_it_tells_the_cost_of_a_call_a_minute_a_lead_and_an_appointment() -> None:
    spend("0.08", seconds=120, outcome=Outcome.APPOINTMENT)
    spend("0.04", seconds=60, outcome=Outcome.QUALIFIED, voice_tier="premium")
    spend("0.02", seconds=60)
    factories.CallFactory(unanswered=True)
    found = costs(week())
    total = found.total
    assert (total.amount, total.bought.answered, total.bought.minutes) == (Decimal("0.14"), 3, 4)
    assert total.per_call == Decimal("0.046667")
    assert total.per_minute == Decimal("0.035")
    assert total.per_qualified == Decimal("0.07")
    assert total.per_appointment == Decimal("0.14")
    premium = next(part for part in found.tiers if part.key == "premium")
    assert (premium.per_call, premium.per_qualified) == (Decimal("0.04"), Decimal("0.04"))
    assert premium.per_appointment is None


def test_a_lead_that_two_campaigns_qualified_is_one_lead() -> None:
    lead = factories.LeadFactory()
    for _ in range(2):
        spend("0.05", outcome=Outcome.QUALIFIED, lead=lead)
    found = costs(week())
    assert found.total.per_qualified == Decimal("0.1")
    assert [part.per_qualified for part in found.campaigns] == [Decimal("0.05")] * 2


def test_without_calls_there_is_no_cost_per_call() -> None:
    total = costs(week()).total
    assert (total.amount, total.per_call, total.per_appointment) == (0, None, None)


def test_the_parts_sum_up_to_the_whole_however_it_is_cut() -> None:
    for n in range(1, 8):
        row = spend(f"0.00{n}333", voice_tier="premium" if n % 2 else "local").call
        charge(row, f"0.1{n}7", component="tts", at=timezone.now() - timedelta(days=n % 3))
    factories.ChargeFactory(call=None, amount=Decimal("1.000001"))
    found = costs(week())
    total = sum((row.amount for row in Charge.objects.all()), Decimal(0))
    assert found.total.amount == total
    for parts in (found.components, found.campaigns, found.tiers):
        assert sum(part.amount for part in parts) == total
    for lines in (found.component_days, found.campaign_days):
        assert sum(sum(line) for line in lines.values()) == total
        assert {len(line) for line in lines.values()} == {len(found.days)}


def test_a_campaign_is_looked_at_alone() -> None:
    row = spend("0.5")
    spend("0.7")
    assert costs(week(campaign_id=row.campaign_id)).total.amount == Decimal("0.5")


def test_a_voice_is_looked_at_alone() -> None:
    spend("0.5", voice_tier="premium")
    spend("0.7")
    found = costs(week(tier="premium"))
    assert (found.total.amount, found.total.per_call) == (Decimal("0.5"), Decimal("0.5"))
    assert [part.key for part in found.tiers] == ["premium"]


def listed(manager: Client, link: str) -> Decimal:
    """Return what the charges at an address sum up to, which the page says too."""
    shown = manager.get(link).context["cl"]
    rows = list(shown.queryset)
    total = sum((row.amount for row in rows), Decimal(0))
    assert (shown.paginator.total, shown.paginator.count) == (total, len(rows)), link
    return total


@pytest.mark.parametrize("added", [False, True], ids=["charge by charge", "from the days' sums"])
@pytest.mark.parametrize(
    ("zone", "account"),
    [
        ("UTC", "UTC"),
        ("Pacific/Kiritimati", "America/Chicago"),
        ("Asia/Kathmandu", "America/St_Johns"),
    ],
)
def test_every_figure_leads_to_its_charges(
    manager: Client, settings: Any, zone: str, account: str, added: bool
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"account_time_zone": account})
    manager.cookies["viewer_zone"] = zone
    now = timezone.now()
    first = spend("0.08", voice_tier="premium")
    charge(first.call, "0.05", component="tts", at=now - timedelta(days=2, hours=7))
    midnight = day_begins(now.astimezone(ZoneInfo(account)).date())
    charge(first.call, "0.000001", at=midnight)
    charge(spend("0.2").call, "0.3", at=midnight - timedelta(milliseconds=1))
    factories.ChargeFactory(call=None, amount=Decimal("0.5"))
    if added:
        # What comes later is not in the sums.
        assert daily_spend_add() > 0
        spend("0.07", voice_tier="premium")
    answer = manager.get(reverse("costs"))
    found = answer.context["costs"]
    assert found.total.amount == sum(row.amount for row in Charge.objects.all())
    for parts in ("components", "campaigns", "tiers"):
        for part, link in answer.context[parts]:
            assert listed(manager, link) == part.amount, (part, link)
    for day, amount, link in answer.context["days"]:
        assert listed(manager, link) == amount, day
    assert listed(manager, answer.context["all_charges"]) == found.total.amount
    calls = manager.get(answer.context["all_calls"]["answered"]).context["cl"].queryset
    assert calls.count() == found.total.bought.answered


def test_a_list_that_is_no_whole_days_is_added_up_all_the_same(manager: Client) -> None:
    spend("0.1")
    spend("0.2", component="tts")
    ledger = reverse("admin:billing_charge_changelist")
    assert listed(manager, ledger) == Decimal("0.3")
    for query in (
        "is_estimate__exact=1",
        "provider=twilio",
        "at_from_0=2026-01-01&at_from_1=07:31:00",
    ):
        assert listed(manager, f"{ledger}?{query}") == Decimal("0.3")


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
        assert answer.context["costs"].total.amount == Decimal("0.1")
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
    text = taken(answer).decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(line["campaign"], line["amount_usd"]) for line in table] == [
        ("'=HYPERLINK(1)", "0.080000")
    ]
    assert row.call.lead.last_name not in text
    assert "Exported 1 charges" in AuditEntry.objects.get(action="export").text
    assert manager.get(reverse("costs-export")).status_code == 405


def test_the_figures_are_exported_as_they_are_shown(manager: Client) -> None:
    spend("0.08", seconds=120, outcome=Outcome.APPOINTMENT)
    charge(spend("0.02").call, "0.01", component="tts")
    answer = manager.post(reverse("costs-export"), {"what": "figures-csv"})
    table = list(csv.DictReader(io.StringIO(taken(answer).decode("utf-8-sig"))))
    amounts: dict[str, Decimal] = {}
    for line in table:
        amounts[line["by"]] = amounts.get(line["by"], Decimal(0)) + Decimal(line["amount_usd"])
    assert set(amounts) == {"all", "component", "campaign", "voice", "day"}
    assert set(amounts.values()) == {Decimal("0.11")}
    assert table[0]["per_appointment_usd"] == "0.110000"


def test_the_export_sums_up_to_the_page() -> None:
    for n in range(5):
        spend(f"0.0{n}7")
    file = io.BytesIO()
    assert table_write(charge_rows(Charge.objects.all()), file, "csv") == 5
    table = csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig")))
    total = sum((Decimal(line["amount_usd"]) for line in table), Decimal(0))
    assert total == costs(week()).total.amount


def test_a_workbook_holds_numbers_and_moments_and_no_formula(manager: Client) -> None:
    row = spend("0.080001")
    campaign = row.campaign
    assert campaign is not None
    campaign.name = "=HYPERLINK(1)\x01"
    campaign.save()
    answer = manager.post(reverse("costs-export"), {"what": "charges-xlsx"})
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert answer["Content-Disposition"].endswith('.xlsx"')
    header, line = load_workbook(io.BytesIO(taken(answer))).active.iter_rows()
    values = {name.value: place for name, place in zip(header, line, strict=True)}
    assert (values["amount_usd"].value, values["amount_usd"].data_type) == (0.080001, "n")
    assert (values["campaign"].value, values["campaign"].data_type) == ("'=HYPERLINK(1)", "s")
    assert values["at_utc"].value == row.at.replace(tzinfo=None, microsecond=0)
    assert values["call"].value == str(row.call_id)


def test_the_figures_are_a_workbook_too_and_kept_on_record(manager: Client) -> None:
    spend("0.08", seconds=120, outcome=Outcome.APPOINTMENT)
    answer = manager.post(reverse("costs-export"), {"what": "figures-xlsx"})
    rows = list(load_workbook(io.BytesIO(taken(answer))).active.iter_rows(values_only=True))
    assert rows[1][:6] == ("all", None, 0.08, 1, 1, 2)
    assert rows[-1][:3] == ("day", datetime.combine(timezone.now().date(), time()), 0.08)
    assert "Exported 5 rows of costs" in AuditEntry.objects.get(action="export").text


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_that_would_be_too_long_is_refused_in_words(
    manager: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spend("0.1")
    spend("0.2")
    monkeypatch.setitem(page.MOST_EXPORTED, kind, 1)
    answer = manager.post(reverse("costs-export"), {"what": f"charges-{kind}"}, follow=True)
    assert "more than 1 charges" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="export").exists()


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
    assert hours == pytest.approx(float(Decimal("0.1") / row.per_hour), rel=0.01)
    assert Decimal("0.9") / 8 / 24 < row.per_hour <= Decimal("0.9") / 7 / 24
    text = unescape(manager.get(reverse("costs")).content.decode())
    assert re.search(r"it is used up on \w{3} \d+ \w{3} at \d\d:\d\d, in about \d+ hours", text)
