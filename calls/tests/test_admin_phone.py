"""My phone: where somebody takes calls; and the pages that take calls over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pydantic import SecretStr

from calls.models import Call, RepLine, Transfer, TransferLeg
from leads.models import AuditEntry
from tests.factories import CallFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:calls_phone")


def staff(*permissions: str) -> User:
    user: User = UserFactory(is_staff=True, first_name="Dana")
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def rep(client: Client) -> User:
    user = staff("view_call")
    client.force_login(user)
    return user


@pytest.fixture
def live() -> Call:
    made: Call = CallFactory(live=True, stream_started_at=timezone.now())
    return made


def test_somebody_sets_where_they_take_calls(client: Client, rep: User) -> None:
    assert "You take no calls" in client.get(PAGE).content.decode()
    client.post(PAGE, {"available": "on", "via": "phone", "phone": "(512) 555-0177"})
    line = RepLine.objects.get(user=rep)
    assert (line.available, line.via, str(line.phone)) == (True, "phone", "+15125550177")
    assert line.can_ring(timezone.now())


@pytest.mark.parametrize(("phone", "why"), [("", "give its number"), ("12", "valid phone number")])
def test_a_telephone_needs_a_number(client: Client, rep: User, phone: str, why: str) -> None:
    page = client.post(PAGE, {"available": "on", "via": "phone", "phone": phone})
    assert why in page.content.decode()
    assert not RepLine.objects.exists()


def test_without_an_api_key_the_page_says_what_is_missing(client: Client, rep: User) -> None:
    answer = client.post(reverse("admin:calls_phone_token"))
    assert answer.status_code == 503
    assert "TWILIO_API_KEY_SID" in answer.json()["problem"]
    page = client.get(PAGE).content.decode()
    assert "TWILIO_API_KEY_SID" in page
    assert 'data-uses-browser="no"' in page, "it asks for no token, which would be an error"
    refused = client.post(PAGE, {"available": "on", "via": "browser"}).content.decode()
    assert "take calls on your telephone" in refused
    assert not RepLine.objects.exists(), "nobody waits for a browser that cannot ring"


def test_a_token_lets_a_browser_be_rung_and_dial_nobody(
    client: Client, rep: User, settings: Any
) -> None:
    secret = "s" * 40
    settings.ENV = django_settings.ENV.model_copy(
        update={"twilio_api_key_sid": "SK" + "1" * 32, "twilio_api_key_secret": SecretStr(secret)}
    )
    token = client.post(reverse("admin:calls_phone_token")).json()["token"]
    content = jwt.decode(token, secret, algorithms=["HS256"])
    assert content["grants"] == {
        "identity": f"rep_{rep.pk}",
        "voice": {"incoming": {"allow": True}},
    }
    assert content["sub"] == django_settings.ENV.twilio_account_sid
    assert RepLine(user=rep).address == f"client:rep_{rep.pk}"


def test_an_open_browser_can_be_rung_and_a_closed_one_cannot(client: Client, rep: User) -> None:
    client.post(reverse("admin:calls_phone_ringing"), {"registered": "no"})
    assert not RepLine.objects.exists()
    client.post(reverse("admin:calls_phone_ringing"), {"registered": "yes"})
    line = RepLine.objects.get(user=rep)
    assert line.can_ring(timezone.now())
    assert not line.can_ring(timezone.now() + timedelta(seconds=60))
    client.post(reverse("admin:calls_phone_closed"))
    line.refresh_from_db()
    assert not line.can_ring(timezone.now())


def test_what_rings_is_shown_with_what_is_known(client: Client, rep: User, live: Call) -> None:
    transfer = Transfer.objects.create(
        call=live, reason="wants a person", expires_at=timezone.now()
    )
    TransferLeg.objects.create(transfer=transfer, rep=rep, address="client:x", state="ringing")
    shown = client.post(reverse("admin:calls_phone_ringing")).json()["ringing"]
    assert (shown["lead"], shown["reason"]) == (str(live.lead), "wants a person")
    assert shown["call_id"] == str(live.pk)


def test_a_stranger_has_no_phone(client: Client) -> None:
    client.force_login(staff())
    assert client.get(PAGE).status_code == 403
    assert client.post(reverse("admin:calls_phone_token")).status_code == 403


# Taking over, listening in


def test_taking_over_is_asked_once_and_kept(client: Client, live: Call) -> None:
    boss = staff("view_call", "take_over", "view_every_lead")
    client.force_login(boss)
    page = reverse("admin:calls_take_over", args=(live.pk,))
    assert client.get(page)["Location"] == PAGE, "first say where to ring"
    RepLine.objects.create(user=boss, via="phone", phone="+15125550199")
    assert "Take the call with" in client.get(page).content.decode()
    assert not Transfer.objects.exists()
    client.post(page)
    transfer = Transfer.objects.get()
    assert (transfer.kind, transfer.requested_by) == ("takeover", boss)
    assert AuditEntry.objects.get(action="take_over").actor_id == boss.pk


@pytest.mark.parametrize("name", ["calls_take_over", "calls_call_listen"])
def test_both_need_their_permission(client: Client, live: Call, name: str) -> None:
    client.force_login(staff("view_call", "change_call"))
    assert client.get(reverse(f"admin:{name}", args=(live.pk,))).status_code == 403
    page = client.get(reverse("admin:calls_live")).content.decode()
    assert "Take over" not in page
    assert "Listen" not in page


def test_the_live_page_offers_what_may_be_done(client: Client, live: Call) -> None:
    client.force_login(staff("view_call", "listen_in", "take_over", "view_every_lead"))
    page = client.get(reverse("admin:calls_live")).content.decode()
    assert "Take over" in page
    assert reverse("admin:calls_call_listen", args=(live.pk,)) in page
    Call.objects.filter(pk=live.pk).update(handed_over_at=timezone.now())
    page = client.get(reverse("admin:calls_live")).content.decode()
    assert "With a colleague" in page
    assert "Take over" not in page
