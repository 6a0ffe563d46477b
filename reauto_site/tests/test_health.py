"""Health endpoints tell an orchestrator the truth."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError, connection
from django.test import Client

from voice.session import live_calls


def test_live_needs_no_database(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has loaded its engines."""
    monkeypatch.setattr("voice.preload.is_ready", lambda: True)


@pytest.mark.django_db
def test_ready_says_so(client: Client) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "problems": {}}


@pytest.mark.django_db
def test_unready_names_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "database" in response.json()["problems"]


def test_unready_names_redis(client: Client, settings: object, db: None) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "redis" in response.json()["problems"]


def test_metrics_are_in_prometheus_format(client: Client) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert b"# HELP" in response.content


@pytest.mark.django_db
def test_unready_until_the_engines_are_loaded(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.preload.is_ready", lambda: False)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "engines" in response.json()["problems"]["voice"]


@pytest.mark.django_db
def test_unready_while_draining(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.session.live_calls.draining", True)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "about to stop" in response.json()["problems"]["voice"]


@pytest.mark.django_db
async def test_unready_while_it_carries_all_the_calls_it_can(
    client: Client, settings: object
) -> None:
    env = settings.ENV.model_copy(update={"voice_max_sessions": 1})  # type: ignore[attr-defined]
    settings.ENV = env  # type: ignore[attr-defined]
    over = asyncio.Event()
    call = live_calls.start(over.wait())  # type: ignore[arg-type]
    problems = (await asyncio.to_thread(client.get, "/health/ready")).json()["problems"]
    over.set()
    await call
    assert "voice" in problems
