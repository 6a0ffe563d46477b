"""The carrier's price list over HTTP, on a stand-in that also fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import BasicAuth, web
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing import pricing_api
from billing.models import Price
from billing.policy.carrier_prices import doubtful
from billing.pricing_api import PricingFailed, country_prices, number_prices
from billing.selectors import price_on
from billing.services.price_refresh import SOURCE

pytestmark = pytest.mark.django_db


def voice(name: str, price: str, *, origins: list[str] | None = None) -> dict[str, Any]:
    return {
        "origination_prefixes": origins or ["ALL"],
        "destination_prefixes": ["1"],
        "base_price": "9",
        "current_price": price,
        "friendly_name": f"Programmable Outbound Minute - {name}",
    }


def country(name: str, iso: str, *outbound: dict[str, Any], **inbound: str) -> dict[str, Any]:
    return {
        "country": name,
        "iso_country": iso,
        "url": f"https://pricing.twilio.com/v2/Voice/Countries/{iso}",
        "price_unit": "USD",
        "outbound_prefix_prices": list(outbound),
        "inbound_call_prices": [
            {"number_type": kind.replace("_", " "), "base_price": "9", "current_price": price}
            for kind, price in inbound.items()
        ],
    }


def numbers(iso: str, **rents: str) -> dict[str, Any]:
    return {
        "country": iso,
        "iso_country": iso,
        "url": f"https://pricing.twilio.com/v1/PhoneNumbers/Countries/{iso}",
        "price_unit": "USD",
        "phone_number_prices": [
            {"number_type": kind.replace("_", " "), "base_price": "9", "current_price": rent}
            for kind, rent in rents.items()
        ],
    }


class PriceList:
    """Answers as Twilio's Pricing API does."""

    def __init__(self) -> None:
        self.base_url = ""
        self.asked: list[str] = []
        self.failures: list[int] = []
        self.slow_s = 0.0
        self.countries: dict[str, Any] = {
            "US": country(
                "United States", "US",
                voice("United States - Alaska", "0.09"),
                voice("United States", "0.0145"),
                voice("United States", "0.5", origins=["44"]),
                local="0.0085", toll_free="0.022",
            ),
        }  # fmt: skip
        self.numbers: dict[str, Any] = {
            "US": numbers("US", local="1.15", toll_free="2.15"),
            "GB": numbers("GB", local="1.4", mobile="1.6", national="1.5"),
        }

    async def rents(self, request: web.Request) -> web.StreamResponse:
        found = self.numbers.get(request.match_info["iso"])
        if found is None:
            return web.json_response({"code": 20404, "message": "no", "status": 404}, status=404)
        return web.json_response(found)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        iso = request.match_info["iso"]
        self.asked.append(iso)
        await asyncio.sleep(self.slow_s)
        if self.failures:
            status = self.failures.pop(0)
            return web.json_response(
                {"code": 20000, "message": "x", "status": status}, status=status
            )
        if not BasicAuth.decode(request.headers["Authorization"]).login.startswith("AC"):
            return web.json_response({"status": 401}, status=401)
        found = self.countries.get(iso)
        if found is None:
            return web.json_response({"code": 20404, "message": "no", "status": 404}, status=404)
        return web.Response(text=found) if isinstance(found, str) else web.json_response(found)


@pytest.fixture
def price_list(settings: Any) -> Iterator[PriceList]:
    served = PriceList()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    app = web.Application()
    app.router.add_get("/v2/Voice/Countries/{iso}", served.answer)
    app.router.add_get("/v1/PhoneNumbers/Countries/{iso}", served.rents)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()

    asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    served.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings.ENV = settings.ENV.model_copy(update={"twilio_pricing_base_url": served.base_url})
    yield served
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def holds(component: str = "telephony_out", region: str = "US") -> Decimal:
    return price_on(
        provider="twilio", component=component, region=region, model="*",
        day=timezone.now().date(),
    ).unit_price  # fmt: skip


def test_a_changed_price_holds_from_today_and_the_old_row_stays(price_list: PriceList) -> None:
    call_command("refresh_prices", regions="US")
    assert (holds(), holds("telephony_in")) == (Decimal("0.0145"), Decimal("0.0085"))
    rows = Price.objects.filter(provider="twilio", component="telephony_out", region="US")
    assert sorted(row.unit_price for row in rows) == [Decimal("0.014"), Decimal("0.0145")]
    count = Price.objects.count()
    call_command("refresh_prices", regions="us")
    assert Price.objects.count() == count


