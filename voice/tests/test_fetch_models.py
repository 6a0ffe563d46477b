"""Fetching models from a hub: a local server with the hub's addresses, and all that goes wrong."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from voice.engines.whisper import WhisperRecognizer, choice_of_settings
from voice.engines.whisper_model import WhisperChoice
from voice.tests.tiny_whisper import make_whisper

WHISPER = "Systran/faster-whisper-tiny"
PIPER = "rhasspy/piper-voices"
VOICE = "en_US-lessac-medium"
VOICE_FOLDER = "en/en_US/lessac/medium"


class Hub(ThreadingHTTPServer):
    """Lists and serves files as Hugging Face does: large ones by redirection, with ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.break_off_after: list[int] = []
        self.fail: list[int] = []
        self.damage = 0
        self.ignores_ranges = False
        threading.Thread(target=self.serve_forever, daemon=True, args=(0.02,)).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fetched(self, name: str) -> list[str]:
        """Return the ranges asked of a file, "" for all of it."""
        return [asked for path, asked in self.requests if path.endswith(name) and "/cdn/" in path]


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        hub, path = self.server, self.path
        hub.requests.append((path, self.headers.get("Range", "")))
        if hub.fail:
            self.send_error(hub.fail.pop(0))
        elif path.startswith("/api/models/"):
            self._list(path.removeprefix("/api/models/"))
        elif path.startswith("/cdn/"):
            self._serve(path.removeprefix("/cdn/"))
        elif (name := path.removeprefix("/").replace("/resolve/main/", "/")) in hub.files:
            self.send_response(302)
            self.send_header("Location", f"/cdn/{name}")
            self.end_headers()
        else:
            self.send_error(404)

    def _list(self, path: str) -> None:
        repository, _, inside = path.partition("/tree/main")
        start = f"{repository}{inside}/"
        entries: list[dict[str, Any]] = [{"type": "directory", "oid": "0", "size": 0, "path": "x"}]
        for name, content in self.server.files.items():
            if not name.startswith(start) or "/" in name.removeprefix(start):
                continue
            blob = f"blob {len(content)}\0".encode() + content
            entry: dict[str, Any] = {
                "type": "file",
                "oid": hashlib.sha1(blob).hexdigest(),
                "size": self.server.sizes.get(name, len(content)),
                "path": name.removeprefix(f"{repository}/"),
            }
            if name.endswith((".bin", ".onnx")):
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
            entries.append(entry)
        if len(entries) == 1:
            self.send_error(401)
            return
        body = json.dumps(entries).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _serve(self, name: str) -> None:
        hub = self.server
        content, asked = hub.files[name], self.headers.get("Range")
        start = 0
        if asked and not hub.ignores_ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if hub.damage and name.endswith("model.bin"):
            hub.damage -= 1
            body = bytes(len(body))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if hub.break_off_after and name.endswith("model.bin"):
            body = body[: hub.break_off_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture
def hub(tiny: Path) -> Iterator[Hub]:
    made = Hub()
    for path in tiny.iterdir():
        made.files[f"{WHISPER}/{path.name}"] = path.read_bytes()
    made.files[f"{WHISPER}/README.md"] = b"about"
    made.files[f"{PIPER}/{VOICE_FOLDER}/{VOICE}.onnx"] = b"\x08" * 70_000
    made.files[f"{PIPER}/{VOICE_FOLDER}/{VOICE}.onnx.json"] = b'{"audio": {}}'
    made.files[f"{PIPER}/{VOICE_FOLDER}/MODEL_CARD"] = b"a voice"
    made.files[f"{PIPER}/{VOICE_FOLDER}/samples.mp3"] = b"sound"
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def models(hub: Hub, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of all models; waiting between attempts takes no time."""
    settings.ENV = settings.ENV.model_copy(
        update={"data_dir": tmp_path, "models_base_url": hub.url, "whisper_model": ""}
    )
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _: None))
    return tmp_path / "models"


def fetch(*arguments: str) -> str:
    out = io.StringIO()
    call_command("fetch_models", *arguments, stdout=out)
    return out.getvalue()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_whisper_is_fetched_and_can_be_used(models: Path, settings: Any) -> None:
    said = fetch("--whisper", "tiny")
    place = models / "whisper" / "tiny"
    assert names_in(place) == {
        "config.json",
        "model.bin",
        "preprocessor_config.json",
        "tokenizer.json",
        "vocabulary.json",
        "fetched.json",
    }
    assert "model.bin: 100 % of" in said
    assert "STT_ENGINE=whisper WHISPER_MODEL=tiny" in said
    settings.ENV = settings.ENV.model_copy(update={"whisper_model": "tiny"})
    assert choice_of_settings() == WhisperChoice("tiny", models / "whisper")
    engine = WhisperRecognizer()
    engine.preload()
    engine.close()


def test_a_piper_voice_is_fetched(models: Path) -> None:
    said = fetch("--piper", VOICE)
    place = models / "piper" / VOICE
    assert names_in(place) == {
        f"{VOICE}.onnx",
        f"{VOICE}.onnx.json",
        "MODEL_CARD",
        "fetched.json",
    }
    assert f"PIPER_VOICE={place / VOICE}.onnx" in said


def test_what_is_there_is_checked_and_not_fetched_again(models: Path, hub: Hub) -> None:
    fetch("--whisper", "tiny")
    hub.requests.clear()
    assert "tiny is there and whole" in fetch("--whisper", "tiny")
    assert hub.requests == []


def test_a_model_that_was_damaged_is_fetched_again(models: Path, tiny: Path) -> None:
    fetch("--whisper", "tiny")
    place = models / "whisper" / "tiny"
    (place / "model.bin").write_bytes(b"rot")
    fetch("--whisper", "tiny")
    assert (place / "model.bin").read_bytes() == (tiny / "model.bin").read_bytes()
    assert names_in(models / "whisper") == {"tiny", ".tiny.lock"}


def test_without_a_name_it_takes_that_of_the_settings(models: Path, settings: Any) -> None:
    with pytest.raises(CommandError, match="--whisper base --piper en_US-lessac-medium"):
        fetch()
    settings.ENV = settings.ENV.model_copy(update={"whisper_model": "tiny"})
    assert "Fetching tiny" in fetch()


def test_a_repository_can_be_named(models: Path, hub: Hub) -> None:
    for name in [name for name in hub.files if name.startswith(WHISPER)]:
        hub.files[name.replace(WHISPER, "ours/whisper-estate")] = hub.files[name]
    fetch("--whisper", "ours/whisper-estate")
    choice = WhisperChoice("ours/whisper-estate", models / "whisper")
    assert choice.path() == models / "whisper" / "ours--whisper-estate"


def test_a_connection_that_breaks_off_goes_on_where_it_stopped(
    models: Path, hub: Hub, tiny: Path
) -> None:
    hub.break_off_after = [50_000, 70_000]
    fetch("--whisper", "tiny")
    assert hub.fetched("model.bin") == ["", "bytes=50000-", "bytes=120000-"]
    stored = models / "whisper" / "tiny" / "model.bin"
    assert stored.read_bytes() == (tiny / "model.bin").read_bytes()


def test_a_later_run_goes_on_as_well(models: Path, hub: Hub) -> None:
    hub.break_off_after = [1000] * 4
    with pytest.raises(CommandError, match=r"broke off in model\.bin"):
        fetch("--whisper", "tiny")
    assert not (models / "whisper" / "tiny").exists()
    hub.requests.clear()
    fetch("--whisper", "tiny")
    assert hub.fetched("model.bin") == ["bytes=4000-"]


def test_a_server_without_ranges_is_asked_for_everything(models: Path, hub: Hub) -> None:
    hub.ignores_ranges = True
    hub.break_off_after = [50_000]
    fetch("--whisper", "tiny")
    assert hub.fetched("model.bin") == ["", "bytes=50000-"]


def test_leftovers_of_another_version_do_no_harm(models: Path, hub: Hub) -> None:
    waiting = models / "whisper" / ".tiny.part"
    waiting.mkdir(parents=True)
    (waiting / "model.bin").write_bytes(b"older" * 1000)
    (waiting / "config.json").write_bytes(b"x" * 100_000)
    (waiting / "vocabulary.txt").write_bytes(b"older")
    fetch("--whisper", "tiny")
    assert hub.fetched("model.bin") == ["bytes=5000-", ""]
    assert "vocabulary.txt" not in names_in(models / "whisper" / "tiny")


def test_a_passing_failure_of_the_hub_is_waited_out(models: Path, hub: Hub) -> None:
    hub.fail = [503, 500, 429]
    assert "whole" in fetch("--whisper", "tiny")


def test_content_that_does_not_match_its_checksum_is_not_kept(models: Path, hub: Hub) -> None:
    hub.damage = 1
    assert "whole" in fetch("--whisper", "tiny")
    shutil.rmtree(models / "whisper" / "tiny")
    hub.damage = 2
    with pytest.raises(CommandError, match="arrived damaged twice: its checksum is not sha256:"):
        fetch("--whisper", "tiny")
    assert not (models / "whisper" / "tiny").exists()


def test_without_a_network_it_says_what_to_do_by_hand(models: Path, hub: Hub) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(CommandError) as caught:
        fetch("--whisper", "tiny")
    message = str(caught.value)
    assert "cannot be reached (Connection refused): check the network" in message
    assert f"{hub.url}/{WHISPER}/tree/main" in message
    assert "model.bin" in message
    assert f"put them into\n  {models / 'whisper' / 'tiny'}" in message


def test_a_model_that_the_hub_does_not_have_is_named(models: Path) -> None:
    with pytest.raises(CommandError, match=r"faster-whisper-large-v3/tree/main is not there"):
        fetch("--whisper", "large-v3")
    with pytest.raises(CommandError, match=r"en_GB/alan/low is not there \(401\): check the name"):
        fetch("--piper", "en_GB-alan-low")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--whisper", "gigantic"), "no Whisper model 'gigantic'. Known: tiny.en, tiny"),
        (("--piper", "lessac"), "'lessac' is no name of a Piper voice"),
        (("--piper", "../en_US-x-low"), "is no name of a Piper voice"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_fetched(
    models: Path, hub: Hub, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        fetch("--whisper", "tiny", *arguments)
    assert hub.requests == []


def test_a_repository_without_a_model_is_none(models: Path, hub: Hub) -> None:
    del hub.files[f"{WHISPER}/model.bin"]
    with pytest.raises(CommandError, match=r"holds no whisper model of the name tiny: model\.bin"):
        fetch("--whisper", "tiny")


def test_a_disk_too_small_is_noticed_before_the_download(models: Path, hub: Hub) -> None:
    hub.sizes[f"{WHISPER}/model.bin"] = 10**15
    with pytest.raises(CommandError, match=r"10000001\d\d MB are needed in .*whisper, \d+ MB are"):
        fetch("--whisper", "tiny")
    assert hub.fetched("model.bin") == []


def test_a_disk_that_fills_up_meanwhile_is_named(models: Path) -> None:
    waiting = models / "whisper" / ".tiny.part"
    waiting.mkdir(parents=True)
    (waiting / "model.bin").symlink_to("/dev/full")
    with pytest.raises(CommandError, match=r"No space left on device\. Free space there"):
        fetch("--whisper", "tiny")


def test_two_at_once_do_not_get_in_each_others_way(models: Path) -> None:
    (models / "whisper").mkdir(parents=True)
    with (models / "whisper" / ".tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="being fetched by another process"):
            fetch("--whisper", "tiny")
    assert "whole" in fetch("--whisper", "tiny")
