"""Prices are dated rows; the most special one that holds on the day is used."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Price
from billing.policy.price_list import shipped_prices
from billing.selectors import PriceUnknown, call_estimate, price_on
from billing.services import prices_seed
from tests.factories import PriceFactory

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 23)


def price(component: str = "telephony_out", region: str = "US", **other: object) -> Price:
    values: dict[str, object] = {"provider": "twilio", "model": "*", "day": DAY}
    return price_on(component=component, region=region, **(values | other))  # type: ignore[arg-type]


def test_a_fresh_database_knows_the_list_prices():
    assert Price.objects.count() == len(shipped_prices())
    assert price().unit_price == Decimal("0.014")
    assert price("telephony_in").unit_price == Decimal("0.0085")
    assert price("media_stream").unit_price == Decimal("0.004")
    assert price("recording").unit_price == Decimal("0.0025")
    assert price("amd").unit_price == Decimal("0.0075")
    assert price(region="GB").unit_price == Decimal("0.0305")
    assert all(row.source for row in Price.objects.all())


@pytest.mark.parametrize(
    ("provider", "component"),
    [
        ("espeak", "tts"), ("piper", "tts"), ("pocketsphinx", "stt"), ("faster-whisper", "stt"),
        ("ollama", "llm_gpu"), ("ollama", "llm_input"), ("ollama", "llm_output"),
    ],
)  # fmt: skip
def test_what_runs_on_our_own_machine_costs_nothing(provider: str, component: str):
    assert price(component, provider=provider).unit_price == 0


def test_seeding_again_adds_nothing_and_keeps_what_was_edited():
    row = price()
    row.unit_price = Decimal("0.01")
    row.save()
    assert prices_seed() == 0
    assert price().unit_price == Decimal("0.01")


def test_seeding_brings_back_what_is_missing():
    Price.objects.all().delete()
    assert prices_seed() == len(shipped_prices())


def test_a_price_for_the_region_wins_over_one_for_all():
    assert price("media_stream", region="GB").unit_price == Decimal("0.0044")
    assert price("media_stream", region="FR").unit_price == Decimal("0.004")


def test_a_price_for_the_model_wins_over_one_for_all():
    for model, cost in (("*", "0.2"), ("flash", "0.05")):
        PriceFactory(provider="voices", component="tts", region="*", model=model, unit_price=cost)
    assert price("tts", provider="voices", model="flash").unit_price == Decimal("0.05")
    assert price("tts", provider="voices", model="other").unit_price == Decimal("0.2")


def test_a_new_price_holds_from_its_first_day_to_the_day_before_its_last():
    PriceFactory(unit_price="0.02", valid_from=date(2026, 12, 1), valid_to=date(2026, 12, 3))
    costs = [str(price(day=date(2026, 11, 29 + n) if n < 2 else date(2026, 12, n - 1)).unit_price)
             for n in range(5)]  # fmt: skip
    assert costs == ["0.014000", "0.014000", "0.020000", "0.020000", "0.014000"]


def test_an_unknown_price_says_what_is_missing():
    with pytest.raises(PriceUnknown, match=r"twilio telephony_out \(region FR.*2026-11-23"):
        price(region="FR")
    with pytest.raises(PriceUnknown):
        price(day=date(2020, 1, 1))


def estimate(seconds: float, *, region: str = "US", recorded: bool = True, amd: bool = True):
    return call_estimate(
        seconds=seconds, recorded_by_carrier=recorded, detect_machines=amd, region=region, day=DAY
    )


def test_it_estimates_a_recorded_call_of_three_minutes_and_ten_seconds():
    assert estimate(190) == Decimal("0.0895")
    assert estimate(190, recorded=False) == Decimal("0.0795")
    assert estimate(180, recorded=False, amd=False) == Decimal("0.054")
    assert estimate(60, region="GB", recorded=False, amd=False) == Decimal("0.0349")


def test_it_refuses_to_estimate_a_call_whose_price_is_unknown():
    with pytest.raises(PriceUnknown):
        estimate(60, region="FR")