def test_a_dry_run_changes_nothing(
    price_list: PriceList, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("refresh_prices", regions="US", dry_run=True)
    assert holds() == Decimal("0.014")
    assert "0.014 -> 0.0145  would be taken over" in capsys.readouterr().out


def test_mobile_telephones_have_their_own_price(price_list: PriceList) -> None:
    price_list.countries["GB"] = country(
        "United Kingdom", "GB",
        voice("United Kingdom", "0.0158"), voice("United Kingdom - Mobile", "0.03"),
        voice("United Kingdom - Mobile - Other", "0.32"), local="0.01",
    )  # fmt: skip
    assert country_prices("GB").outbound == Decimal("0.03")


def test_a_doubtful_price_is_not_taken_over_unless_told(price_list: PriceList) -> None:
    price_list.countries["US"]["outbound_prefix_prices"] = [voice("United States", "0.14")]
    with pytest.raises(CommandError, match="old prices hold"):
        call_command("refresh_prices", regions="US")
    assert holds() == Decimal("0.014")
    call_command("refresh_prices", regions="US", accept_large=True)
    assert holds() == Decimal("0.14")


def test_a_second_change_on_one_day_is_left_to_the_next(
    price_list: PriceList, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("refresh_prices", regions="US")
    price_list.countries["US"]["outbound_prefix_prices"] = [voice("United States", "0.015")]
    with pytest.raises(CommandError):
        call_command("refresh_prices", regions="US")
    assert "later day" in capsys.readouterr().out
    assert holds() == Decimal("0.0145")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_passes_is_tried_again(price_list: PriceList, status: int) -> None:
    price_list.failures = [status, status]
    assert country_prices("US").outbound == Decimal("0.0145")
    assert price_list.asked == ["US"] * 3


def test_it_gives_up_after_three(price_list: PriceList) -> None:
    price_list.failures = [500] * 9
    with pytest.raises(PricingFailed, match="HTTP 500"):
        country_prices("US")
    assert len(price_list.asked) == 3


@pytest.mark.parametrize(
    ("status", "words"), [(401, "TWILIO_AUTH_TOKEN"), (404, "no prices"), (400, "HTTP 400")]
)
def test_a_refusal_is_not_tried_again(price_list: PriceList, status: int, words: str) -> None:
    price_list.failures = [status] * 3
    with pytest.raises(PricingFailed, match=words):
        country_prices("US")
    assert len(price_list.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "no json",
        {},
        country("United States", "US"),
        {**country("United States", "US", voice("United States", "0.1")), "price_unit": "EUR"},
        country("United States", "US", voice("United States", "free"), local="0.01"),
        country("United States", "US", voice("United States", "-1"), local="0.01"),
    ],
)
def test_nonsense_is_refused_and_the_old_price_holds(price_list: PriceList, answer: Any) -> None:
    price_list.countries["US"] = answer
    with pytest.raises(CommandError, match="old prices hold"):
        call_command("refresh_prices", regions="US")
    assert holds() == Decimal("0.014")


def test_a_slow_list_is_given_up(price_list: PriceList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing_api, "TIMEOUT_S", 0.05)
    price_list.slow_s = 0.3
    with pytest.raises(PricingFailed, match="reached"):
        country_prices("US")


def test_one_country_that_fails_holds_up_no_other(price_list: PriceList) -> None:
    with pytest.raises(CommandError, match=r"^2 could not"):
        call_command("refresh_prices", regions="FR,US")
    assert holds() == Decimal("0.0145")


def rent(kind: str, region: str) -> Price:
    return price_on(
        provider="twilio", component="number", region=region, model=kind,
        day=timezone.now().date(),
    )  # fmt: skip


def test_rents_of_a_country_that_had_none_are_taken_over(price_list: PriceList) -> None:
    price_list.countries["GB"] = country(
        "United Kingdom", "GB", voice("United Kingdom - Mobile", "0.03"), local="0.01"
    )
    call_command("refresh_prices", regions="GB")
    assert [rent(kind, "GB").unit_price for kind in ("local", "mobile")] == [
        Decimal("1.4"), Decimal("1.6"),
    ]  # fmt: skip
    row = rent("local", "GB")
    assert (row.unit, row.increment, row.source) == ("month", Decimal("0.000001"), SOURCE)
    assert not Price.objects.filter(component="number", model="national").exists()


def test_a_changed_rent_is_taken_over_and_a_doubtful_one_is_not(price_list: PriceList) -> None:
    price_list.numbers["US"] = numbers("US", local="1.25")
    call_command("refresh_prices", regions="US")
    assert rent("local", "US").unit_price == Decimal("1.25")
    price_list.numbers["US"] = numbers("US", local="11")
    with pytest.raises(CommandError, match=r"^1 could not"):
        call_command("refresh_prices", regions="US")
    assert rent("local", "US").unit_price == Decimal("1.25")


def test_rents_in_another_currency_are_refused(price_list: PriceList) -> None:
    price_list.numbers["US"]["price_unit"] = "GBP"
    with pytest.raises(PricingFailed, match="GBP"):
        number_prices("US")


def test_a_country_must_be_a_code() -> None:
    with pytest.raises(CommandError, match="two-letter"):
        call_command("refresh_prices", regions="America")


@pytest.mark.parametrize(
    ("before", "after", "doubt"),
    [("1", "1", False), ("1", "2", False), ("1", "3", True), ("3", "1", True), ("0", "0", False),
     ("1", "0", True)],
)  # fmt: skip
def test_large_steps_are_doubted(before: str, after: str, doubt: bool) -> None:
    assert doubtful(Decimal(before), Decimal(after)) is doubt
