"""A process takes the calls that it can serve well, and tells the dialer how many these are."""

from __future__ import annotations

import asyncio

import pytest
from django.utils import timezone

from calls.models import VoiceProcess
from calls.services.capacity import voice_capacity_free
from voice import metrics
from voice.capacity import capacity_report
from voice.live_calls import LiveCalls, live_calls
from voice.strain import Strain


@pytest.fixture
def strain(monkeypatch: pytest.MonkeyPatch) -> Strain:
    made = Strain(clock=lambda: made_at[0])
    made_at = [100.0]
    made.at = made_at  # type: ignore[attr-defined]
    monkeypatch.setattr(metrics, "strain", made)
    return made


def test_a_loop_that_wakes_late_again_and_again_is_strained(strain: Strain) -> None:
    for late_s in [0.001] * 20 + [0.3] * 4:
        strain.woke(late_s)
    assert not strain.is_strained, "a moment is no sign"
    strain.woke(0.3)
    assert strain.is_strained
    for _ in range(20):
        strain.woke(0.001)
    assert not strain.is_strained


def test_callers_who_wait_too_long_are_a_strain_until_it_is_over(strain: Strain) -> None:
    for latency_s in (0.2, 1.4, 1.5, 1.6):
        strain.answered(latency_s)
    assert not strain.is_strained
    strain.answered(1.2)
    assert strain.is_strained
    strain.at[0] += 31  # type: ignore[attr-defined]
    assert not strain.is_strained


async def test_a_strained_process_takes_no_further_call(strain: Strain) -> None:
    calls, over = LiveCalls(), asyncio.Event()

    async def call() -> None:
        await over.wait()

    for _ in range(5):
        strain.answered(3.0)
    assert calls.refusal() == "", "what was is of no matter to the first call"
    task = calls.start(call())
    assert calls.refusal() == "strained"
    over.set()
    await task
    await asyncio.sleep(0)
    assert calls.refusal() == ""


@pytest.mark.django_db
def test_it_reports_its_places(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    env = settings.ENV.model_copy(update={"voice_max_sessions": 7})  # type: ignore[attr-defined]
    settings.ENV = env  # type: ignore[attr-defined]
    capacity_report("here")
    assert voice_capacity_free(timezone.now()) == 7
    monkeypatch.setattr(live_calls, "draining", True)
    capacity_report("here")
    assert voice_capacity_free(timezone.now()) == 0
    assert VoiceProcess.objects.get().refusal == "draining"


async def test_every_change_is_told() -> None:
    calls, told = LiveCalls(), []

    async def call() -> None:
        return None

    calls.on_change = lambda: told.append(len(calls))
    await calls.start(call())
    await asyncio.sleep(0)
    await calls.drain(1)
    assert told == [1, 0, 0]
