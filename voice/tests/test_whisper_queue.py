"""The threads on which all calls' sound is heard: who goes first, and what is left out."""

from __future__ import annotations

import threading

import pytest

from voice.engines.interface import EngineBusyError
from voice.engines.whisper_queue import FairWorkers


def test_calls_take_turns_and_what_is_awaited_goes_first() -> None:
    workers = FairWorkers(1, longest=20, name="test")
    order: list[str] = []
    gate, working, done = threading.Event(), threading.Event(), threading.Event()

    def block() -> None:
        working.set()
        gate.wait(5)

    workers.submit("x", block, urgent=False)
    assert working.wait(5)
    for n in range(3):
        workers.submit("a", lambda n=n: order.append(f"a{n}"), urgent=False)  # type: ignore[misc]
    workers.submit("b", lambda: order.append("b0"), urgent=False)
    late = workers.submit("c", lambda: order.append("c0"), urgent=False)
    gone = workers.submit("b", lambda: order.append("b1"), urgent=False)
    workers.submit("d", lambda: order.append("final"), urgent=True)
    workers.withdraw(gone)
    workers.hurry(late)
    workers.hurry(gone)
    workers.submit("z", done.set, urgent=False)
    gate.set()
    assert done.wait(5)
    workers.close()
    assert order[:4] == ["final", "c0", "a0", "b0"]
    assert "b1" not in order
    with pytest.raises(EngineBusyError):
        workers.submit("a", done.set, urgent=True)


def test_work_that_fails_does_not_end_the_worker() -> None:
    workers = FairWorkers(1, longest=20, name="test")
    done = threading.Event()
    workers.submit("a", lambda: 1 / 0, urgent=False)  # type: ignore[arg-type,return-value]
    workers.submit("a", done.set, urgent=False)
    assert done.wait(5)
    workers.close()


def test_a_queue_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="threads"):
        FairWorkers(0, longest=1, name="test")
