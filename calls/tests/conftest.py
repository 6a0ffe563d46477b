"""The line for these tests: a real carrier simulator, and webhooks signed as it signs them."""

from __future__ import annotations

import asyncio
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from agents.models import PlaybookVersion
from billing.services import prices_seed
from calls import carrier
from calls.models import Call, Campaign, Enrolment
from calls.simulator import CarrierSimulator
from calls.tests.twilio_document import watch_sdk
from tests.factories import (
    CampaignFactory,
    ConsentFactory,
    EnrolmentFactory,
    LeadFactory,
    PlaybookVersionFactory,
)

# A Wednesday noon in Austin, where everybody may be called.
NOON = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)

Post = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _fresh_circuit() -> None:
    carrier.circuit.succeeded()


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture
def post() -> Post:
    """Send a webhook as the carrier does: `post("status", call, CallStatus="ringing")`."""
    client = Client(enforce_csrf_checks=True)

    def send(
        name: str,
        call: Any = None,
        *,
        signature: str | None = None,
        kwargs: dict[str, Any] | None = None,
        **fields: str,
    ) -> Any:
        arguments = kwargs or {}
        if call is not None:
            arguments = {"call": getattr(call, "pk", call)}
        path = reverse(f"twilio-{name}", kwargs=arguments)
        fields.setdefault("AccountSid", django_settings.ENV.twilio_account_sid)
        fields.setdefault("CallSid", getattr(call, "provider_sid", "") or "CA" + "1" * 32)
        if signature is None:
            signature = sign(path, fields)
        return client.post(path, fields, headers={"X-Twilio-Signature": signature})

    return send


def sign(path: str, fields: dict[str, str]) -> str:
    """Return the signature that the carrier would send."""
    validator = RequestValidator(django_settings.ENV.twilio_auth_token.get_secret_value())
    return str(validator.compute_signature(carrier.public_url(path), fields))


def playbook_version() -> PlaybookVersion:
    """Return a version with the script that ships with the product."""
    file = Path(__file__).parents[2] / "agents/data/seller.toml"
    made: PlaybookVersion = PlaybookVersionFactory(
        script=tomllib.loads(file.read_text(encoding="utf-8"))
    )
    return made


@pytest.fixture
def campaign(db: None) -> Campaign:
    """A running campaign that can pay for its calls."""
    prices_seed()
    made: Campaign = CampaignFactory(
        running=True, playbook=playbook_version().playbook, detect_machines=True
    )
    return made


def enrol(campaign: Campaign, **lead: Any) -> Enrolment:
    """Put a lead that may be called in a campaign, due at noon."""
    person = LeadFactory(**lead)
    ConsentFactory(lead=person, given_at=datetime(2026, 10, 1, tzinfo=UTC))
    made: Enrolment = EnrolmentFactory(campaign=campaign, lead=person, due_at=NOON)
    return made


class Exchange:
    """A carrier that runs in a thread of its own, so that synchronous code can be tested on it."""

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.simulator = CarrierSimulator(
            account_sid=django_settings.ENV.twilio_account_sid,
            auth_token=django_settings.ENV.twilio_auth_token.get_secret_value(),
            **options,
        )
        self.run(self.simulator.__aenter__())

    def run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(timeout=20)

    def close(self) -> None:
        self.run(self.simulator.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=5)
        self.loop.close()

    @property
    def calls(self) -> list[Any]:
        return list(self.simulator.calls.values())


def is_over(line: Any) -> bool:
    """Whether the carrier's call ends; it takes a moment after the request."""
    for _ in range(500):
        if line.is_over:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def exchange(settings: Any) -> Iterator[Exchange]:
    """A carrier on which everybody's telephone rings and nobody answers."""
    running = Exchange(calls_per_second=100, ring_seconds=60, default_persona="no_answer")
    # Nothing of ours listens where its webhooks go: they are sent by hand in these tests.
    settings.ENV = settings.ENV.model_copy(
        update={
            "twilio_api_base_url": running.simulator.base_url,
            "public_base_url": "http://127.0.0.1:9",
        }
    )
    yield running
    running.close()


@pytest.fixture
def premium_voice(settings: Any) -> None:
    """An account with a provider of premium speech is set up."""
    settings.ENV = settings.ENV.model_copy(update={"elevenlabs_api_keys": SecretStr("key")})


@pytest.fixture
def no_carrier(settings: Any) -> None:
    """Nobody listens where the carrier should be."""
    settings.ENV = settings.ENV.model_copy(update={"twilio_api_base_url": "http://127.0.0.1:9"})


def state_of(call: Call) -> str:
    """Return the state as it is in the database now."""
    return Call.objects.values_list("state", flat=True).get(pk=call.pk)


@pytest.fixture(autouse=True)
def as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every request that the SDK sends, and its answer, against Twilio's document."""
    watch_sdk(monkeypatch)
