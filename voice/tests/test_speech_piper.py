"""Piper, in process and over its own server, with a real voice that is tiny."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from voice.audio import duration_ms
from voice.engines import piper
from voice.engines.interface import EngineError, SpeechSynthesizer
from voice.engines.loudness import speech_level_dbfs
from voice.engines.piper import PiperSynthesizer
from voice.engines.piper_http import PiperHttpSynthesizer
from voice.tests.piper_voice import write_voice

SENTENCE = "Good morning. How soon would you like to move?"


@pytest.fixture(scope="session")
def tiny_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("piper"))


@pytest.fixture(scope="module")
def piper_server(tiny_voice: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = [sys.executable, "-m", "piper.http_server", "-m", str(tiny_voice)]
    server = subprocess.Popen(
        [*program, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tiny_voice.parent,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, "the Piper server ended"
        try:
            urllib.request.urlopen(f"{url}/info", timeout=2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the Piper server did not start")


async def test_it_speaks_at_the_telephone_rate_and_level(tiny_voice: Path) -> None:
    speech = await PiperSynthesizer(tiny_voice).synthesize(SENTENCE, 8000)
    assert 1000 < duration_ms(speech, 8000) < 6000
    assert speech_level_dbfs(speech, 8000) == pytest.approx(-20, abs=1.5)


async def test_it_loads_one_model_for_all_calls_of_a_process(tiny_voice: Path) -> None:
    first, second = PiperSynthesizer(tiny_voice), PiperSynthesizer(str(tiny_voice))
    clips = await asyncio.gather(
        *(each.synthesize(SENTENCE) for each in (first, second, first, second))
    )
    assert len(set(clips)) == 1
    assert len(piper._models) == 1


async def test_it_stops_when_nobody_listens_and_speaks_again(tiny_voice: Path) -> None:
    voice = PiperSynthesizer(tiny_voice)
    stream = voice.stream(SENTENCE * 5, 8000)
    assert await anext(stream)
    await stream.aclose()
    assert await voice.synthesize("Hello.")


async def test_it_has_nothing_to_say_for_no_words(tiny_voice: Path) -> None:
    assert await PiperSynthesizer(tiny_voice).synthesize(" *** ") == b""


async def test_it_refuses_what_is_too_long(tiny_voice: Path) -> None:
    with pytest.raises(EngineError, match="split it"):
        await PiperSynthesizer(tiny_voice).synthesize("word " * 400)


def test_it_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="PIPER_VOICE"):
        PiperSynthesizer("")
    with pytest.raises(EngineError, match=r"absent\.onnx"):
        PiperSynthesizer(tmp_path / "absent.onnx")


def test_it_says_when_the_file_is_no_voice(tiny_voice: Path, tmp_path: Path) -> None:
    fake = tmp_path / "fake.onnx"
    fake.write_bytes(b"not a model")
    settings = tiny_voice.with_name(tiny_voice.name + ".json").read_bytes()
    fake.with_name("fake.onnx.json").write_bytes(settings)
    with pytest.raises(EngineError, match="no usable Piper voice"):
        PiperSynthesizer(fake).preload()


async def test_the_server_speaks_as_the_process_does(piper_server: str, tiny_voice: Path) -> None:
    remote = PiperHttpSynthesizer(piper_server)
    assert isinstance(remote, SpeechSynthesizer)
    speech = await remote.synthesize(SENTENCE, 8000)
    here = await PiperSynthesizer(tiny_voice).synthesize(SENTENCE, 8000)
    assert duration_ms(speech, 8000) == pytest.approx(duration_ms(here, 8000), abs=60)
    assert speech_level_dbfs(speech, 8000) == pytest.approx(-20, abs=1.5)


def test_the_server_is_known_before_the_first_call(piper_server: str) -> None:
    remote = PiperHttpSynthesizer(piper_server)
    before = remote.voice_key
    remote.preload()
    assert remote.voice_key.startswith(before + ":")
    again = PiperHttpSynthesizer(piper_server)
    again.preload()
    assert again.voice_key == remote.voice_key


async def test_a_server_that_is_not_there_is_an_error_that_names_it() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(EngineError, match=url) as caught:
            await PiperHttpSynthesizer(url).synthesize("Hello.")
        assert caught.value.retryable


async def test_a_server_that_never_answers_times_out() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(EngineError, match="in time"):
            await PiperHttpSynthesizer(url, answer_s=0.2).synthesize("Hello.")
