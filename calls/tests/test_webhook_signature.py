"""Webhooks are signed as Standard Webhooks says, and go to public addresses only."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.policy.webhooks import is_public, secret_from, signature
from calls.tests.webhook_receiver import receiver
from calls.webhook_post import WebhookFailed, WebhookRefused, url_check, webhook_post

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_standard_s_own_example_is_signed_as_it_says() -> None:
    made = signature(
        [SECRET],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_secrets_change_both_sign() -> None:
    other = secret_from(b"x" * 32)
    values = {"message_id": "msg_1", "timestamp": 1, "body": b"{}"}
    both = signature([SECRET, other], **values).split(" ")  # type: ignore[arg-type]
    assert both == [signature([each], **values) for each in (SECRET, other)]  # type: ignore[arg-type]


def test_what_is_no_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signature(["whsec_not base64"], message_id="m", timestamp=1, body=b"")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.1.1", False), ("255.255.255.255", False), ("240.0.0.1", False),
        ("::1", False), ("::", False), ("fe80::1", False), ("fc00::1", False), ("fec0::1", False),
        ("ff02::1", False), ("::ffff:127.0.0.1", False), ("::ffff:93.184.215.14", True),
        ("::127.0.0.1", False), ("64:ff9b::a9fe:a9fe", False), ("2002:7f00:1::", False),
        ("fe80::1%eth0", False), ("localhost", False), ("", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


PRIVATE = [IPv4Network(net) for net in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
                                        "172.16.0.0/12", "192.168.0.0/16")]  # fmt: skip


@given(net=st.sampled_from(PRIVATE), offset=st.integers(0, 2**24 - 1))
def test_no_wrapping_makes_a_private_address_public(net: IPv4Network, offset: int) -> None:
    inner = int(net.network_address) + offset % net.num_addresses
    wrapped = (0xFFFF << 32 | inner, 0x64FF9B << 96 | inner, 0x2002 << 112 | inner << 80, inner)
    assert not is_public(str(IPv4Address(inner)))
    assert not any(is_public(str(IPv6Address(address))) for address in wrapped)


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.com/", "ftp://crm.example.com", "https://", "crm.example.com",
     "https://user:pass@crm.example.com/", "https://crm.example.com:0/", "https://[::1", ""],
)  # fmt: skip
def test_an_address_that_will_not_do_is_explained(url: str) -> None:
    with pytest.raises(WebhookRefused, match=r"https://|signed instead"):
        url_check(url)


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the name server answer so, once each; return what was asked."""
    asked: list[str] = []
    waiting = list(answers)
    # What is no name goes its usual way: the connection itself asks with an address.
    real = socket.getaddrinfo

    def answer(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".example.com"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in waiting.pop(0)]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "10.0.0.5"]])
def test_a_name_of_the_own_network_is_refused_for_good(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    names(monkeypatch, addresses)
    with pytest.raises(WebhookFailed, match="private network") as refusal:
        webhook_post("https://inside.example.com/hook", body=b"{}", headers={})
    assert refusal.value.permanent


def test_it_goes_to_the_address_that_was_checked_and_asks_no_second_time(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"webhooks_allow_private": True})
    asked = names(monkeypatch, ["127.0.0.1"])
    with receiver() as there:
        url = f"http://crm.example.com:{there.port}/hook?a=1"
        assert webhook_post(url, body=b"{}", headers={"webhook-id": "msg_1"}) == 200
    assert asked == ["crm.example.com"]
    [got] = there.got
    assert (got.path, got.body) == ("/hook?a=1", b"{}")
    assert got.headers["host"] == f"crm.example.com:{there.port}"


def test_a_redirect_is_not_followed(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"webhooks_allow_private": True})
    with receiver() as there, receiver() as elsewhere:
        there.status, there.location = 307, elsewhere.url
        with pytest.raises(WebhookFailed, match="redirects are not followed"):
            webhook_post(there.url, body=b"{}", headers={})
    assert (len(there.got), elsewhere.got) == (1, [])
