"""Recordings on disk and in S3-compatible storage: stored, verified, served, deleted elsewhere."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import carrier
from calls.models import Call, OutboxItem, Recording
from calls.recording_files import SoundDamaged, recording_put, recording_verify, recordings_storage
from calls.services.carrier_recordings import recordings_verify
from calls.services.outbox import outbox_run_due
from calls.services.record import recording_store
from calls.services.sound import sha256_of
from calls.services.webhooks import recording_apply
from calls.tests.conftest import Exchange
from tests.factories import CallFactory, UserFactory

pytestmark = pytest.mark.django_db
BUCKET = "recordings"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """A server that speaks S3's protocol, on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, settings: Any) -> Any:
    """Recordings are kept in a bucket of it."""
    options = {
        "bucket_name": BUCKET,
        "endpoint_url": s3_server,
        "region_name": "us-east-1",
        "access_key": "key",
        "secret_key": "secret",
        "default_acl": "private",
        "file_overwrite": True,
    }
    settings.STORAGES = {
        **django_settings.STORAGES,
        "recordings": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    bucket = storages["recordings"].bucket
    bucket.create()
    yield bucket
    bucket.objects.all().delete()


@pytest.fixture(params=["disk", "s3"])
def storage(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    settings.MEDIA_ROOT = tmp_path
    if request.param == "s3":
        request.getfixturevalue("s3")
    return str(request.param)


@pytest.fixture
def kept(storage: str, tmp_path: Path) -> Recording:
    """A finished recording, brought where recordings are kept."""
    call: Call = CallFactory(ended=True)
    name = f"recordings/{call.pk}.wav"
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(256)) * 250)
    digest = sha256_of(path)
    recording_put(path, name=name, sha256=digest)
    assert path.exists() == (storage == "disk")
    recording_store(call_id=call.pk, path=path, duration_ms=2000, sha256=digest, now=timezone.now())
    return Recording.objects.get(call=call)


def spoil(recording: Recording) -> None:
    from django.core.files.base import ContentFile

    kept = recordings_storage()
    kept.delete(recording.file.name)
    kept.save(recording.file.name, ContentFile(b"something else"))


@pytest.fixture
def listener(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def sound(recording: Recording) -> bytes:
    with recordings_storage().open(recording.file.name) as file:
        return bytes(file.read())


def test_it_is_stored_with_its_checksum(kept: Recording) -> None:
    assert kept.state == Recording.State.STORED
    assert hashlib.sha256(sound(kept)).hexdigest() == kept.sha256


def test_it_is_served_whole_and_in_parts(kept: Recording, listener: Client) -> None:
    address = reverse("admin:calls_recording_file", args=(kept.call_id,))
    whole = listener.get(address)
    assert whole.content == sound(kept)
    part = listener.get(address, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, sound(kept)[1000:2000])
    assert part["Content-Range"] == f"bytes 1000-1999/{len(whole.content)}"
    outline = listener.get(reverse("admin:calls_outline", args=(kept.call_id,))).json()
    assert outline["duration_ms"] == 2000


def test_only_who_may_listen_gets_it(kept: Recording, client: Client) -> None:
    client.force_login(UserFactory(is_staff=True))
    answer = client.get(reverse("admin:calls_recording_file", args=(kept.call_id,)))
    assert answer.status_code == 403


def test_bringing_it_twice_is_bringing_it_once(kept: Recording, tmp_path: Path) -> None:
    path = tmp_path / kept.file.name
    recording_put(path, name=kept.file.name, sha256=kept.sha256)
    recording_verify(kept.file.name, sha256=kept.sha256)


def test_a_file_that_was_changed_is_found_and_told(kept: Recording) -> None:
    assert recordings_verify(now=timezone.now()) == 0
    spoil(kept)
    assert recordings_verify(now=timezone.now()) == 1
    kept.refresh_from_db()
    assert kept.damaged_at is not None


def test_a_file_that_is_missing_is_found_and_the_page_says_so(
    kept: Recording, listener: Client
) -> None:
    recordings_storage().delete(kept.file.name)
    assert recordings_verify(now=timezone.now()) == 1
    for page in ("calls_recording_file", "calls_outline"):
        assert listener.get(reverse(f"admin:{page}", args=(kept.call_id,))).status_code == 404


def test_a_copy_that_arrives_damaged_keeps_the_original(s3: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    with pytest.raises(SoundDamaged):
        recording_put(path, name="recordings/a.wav", sha256="0" * 64)
    assert path.read_bytes() == b"sound"


def test_it_is_kept_as_long_as_the_setting_says(
    storage: str, settings: Any, request: pytest.FixtureRequest
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"recordings_keep_days": 90})
    kept = request.getfixturevalue("kept")
    assert kept.keep_until == (timezone.now() + timedelta(days=90)).date()


# The carrier's own recordings


def test_the_carrier_s_copy_is_fetched_and_deleted_only_when_ours_is_sound(
    exchange: Exchange, storage: str, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"twilio_delete_recordings": True})
    made = finished_recording(exchange)
    call: Call = CallFactory(ended=True, provider_sid=made.call.sid, recording_policy="carrier")
    now = timezone.now()
    url = f"{exchange.simulator.base_url}{made.path}"
    fields = {"RecordingSid": made.sid, "RecordingStatus": "completed", "RecordingUrl": url}
    for _ in range(2):
        recording_apply(call=call, parameters=fields, now=now)
    outbox_run_due(now)
    kept = Recording.objects.get(call=call)
    assert (kept.state, kept.channels) == ("stored", 2)
    spoil(kept)
    outbox_run_due(now)
    assert not made.deleted, "ours is damaged: theirs is the only one"
    item = OutboxItem.objects.get(kind="carrier_recording_delete")
    assert item.last_error.startswith("SoundDamaged")
    with recordings_storage().open(kept.file.name) as file:
        assert file.read() == b"something else"
    Recording.objects.filter(pk=kept.pk).update(
        sha256=hashlib.sha256(b"something else").hexdigest()
    )
    outbox_run_due(item.due_at + timedelta(minutes=5))
    outbox_run_due(item.due_at + timedelta(minutes=10))
    assert made.deleted
    assert carrier.recordings_price(made.call.sid) is not None, "it can still be reconciled"


def finished_recording(exchange: Exchange) -> Any:
    """Return a second of sound that the carrier has recorded."""
    from calls.simulator.call import SimulatedCall
    from calls.simulator.line import Line
    from calls.simulator.persona import Persona
    from calls.simulator.recordings import Recording as Made

    persona = Persona(name="lead", about="A lead.", expected="incomplete")
    call = SimulatedCall(django_settings.ENV.twilio_account_sid, "+1", "+1", persona)
    call.line = Line(lambda: None)
    call.line.said += bytes(8000)
    call.line.heard += bytes(8000)
    made = Made(call, "OutboundAPI", channels=2)
    made.finish()
    call.recordings.append(made)
    exchange.loop.call_soon_threadsafe(exchange.simulator.board.add, call)
    return made
