"""A new price is a new row: what was charged keeps what it was computed from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from billing.models import Price
from billing.selectors import price_on
from billing.services import PriceChangeRefused, charge_record, price_change
from tests.factories import CallFactory, ChargeFactory, ManagerFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
TODAY = NOW.date()


def change(cost: str, day: date = TODAY, **other: Any) -> Price:
    values: dict[str, Any] = {
        "provider": "twilio",
        "component": "telephony_out",
        "region": "US",
        "source": "the console",
        "author": None,
        "now": NOW,
    }
    return price_change(unit_price=Decimal(cost), valid_from=day, **(values | other))


def holds(day: date) -> str:
    row = price_on(provider="twilio", component="telephony_out", region="US", model="*", day=day)
    return f"{row.unit_price.normalize():f}"


def test_the_old_row_ends_where_the_other_begins():
    old = price_on(provider="twilio", component="telephony_out", region="US", model="*", day=TODAY)
    author = ManagerFactory()
    new = change("0.015", date(2026, 12, 1), author=author)
    old.refresh_from_db()
    assert (old.unit_price, old.valid_to) == (Decimal("0.014"), date(2026, 12, 1))
    assert (new.unit, new.increment, new.valid_to) == ("minute", 1, None)
    assert (new.author, new.created_at, new.source) == (author, NOW, "the console")
    assert (holds(date(2026, 11, 30)), holds(date(2026, 12, 1))) == ("0.014", "0.015")


def test_what_was_charged_keeps_its_price():
    call = CallFactory(live=True)
    charge = charge_record(
        key="k", call_id=call.pk, campaign_id=None, component="telephony_out", provider="twilio",
        quantity=Decimal(1), at=NOW,
    )  # fmt: skip
    change("0.02")
    charge.refresh_from_db()
    assert (charge.amount, charge.price.unit_price) == (Decimal("0.014"), Decimal("0.014"))


def test_the_same_price_again_changes_nothing():
    rows = Price.objects.count()
    first = change("0.014")
    assert first.valid_to is None
    assert Price.objects.count() == rows
    assert change("0.02") == change("0.02")
    assert Price.objects.count() == rows + 1


def test_days_gone_are_not_priced_again():
    with pytest.raises(PriceChangeRefused, match="past"):
        change("0.02", date(2026, 11, 22))


def test_a_day_has_one_price():
    change("0.02")
    with pytest.raises(PriceChangeRefused, match="later day"):
        change("0.03")


def test_a_price_between_two_ends_where_the_next_begins():
    change("0.03", date(2026, 12, 10))
    change("0.02", date(2026, 12, 5))
    days = (date(2026, 12, 4), date(2026, 12, 5), date(2026, 12, 9), date(2026, 12, 10))
    assert [holds(day) for day in days] == ["0.014", "0.02", "0.02", "0.03"]


def test_a_first_price_needs_its_unit():
    with pytest.raises(PriceChangeRefused, match="which unit"):
        change("0.02", provider="acme")
    assert change("0.02", provider="acme", unit="minute").increment == 1


class TestAnyHistory(TestCase):
    @settings(max_examples=12, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 20), st.decimals(0, 1, places=4)), min_size=1, max_size=8)
    )
    def test_each_day_has_exactly_one_price_whatever_is_changed(self, changes):
        for offset, cost in changes:
            try:
                change(str(cost), date(2026, 12, 1 + offset))
            except PriceChangeRefused:
                continue
        rows = Price.objects.filter(provider="twilio", component="telephony_out", region="US")
        for day in (date(2026, 12, n) for n in range(1, 25)):
            holding = [
                row for row in rows
                if row.valid_from <= day and (row.valid_to is None or row.valid_to > day)
            ]  # fmt: skip
            assert len(holding) == 1


def form(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "twilio", "component": "telephony_out", "region": "US", "model": "*",
        "unit": "minute", "unit_price": "0.015", "increment": "1", "rounding": "up", "minimum": "0",
        "valid_from": timezone.now().date().isoformat(), "source": "the console", **changes,
    }  # fmt: skip


def current() -> Price:
    return price_on(
        provider="twilio", component="telephony_out", region="US", model="*",
        day=timezone.now().date(),
    )  # fmt: skip


def test_a_manager_changes_a_price_and_its_page_shows_the_history(client: Client):
    manager = ManagerFactory(first_name="Dana", last_name="Reyes")
    client.force_login(manager)
    old = current()
    page = client.get(reverse("admin:billing_price_change", args=(old.pk,)))
    link = page.context["change_link"]
    initial = client.get(link).context["adminform"].form.initial
    assert (initial["provider"], initial["unit"]) == ("twilio", "minute")
    assert client.post(link, form()).status_code == 302
    new = current()
    assert (new.unit_price, new.author) == (Decimal("0.015"), manager)
    text = client.get(reverse("admin:billing_price_change", args=(new.pk,))).content.decode()
    assert "$0.014 / minute" in text
    assert "$0.015 / minute" in text
    assert "Dana Reyes" in text
    assert "shipped list" in text


def test_a_row_that_is_there_cannot_be_edited_or_deleted_by_anybody(client: Client):
    client.force_login(ManagerFactory())
    old = current()
    for name in ("change", "delete"):
        address = reverse(f"admin:billing_price_{name}", args=(old.pk,))
        assert client.post(address, form(unit_price="0.001", post="yes")).status_code == 403
    assert current().unit_price == Decimal("0.014")


def test_a_wrong_entry_is_explained_and_changes_nothing(client: Client):
    client.force_login(ManagerFactory())
    address = reverse("admin:billing_price_add")
    past = client.post(address, form(valid_from="2026-01-01"))
    assert "This day is past" in past.content.decode()
    assert "negative" not in past.content.decode()
    client.post(address, form())
    again = client.post(address, form(unit_price="0.02"), follow=True)
    assert "already" in again.content.decode()
    assert current().unit_price == Decimal("0.015")


def test_the_same_entry_twice_is_one_price(client: Client):
    client.force_login(ManagerFactory())
    address = reverse("admin:billing_price_add")
    client.post(address, form())
    rows = Price.objects.count()
    client.post(address, form())
    assert Price.objects.count() == rows


def test_the_charges_of_a_price_are_one_click_away(client: Client):
    client.force_login(ManagerFactory())
    charge = ChargeFactory(price=current())
    ChargeFactory()
    listed = client.get(
        reverse("admin:billing_charge_changelist"), {"price__id__exact": charge.price_id}
    )
    assert [row.pk for row in listed.context["cl"].queryset] == [charge.pk]
