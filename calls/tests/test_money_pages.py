"""The pages beside the costs: what another voice would have cost, bills, budgets; and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.models import BudgetPeriod, Price
from billing.services import daily_spend_add
from calls.admin import what_if as page
from calls.models import Outcome
from tests import factories

pytestmark = pytest.mark.django_db

PAGES = ("costs", "costs-what-if", "costs-promise", "costs-variance")


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory())
    return client


def talked(text: str = "Hello there, this is Ava.", **call: Any) -> Any:
    """Make a settled call with the local voice, the line of which was 0.056."""
    row = factories.CallFactory(ended=True, outcome=Outcome.QUALIFIED, **call)
    charge = factories.ChargeFactory(call=row)
    type(row).objects.filter(pk=row.pk).update(cost=charge.amount)
    factories.TurnFactory(call=row, speaker="agent", text=text)
    return row


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_money_are_for_those_who_may_see_charges(client: Client, name: str) -> None:
    client.force_login(factories.UserFactory())
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", PAGES)
def test_pages_lead_to_each_other(manager: Client, name: str) -> None:
    text = manager.get(reverse(name)).content.decode()
    assert all(reverse(other) in text for other in PAGES)
    assert text.count('aria-current="page"') == 1


def many(what: Callable[[], Any], manager: Client, address: str) -> tuple[int, int]:
    """Return the queries of a page before and after there is more of something."""
    counts = []
    for more in (1, 5):
        for _ in range(more):
            what()
        manager.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert manager.get(address).status_code == 200
        counts.append(len(queries))
    return counts[0], counts[1]


def call_with_bill() -> None:
    factories.ReconciliationFactory(call=talked(), actual=Decimal("0.08"))


@pytest.mark.parametrize("name", ["costs", "costs-what-if", "costs-variance"])
def test_pages_ask_the_database_as_often_for_many_calls(manager: Client, name: str) -> None:
    before, after = many(call_with_bill, manager, reverse(name))
    assert before == after


def test_budgets_are_listed_and_forecast_in_constant_queries(manager: Client) -> None:
    def budget() -> None:
        for period in ("day", "month"):
            row = factories.BudgetFactory(period=period)
            factories.BudgetPeriodFactory(budget=row, spent=Decimal(1))

    for address in (reverse("costs"), reverse("admin:billing_budget_changelist")):
        before, after = many(budget, manager, address)
        assert before == after


def test_premium_for_all_costs_more_by_what_the_voice_charges(manager: Client) -> None:
    talked("a" * 1000)
    answer = manager.get(reverse("costs-what-if"), {"policy": "premium"})
    result = answer.context["result"]
    assert (result.was, result.premium_calls) == (Decimal("0.056"), 1)
    assert result.difference == answer.context["found"].premium.unit_price
    shown = {name: row.difference for name, row, _ in answer.context["rows"]}
    assert shown["Local only"] == 0
    assert [row.result.more for row in answer.context["differences"]] == [result.difference]


def test_a_score_decides_who_would_have_heard_the_premium_voice(manager: Client) -> None:
    for score in (40, 80):
        row = talked()
        earlier = factories.LeadScoreFactory(lead=row.lead, call=None, value=score)
        type(earlier).objects.filter(pk=earlier.pk).update(
            created_at=row.created_at - timedelta(days=1)
        )
    for least, heard in ((30, 2), (60, 1), (90, 0)):
        answer = manager.get(reverse("costs-what-if"), {"policy": "by_score", "score": least})
        assert answer.context["result"].premium_calls == heard


def test_only_the_newest_calls_are_priced_again_and_it_says_so(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        talked()
    monkeypatch.setattr(page, "MOST", 2)
    answer = manager.get(reverse("costs-what-if"))
    assert answer.context["result"].calls == 2
    assert "the newest of the 3 of these days, 67 %" in answer.content.decode()


def test_a_missing_price_is_named_instead_of_a_figure(manager: Client) -> None:
    talked()
    Price.objects.filter(provider="elevenlabs").delete()
    assert "elevenlabs" in manager.get(reverse("costs-what-if")).content.decode()


def test_bills_are_put_beside_estimates_and_lead_to_their_calls(manager: Client) -> None:
    off = factories.ReconciliationFactory(call=talked(), actual=Decimal("0.112"))
    factories.ReconciliationFactory(call=talked())
    answer = manager.get(reverse("costs-variance"))
    text = unescape(answer.content.decode())
    [(row, _, bills)] = answer.context["rows"]
    assert (row.calls, row.difference) == (2, Decimal("0.056"))
    assert "+50.0 %" in text
    assert [each.pk for each in answer.context["calls"]] == [off.pk]
    assert reverse("admin:calls_call_change", args=(off.call_id,)) in text
    assert manager.get(bills).context["cl"].queryset.count() == row.calls


def test_a_budget_shows_what_is_spent_promised_and_free(manager: Client) -> None:
    budget = factories.BudgetFactory(limit=Decimal(10), period="day")
    factories.BudgetPeriodFactory(budget=budget, spent=Decimal(4), reserved=Decimal("1.5"))
    label = "$4.00 spent, $1.50 promised, $4.50 free"
    for address in (
        reverse("admin:billing_budget_changelist"),
        reverse("admin:billing_budget_change", args=(budget.pk,)),
        reverse("admin:index"),
        reverse("costs"),
    ):
        assert label in manager.get(address).content.decode(), address


def test_a_budgets_page_asks_as_often_for_a_year_of_days_as_for_one(manager: Client) -> None:
    budget = factories.BudgetFactory(period="day")
    address = reverse("admin:billing_budget_change", args=(budget.pk,))
    days = iter(range(1, 100))

    def a_day() -> None:
        day = timezone.localdate() - timedelta(days=next(days))
        BudgetPeriod.objects.create(budget=budget, starts_on=day)

    few, more = many(a_day, manager, address)
    assert few == more


def test_the_ledger_is_searched_by_key_and_by_campaign(manager: Client) -> None:
    one, other = talked(campaign=factories.CampaignFactory(name="Lakeside")), talked()
    daily_spend_add()
    address = reverse("admin:billing_charge_changelist")

    def found(words: str) -> set[Any]:
        rows = manager.get(address, {"q": words}).context["cl"].queryset
        return {row.call for row in rows}

    assert found("lakes") == {one}
    assert found(other.charges.get().key) == {other}
    assert found("nothing") == set()
