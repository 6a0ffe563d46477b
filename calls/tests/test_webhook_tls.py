"""Webhooks over real TLS: to the address that was checked, with the name's own certificate."""

from __future__ import annotations

import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calls import webhook_post as module
from calls.models import WebhookDelivery
from calls.policy.webhooks import signature
from calls.services.outbox import outbox_run_due
from calls.services.webhook_endpoints import endpoint_add
from calls.services.webhook_events import event_publish
from calls.tests.conftest import NOON
from calls.tests.test_webhook_signature import names
from calls.tests.webhook_receiver import receiver
from calls.webhook_post import WebhookFailed, webhook_post

DAY = timedelta(days=1)


class Authority:
    """Signs certificates for receivers; its own is what the sender is told to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        own = (
            self._begun(self._name, self._key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _begun(self, name: x509.Name, key: Any, *, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * DAY)
            .not_valid_after(now + days * DAY)
        )

    def context(self, alternative: x509.GeneralName, *, days: int = 1) -> ssl.SSLContext:
        """Return what a receiver needs to be this name or address; `days` are left to it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._begun(x509.Name([]), key, days=days)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{certificate.serial_number}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.file))
    # Only this machine is there to be sent to: it plays the public address.
    monkeypatch.setattr(module, "is_public", lambda address: address == "127.0.0.1")
    return made


CRM = x509.DNSName("crm.example.com")


def test_a_name_that_changes_its_address_gets_nothing_where_it_moved(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second answer of the name server is never asked for: rebinding has nothing to bind."""
    asked = names(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    named: list[str | None] = []
    context = authority.context(CRM)
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    with receiver(context) as there:
        url = f"https://crm.example.com:{there.port}/hook?a=1"
        assert webhook_post(url, body=b"{}", headers={"webhook-id": "msg_1"}) == 200
        with pytest.raises(WebhookFailed, match="private network"):
            webhook_post(url, body=b"{}", headers={"webhook-id": "msg_2"})
    assert (asked, named) == (["crm.example.com"] * 2, ["crm.example.com"])
    [got] = there.got
    assert (got.path, got.body) == ("/hook?a=1", b"{}")
    assert got.headers["host"] == f"crm.example.com:{there.port}"


@pytest.mark.parametrize(
    ("alternative", "days"),
    [
        (x509.DNSName("other.example.com"), 1),
        (x509.IPAddress(ipaddress.ip_address("127.0.0.1")), 1),  # the address is not the name
        (CRM, -1),
    ],
    ids=["of another name", "of the address", "expired"],
)
def test_a_receiver_with_a_wrong_certificate_gets_nothing(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, alternative: x509.GeneralName, days: int
) -> None:
    names(monkeypatch, ["127.0.0.1"])
    with (
        receiver(authority.context(alternative, days=days)) as there,
        pytest.raises(WebhookFailed, match="SSLError"),
    ):
        webhook_post(f"https://crm.example.com:{there.port}/", body=b"{}", headers={})
    assert there.got == []


def test_an_authority_that_nobody_knows_is_not_believed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, ["127.0.0.1"])
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with (
        receiver(authority.context(CRM)) as there,
        pytest.raises(WebhookFailed, match="SSLError"),
    ):
        webhook_post(f"https://crm.example.com:{there.port}/", body=b"{}", headers={})
    assert there.got == []


@pytest.mark.django_db
def test_an_event_arrives_signed_over_tls(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, ["127.0.0.1"])
    with receiver(authority.context(CRM)) as there:
        _, secret = endpoint_add(
            name="CRM", url=f"https://crm.example.com:{there.port}/hook",
            events=("budget.threshold",), actor=None, now=NOON,
        )  # fmt: skip
        event_publish(event="budget.threshold", key="k", data={"percent": 80}, now=NOON)
        outbox_run_due(NOON)
    [got] = there.got
    assert json.loads(got.body)["data"] == {"percent": 80}
    assert WebhookDelivery.objects.get().status_code == 200
    assert got.headers["webhook-signature"] == signature(
        [secret],
        message_id=got.headers["webhook-id"],
        timestamp=int(NOON.timestamp()),
        body=got.body,
    )
