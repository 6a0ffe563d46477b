"""Decoder processes take turns on the cores: who is waited for goes first."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from voice.engines.core_share import CoreShare

fork = multiprocessing.get_context("fork")


def _decoder(share: CoreShare, orders: Connection) -> None:
    """A process that does as it is told: take and keep a core, give it back, be in a hurry."""
    held = None
    while True:
        order = orders.recv()
        if order == "take":
            core = share.core()
            taken = core.__enter__()
            held = core if taken else None
            orders.send(taken)
        elif order == "give":
            assert held is not None
            held.__exit__(None, None, None)
            orders.send(True)
        else:
            share.hurry(order == "hurry")
            orders.send(True)


class Decoder:
    def __init__(self, share: CoreShare) -> None:
        self._orders, theirs = fork.Pipe()
        self.process = fork.Process(target=_decoder, args=(share, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def does(self, order: str) -> bool:
        self._orders.send(order)
        return bool(self._orders.recv())

    def die(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


@pytest.fixture
def decoders() -> Iterator[list[Decoder]]:
    share = CoreShare(cores=1)
    made = [Decoder(share) for _ in range(3)]
    yield made
    for decoder in made:
        if decoder.process.is_alive():
            decoder.die()


def test_a_core_is_given_to_one_at_a_time(decoders: list[Decoder]) -> None:
    one, other, _ = decoders
    assert one.does("take")
    assert not other.does("take")
    one.does("give")
    assert other.does("take")


def test_those_who_are_waited_for_go_first(decoders: list[Decoder]) -> None:
    one, other, third = decoders
    one.does("hurry")
    other.does("hurry")
    assert not third.does("take"), "a caller who speaks leaves the core to one who waits"
    assert one.does("take")
    one.does("give")
    one.does("calm")
    assert not third.does("take"), "the other is waited for still"
    assert other.does("take")
    other.does("give")
    other.does("calm")
    assert third.does("take")


def test_a_process_that_dies_gives_back_what_it_held(decoders: list[Decoder]) -> None:
    one, other, _ = decoders
    one.does("hurry")
    assert one.does("take")
    one.die()
    assert other.does("take")
