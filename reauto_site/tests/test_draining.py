"""A server that is told to stop lets the calls it carries end first."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

SERVER = """
import asyncio, sys
from daphne.server import Server, twisted_loop
from reauto_site.draining import drain_on_sigterm
from voice.session import live_calls

async def app(scope, receive, send): ...
async def call():
    await asyncio.to_thread(sys.stdin.readline)
    print("call over", flush=True)
def ready():
    twisted_loop.call_soon(lambda: live_calls.start(call()))
    twisted_loop.call_later(0.3, lambda: print("serving", flush=True))
    watch()
def watch():
    print("draining", flush=True) if live_calls.draining else twisted_loop.call_later(0.05, watch)

drain_on_sigterm()
Server(app, endpoints=["tcp:port=0:interface=127.0.0.1"], ready_callable=ready).run()
"""


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, text=True) as it:
        assert line(it.stdout) == "serving"
        yield it
        it.kill()


def line(stream: IO[str] | None) -> str:
    """Return the next line that is none of the log."""
    assert stream is not None
    return next(text.strip() for text in stream if not text.startswith("20"))


def test_it_takes_no_calls_and_stops_when_the_live_ones_are_over(
    server: subprocess.Popen[str],
) -> None:
    server.send_signal(signal.SIGTERM)
    assert line(server.stdout) == "draining"
    assert server.poll() is None
    assert server.stdin is not None
    server.stdin.write("hang up\n")
    server.stdin.flush()
    assert line(server.stdout) == "call over"
    assert server.wait(10) == 0


def test_a_second_signal_stops_it_at_once(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGTERM)
    assert line(server.stdout) == "draining"
    server.send_signal(signal.SIGTERM)
    assert server.stdin is not None
    server.stdin.close()  # its thread would keep the process
    server.wait(10)
