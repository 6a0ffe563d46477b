"""The command that dials, watches and cleans up."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from calls.models import Call, Campaign, Lease
from calls.services import dialer
from calls.services.campaigns import kill_switch_set
from calls.services.leases import lease_take
from calls.tests.conftest import NOON, Exchange, enrol
from tests.factories import CallFactory

ROOT = Path(__file__).parents[2]


@pytest.fixture
def always_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leads may be called at any hour of the machine that runs the tests."""
    real = dialer.may_call
    monkeypatch.setattr(dialer, "may_call", lambda facts, *, now: real(facts, now=NOON))


@pytest.mark.django_db
def test_a_pass_dials_one_lead(campaign: Campaign, exchange: Exchange, always_noon: None) -> None:
    enrol(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(max_concurrent=5)
    call_command("run_dialer", once=True)
    assert len(exchange.calls) == 1


@pytest.mark.django_db
def test_a_pass_watches_and_settles(campaign: Campaign, exchange: Exchange, settings: Any) -> None:
    settings.REDIS_URL = ""  # embedded: the pass does the after-call work itself
    call = CallFactory(campaign=campaign)
    Call.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    call_command("run_dialer", once=True)
    call.refresh_from_db()
    assert call.state == Call.State.FAILED
    assert call.settled_at is not None


@pytest.mark.django_db
def test_it_dials_beside_another_one_and_leaves_the_watch_to_it(
    campaign: Campaign, exchange: Exchange, always_noon: None
) -> None:
    enrol(campaign)
    call = CallFactory(campaign=campaign)
    Call.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    lease_take(name="dialer", holder="other", ttl=timedelta(seconds=15), now=timezone.now())
    call_command("run_dialer", once=True)
    assert len(exchange.calls) == 1
    assert Call.objects.get(pk=call.pk).state == Call.State.CREATED


@pytest.mark.django_db
def test_dialers_share_the_account_s_pace(
    campaign: Campaign, exchange: Exchange, always_noon: None, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"twilio_calls_per_second": 0.001})
    for _ in range(2):
        enrol(campaign)
    for _ in range(2):
        call_command("run_dialer", once=True)
    assert len(exchange.calls) == 1


@pytest.mark.django_db
def test_it_gives_its_lease_up_when_it_leaves() -> None:
    call_command("run_dialer", once=True)
    assert Lease.objects.get(name="dialer").expires_at <= timezone.now()


@pytest.mark.django_db
def test_the_kill_switch_holds_in_the_loop(
    campaign: Campaign, exchange: Exchange, always_noon: None
) -> None:
    enrol(campaign)
    kill_switch_set(engaged=True, actor=None, reason="test")
    call_command("run_dialer", once=True)
    assert exchange.calls == []


def database_make(path: Path, *, manage: list[str], environment: dict[str, str]) -> None:
    """Make an SQLite database: a copy of the tests' own, as to migrate takes half a minute."""
    if connection.vendor != "sqlite":
        subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True, cwd=ROOT)
        return
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as ours,
        closing(sqlite3.connect(path)) as its_own,
    ):
        ours.backup(its_own)


@pytest.mark.slow
@pytest.mark.django_db
def test_it_ends_on_sigterm_within_a_pass(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    manage = [sys.executable, str(ROOT / "manage.py")]
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    database_make(tmp_path / "db.sqlite3", manage=manage, environment=environment)
    process = subprocess.Popen(
        [*manage, "run_dialer"], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "dialer_started" in line:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=10)[1]
    assert process.returncode == 0
    assert "dialer_stopped" in rest
    assert "Traceback" not in rest
