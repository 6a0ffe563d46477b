"""Health endpoints tell an orchestrator the truth."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client


def test_live_needs_no_database(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


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
