"""What is kept of a call: its sound, and its rows while the database is away."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError

from calls.services.sound import sha256_of, wav_repair
from voice.clerk import Clerk
from voice.recorder import Recorder
from voice.session import Closed, MediaSession, SocketLost
from voice.transport import MediaInput
from voice.wire import Media, Start

LOUD, QUIET = b"\x10" * 160, b"\xff" * 160


class SetClock:
    """A stream clock that tests move."""

    def __init__(self) -> None:
        self.ms = 0.0

    def now_ms(self) -> float:
        return self.ms


def tracks(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


async def test_both_sides_lie_where_they_were_heard(tmp_path: Path) -> None:
    clock = SetClock()
    recorder = Recorder(tmp_path / "call.wav", clock)  # type: ignore[arg-type]
    recorder.lead(100, LOUD)
    recorder.agent(300, LOUD)
    recorder.agent(320, LOUD)
    recorder.cut(330)
    clock.ms = 1000
    recorded = await recorder.finish()
    assert recorded is not None
    assert recorded.duration_ms == 1000
    assert recorded.sha256 == sha256_of(recorded.path)
    sound = tracks(recorded.path)
    assert [(np.flatnonzero(side)[[0, -1]] // 8).tolist() for side in sound.T] == [
        [100, 119],
        [300, 329],
    ]


async def test_a_killed_process_leaves_a_file_that_plays(tmp_path: Path) -> None:
    clock = SetClock()
    recorder = Recorder(tmp_path / "call.wav", clock)  # type: ignore[arg-type]
    writing = asyncio.create_task(recorder.run())
    for at_ms in range(0, 3000, 20):
        recorder.lead(at_ms, LOUD)
    clock.ms = 3000
    await asyncio.sleep(0.7)
    writing.cancel()  # and nothing else: the process is gone
    assert len(tracks(recorder.path)) >= (3000 - 1000) * 8
    assert wav_repair(recorder.path) >= 2000


async def test_a_stopped_recording_keeps_what_there_was(tmp_path: Path) -> None:
    clock = SetClock()
    recorder = Recorder(tmp_path / "call.wav", clock)  # type: ignore[arg-type]
    writing = asyncio.create_task(recorder.run())
    recorder.lead(0, LOUD)
    clock.ms = 1000
    await asyncio.sleep(0.6)
    recorder.stop()
    recorder.lead(1000, LOUD)
    clock.ms = 5000
    recorded = await recorder.finish()
    writing.cancel()
    assert recorded is not None
    assert recorded.duration_ms < 1000


async def test_a_full_disk_costs_the_recording_and_not_the_call(tmp_path: Path) -> None:
    clock = SetClock()
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    recorder = Recorder(blocked / "call.wav", clock)  # type: ignore[arg-type]
    recorder.lead(0, LOUD)
    clock.ms = 1000
    assert await recorder.finish() is None


@pytest.mark.django_db(transaction=True)  # the writers look after their connections
async def test_records_wait_for_the_database_and_keep_their_order() -> None:
    away, written = [3], []

    def keep(*, what: str) -> str:
        if away[0]:
            away[0] -= 1
            raise OperationalError("the database is away")
        written.append(what)
        return what

    clerk = Clerk("call")
    running = asyncio.create_task(clerk.run())
    clerk.note(keep, what="first")
    assert await clerk.ask(keep, what="second") == "second"
    clerk.note(keep, what="third")
    await clerk.settle(5)
    running.cancel()
    assert written == ["first", "second", "third"]


@pytest.mark.django_db(transaction=True)  # the writers look after their connections
async def test_a_record_that_cannot_be_written_does_not_stop_the_next() -> None:
    written = []

    def wrong(*, what: str) -> None:
        raise ValueError(what)

    def keep(*, what: str) -> None:
        written.append(what)

    clerk = Clerk("call")
    running = asyncio.create_task(clerk.run())
    clerk.note(wrong, what="bad")
    with pytest.raises(ValueError, match="worse"):
        await clerk.ask(wrong, what="worse")
    clerk.note(keep, what="good")
    await clerk.settle(5)
    running.cancel()
    assert written == ["good"]


async def test_a_pipeline_that_is_behind_loses_the_oldest_sound_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voice.session.MOST_WAITING", 5)
    monkeypatch.setattr("voice.session.DEAD_AFTER_S", 0.1)
    monkeypatch.setattr("voice.session.GRACE_S", 0.1)

    async def nothing(_: object) -> None:
        return None

    session = MediaSession(Start("MZ", "AC", "CA", {}), send=nothing, close=nothing)
    for number in range(9):
        session.put(Media(number * 20, QUIET))
    got = [await session.get() for _ in range(5)]
    assert [item.timestamp_ms for item in got if isinstance(item, Media)] == [
        80,
        100,
        120,
        140,
        160,
    ]
    assert isinstance(await session.get(), SocketLost), "a socket without sound is dead"
    assert await session.get() == Closed("socket_lost"), "and no other one came"


@pytest.mark.parametrize(("waiting", "place_ms"), [(3, 3000), (0, 5000)])
async def test_late_sound_keeps_its_place_while_more_waits_behind_it(
    waiting: int, place_ms: float
) -> None:
    clock = SetClock()
    clock.ms = 5020
    places: list[float] = []
    session: Any = SimpleNamespace(clock=clock, waiting=waiting)
    tap: Any = SimpleNamespace(lead=lambda at_ms, _ulaw: places.append(at_ms))
    await MediaInput(session, None, None, tap)._hear(Media(3000, QUIET))  # type: ignore[arg-type]
    assert places == [place_ms], "a stamp that is wrong all the time is not believed"
