"""A small run of chaos; `python -m benchmarks.chaos` does a large one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.chaos import engines, nursery
from benchmarks.chaos.clusters import NotInstalled, postgres_programs, redis_program
from benchmarks.chaos.schedule import Mix, schedule
from voice import metrics
from voice.engines import registry

ROOT = Path(__file__).parents[1]


def missing() -> str:
    """Return which programs a run needs and this machine lacks; empty if it has them."""
    try:
        postgres_programs()
        redis_program()
    except NotInstalled as reason:
        return str(reason)
    return ""


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")
def test_every_promise_holds_while_everything_breaks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--leads", "120"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["wrong"] == {}, f"seed {report['seed']}"
    assert report["dialled"] > 80
    assert report["turns"] > 100


def test_the_same_seed_breaks_the_same_things() -> None:
    one, same, other = (schedule(seed=seed, mix=Mix()) for seed in (7, 7, 8))
    assert one == same
    assert one != other
    assert {breakage.kind for breakage in one} >= {"web", "dialer", "worker", "postgres", "redis"}
    assert all(0 < breakage.after <= 1 for breakage in one)


def test_every_process_of_a_run_can_hear_and_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers too: they make a campaign's speech when it starts."""
    for name in ("RECOGNIZERS", "SYNTHESIZERS"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    monkeypatch.setattr(registry, "_engines", {})
    monkeypatch.setattr(metrics, "strain", metrics.strain)
    nursery._load()
    assert registry.recognizer(engines.RECOGNIZER)
    assert registry.synthesizer(engines.SYNTHESIZER)
    assert not metrics.strain.is_strained
