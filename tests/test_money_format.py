"""Money is written as the account writes it, everywhere, and to the same cent."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from billing.formats import exact_usd, usd, whole_usd
from billing.policy.money_format import money_format
from reauto_site.settings.env import read_environment
from tests import factories

EXAMPLES = ("$1,234.56", "1.234,56 US$", "US$\u00a01 234,56", "1'234.56", "USD 1234.56")


@given(
    example=st.sampled_from(EXAMPLES),
    cents=st.integers(-(10**12), 10**12),
)
def test_an_amount_can_be_read_back_however_it_is_written(example: str, cents: int) -> None:
    form = money_format(example)
    text = form.write(Decimal(cents) / 100, places=2)
    assert form.before.strip() in text
    assert text.endswith(form.after)
    digits = re.sub(r"\D", "", text)
    assert int(digits) == abs(cents)
    assert text.startswith("-") == (cents < 0)


def test_the_example_is_written_as_it_stands() -> None:
    for example in EXAMPLES:
        assert money_format(example).write(Decimal("1234.56"), places=2) == example


@pytest.mark.parametrize(
    "example", ["", "$1234", "$1,234,56", "$1.234.56", "12.34 $", "-$1,234.56"]
)
def test_anything_else_is_refused_by_its_name(example: str) -> None:
    with pytest.raises(ValueError, match=r"1234\.56"):
        money_format(example)
    if example:
        with pytest.raises(ImproperlyConfigured, match="ACCOUNT_MONEY_FORMAT"):
            read_environment({"ACCOUNT_MONEY_FORMAT": example})


def test_small_amounts_have_four_places_and_prices_all(settings: Any) -> None:
    assert [usd(Decimal(text)) for text in ("0.0832", "0.5", "-3.14159", "1250")] == [
        "$0.0832",
        "$0.50",
        "-$3.1416",
        "$1,250.00",
    ]
    assert (exact_usd(Decimal("0.00850")), whole_usd(450_000)) == ("$0.0085", "$450,000")
    settings.ENV = settings.ENV.model_copy(update={"account_money_format": "1.234,56 $"})
    assert (usd(Decimal("0.0832")), usd(1250)) == ("0,0832 $", "1.250,00 $")
    assert (exact_usd(Decimal("0.00850")), whole_usd(450_000)) == ("0,0085 $", "450.000 $")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    ["costs", "costs-promise", "admin:index", "admin:billing_charge_changelist",
     "admin:billing_price_changelist", "admin:billing_budget_changelist",
     "admin:billing_reservation_changelist", "admin:billing_reconciliation_changelist",
     "admin:calls_call_changelist", "admin:calls_campaign_changelist"],
)  # fmt: skip
def test_no_page_writes_money_in_another_way(client: Client, settings: Any, page: str) -> None:
    settings.ENV = settings.ENV.model_copy(update={"account_money_format": "1.234,56 $"})
    client.force_login(factories.ManagerFactory())
    call = factories.CallFactory(ended=True, cost=Decimal("0.0832"))
    factories.ChargeFactory(call=call)
    factories.ReconciliationFactory(call=call)
    factories.ReservationFactory(call=call)
    factories.BudgetPeriodFactory(spent=Decimal("1.5"))
    text = re.sub(
        r"<script.*?</script>", "", client.get(reverse(page)).content.decode(), flags=re.S
    )
    assert re.search(r"\d,\d{2,} \$", text), "the page shows an amount"
    assert re.findall(r"\$\d", text) == []
