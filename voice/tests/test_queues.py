"""Every queue of a call has an end, is measured, and its fullness ends no call."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from agents.interface import Action, Do, KeyPress, Say
from calls.models import Call
from voice.engines.silero import SileroDetector
from voice.pipeline import QUEUES
from voice.tests.conftest import Caller, Daphne, script, turns_of

BYE = [Say("Goodbye.", "goodbye", "closer"), Do(Action.HANG_UP, {"outcome": "qualified"})]


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.django_db(transaction=True)
async def test_sound_that_the_pipeline_does_not_get_through_is_dropped(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = SileroDetector.confidence

    async def slowly(detector: SileroDetector, pcm: bytes) -> float:
        await asyncio.sleep(0.1)
        return await hear(detector, pcm)

    monkeypatch.setattr("voice.session.MOST_WAITING", 10)
    monkeypatch.setattr(SileroDetector, "confidence", slowly)
    dropped = measured("voice_dropped_frames_total")
    talk = script(call, lambda _event: BYE, opening=[Say("Good day to you.", "greet", "greeter")])
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        assert measured("voice_queue_depth", queue="messages") >= 9
        await caller.press("1")
        await caller.until_closed()
    await turns_of(call, server)
    assert measured("voice_dropped_frames_total") > dropped
    assert talk.events == [KeyPress("1")]
    assert measured("voice_queue_depth", queue="messages") == 0, "of the calls that are live"


def test_what_an_operator_must_see_is_at_the_metrics_address(client: Client) -> None:
    content = client.get("/metrics").content.decode()
    for queue in QUEUES:
        assert f'voice_queue_depth{{queue="{queue}"}}' in content
    for name in (
        "voice_live_calls",
        "voice_loop_lag_seconds_bucket",
        "voice_late_frames_total",
        "voice_dropped_frames_total",
        "voice_sockets_lost_total",
        "voice_stt_failures_total",
        "voice_records_lost_total",
    ):
        assert name in content


def test_the_server_s_numerical_libraries_have_one_thread_each() -> None:
    check = (
        "import os, sys; import reauto_site.runtime as runtime;"
        "assert 'numpy' not in sys.modules, 'too late';"
        "runtime.threads_cap(); print(os.environ['OMP_NUM_THREADS'])"
    )
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"
