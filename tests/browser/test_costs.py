"""The page of costs: charts drawn from the ledger, by day and by night, on a phone."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import Price
from billing.services import prices_seed
from tests import factories
from tests.browser.conftest import dark
from tests.browser.legible import PALE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DRAWN = """(id) => {
  const chart = window.Chart.getChart(id);
  return [chart.data.labels.length, chart.data.datasets.map((set) => set.label)];
}"""


LAST_BAR = """(id) => {
  const chart = window.Chart.getChart(id);
  chart.canvas.scrollIntoView({ block: 'center' });
  const bar = chart.getDatasetMeta(0).data.at(-1).getCenterPoint();
  const place = chart.canvas.getBoundingClientRect();
  return [place.left + bar.x, place.top + bar.y];
}"""


@pytest.fixture
def _spent() -> None:
    # The price list of a fresh database is emptied with all tables after such a test.
    prices_seed()
    for days in range(6):
        at = timezone.now() - timedelta(days=days)
        call = factories.CallFactory(ended=True, voice_tier="premium" if days % 2 else "local")
        factories.ChargeFactory(call=call, at=at)
        factories.ChargeFactory(
            call=call,
            price=factories.PriceFactory(component="media_stream"),
            amount=Decimal("0.016"),
            at=at,
        )
    factories.BudgetPeriodFactory(spent=Decimal(4), reserved=Decimal(1))
    factories.ReconciliationFactory(actual=Decimal("0.08"))


@pytest.mark.usefixtures("_spent")
@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_costs_can_be_read_and_fit_a_phone(page: Page, night: bool) -> None:
    if night:
        dark(page)
    page.goto(reverse("costs"))
    expect(page.locator("html.dark")).to_have_count(1 if night else 0)
    expect(page.get_by_role("img", name="Spend per day by component")).to_be_visible()
    assert page.evaluate(DRAWN, "chart-component") == [
        6,
        ["Telephony, outbound", "Media stream"],
    ]
    assert page.evaluate(PALE) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.usefixtures("_spent")
def test_a_figure_leads_to_its_charges(page: Page) -> None:
    page.goto(reverse("costs"))
    row = page.get_by_role("row", name="Media stream")
    amount = row.get_by_role("link").inner_text()
    row.get_by_role("link").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(6)
    expect(page.locator(".ledger-total b")).to_have_text(amount)


@pytest.mark.usefixtures("_spent")
def test_a_bar_leads_to_its_charges(page: Page) -> None:
    page.goto(reverse("costs"))
    spot = page.evaluate(LAST_BAR, "chart-component")
    page.mouse.click(*spot)
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


@pytest.mark.usefixtures("_spent")
@pytest.mark.parametrize("name", ["costs-what-if", "costs-variance"])
def test_the_other_pages_of_money_can_be_read_and_fit_a_phone(page: Page, name: str) -> None:
    page.goto(reverse(name))
    assert page.evaluate(PALE) == []
    expect(page.locator(".sub-pages [aria-current]")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_live_call_counts_down_to_its_next_minute(page: Page) -> None:
    prices_seed()
    factories.CallFactory(live=True, began=timezone.now() - timedelta(seconds=20))
    page.goto(reverse("admin:calls_live"))
    line = page.locator(".next-minute")
    expect(line).to_contain_text("The next minute adds $0.018")
    expect(line.locator("b")).to_have_text(re.compile(r"0:[0-5]\d"))


@pytest.mark.usefixtures("_spent")
def test_the_charges_are_downloaded(page: Page) -> None:
    page.goto(reverse("costs"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Export charges").click()
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.usefixtures("_spent")
@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_the_promise_can_be_read_and_fits_a_phone(page: Page, night: bool) -> None:
    if night:
        dark(page)
    page.goto(reverse("costs"))
    page.get_by_role("link", name="The promise per call").click()
    expect(page.get_by_role("heading", name="The promise holds")).to_be_visible()
    assert page.evaluate(PALE) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_a_price_is_changed_from_its_page(page: Page, night: bool) -> None:
    if night:
        dark(page)
    prices_seed()
    page.goto(
        reverse(
            "admin:billing_price_change",
            args=(Price.objects.get(component="telephony_out", region="US").pk,),
        )
    )
    assert page.evaluate(PALE) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Change this price").click()
    page.locator("#id_unit_price").fill("0.0151")
    page.locator("#id_source").fill("the console")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("$0.0151 / minute")
    expect(page.locator("#result_list")).to_contain_text("$0.014 / minute")
