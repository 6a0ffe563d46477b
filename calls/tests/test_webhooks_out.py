"""Other systems hear of what happened: once, signed, tried again, and given up loudly."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import BudgetAlert
from calls.models import OutboxItem, WebhookDelivery, WebhookEndpoint
from calls.policy.webhooks import signature
from calls.services.aftercall import aftercall_run
from calls.services.budget_alerts import budgets_watch
from calls.services.outbox import outbox_run_due
from calls.services.webhook_endpoints import (
    endpoint_add,
    endpoint_change,
    endpoint_secret_renew,
)
from calls.services.webhook_events import (
    deliveries_purge,
    delivery_repeat,
    delivery_state,
    event_publish,
)
from calls.tests.conftest import NOON, playbook_version
from calls.tests.test_budget_alerts import use
from calls.tests.webhook_receiver import Receiver, receiver
from leads.models import AuditEntry
from tests.factories import (
    BudgetFactory,
    CallFactory,
    ManagerFactory,
    TurnFactory,
    UserFactory,
)
from tests.threads import at_once, shared_database

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=1)


@pytest.fixture
def there(settings: Any) -> Any:
    settings.ENV = settings.ENV.model_copy(update={"webhooks_allow_private": True})
    with receiver() as running:
        yield running


def listen(there: Receiver, *events: str, name: str = "Our CRM") -> tuple[WebhookEndpoint, str]:
    return endpoint_add(
        name=name, url=there.url, events=events or ("budget.threshold",), actor=None, now=NOON
    )


def publish(key: str = "k", now: datetime = NOON) -> int:
    return event_publish(event="budget.threshold", key=key, data={"percent": 80}, now=now)


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("job", "endpoint").get()


def test_a_budget_s_threshold_is_heard_of_once_and_signed(there: Receiver) -> None:
    _, secret = listen(there)
    budget = BudgetFactory(limit=10, name="Ana Rivera's budget", notify="ana@example.com")
    use(budget, "8.1")
    for _ in range(3):
        budgets_watch(NOON)
        outbox_run_due(NOON)
    [got] = there.got
    sent = json.loads(got.body)
    assert (sent["type"], sent["timestamp"]) == ("budget.threshold", NOON.isoformat())
    alert = BudgetAlert.objects.get(percent=80)
    assert sent["data"] == {
        "alert": str(alert.pk), "budget": str(budget.pk), "campaign": None, "kind": "notice",
        "percent": 80, "measure": "spend", "period": "day", "starts_on": "2026-11-18",
        "limit": "10.000000", "committed": "8.100000", "currency": "USD", "campaigns_paused": 0,
    }  # fmt: skip
    assert "Ana" not in got.body.decode()
    assert got.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert got.headers["webhook-signature"] == signature(
        [secret],
        message_id=got.headers["webhook-id"],
        timestamp=int(NOON.timestamp()),
        body=got.body,
    )
    assert delivery_state(only()) == "delivered"
    assert (only().attempts, only().status_code) == (1, 200)


def test_only_who_hears_of_it_and_is_switched_on_is_told(there: Receiver) -> None:
    listen(there, "cost.variance", name="Other")
    off, _ = listen(there, name="Off")
    WebhookEndpoint.objects.filter(pk=off.pk).update(active=False)
    assert publish() == 0
    listen(there)
    assert [publish(), publish()] == [1, 0]
    with pytest.raises(LookupError, match="nonsense"):
        event_publish(event="nonsense", key="k", data={}, now=NOON)


def test_an_event_of_a_transaction_that_failed_is_none(there: Receiver) -> None:
    listen(there)
    with transaction.atomic():
        assert publish() == 1
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()
    assert not OutboxItem.objects.exists()


def test_it_is_tried_again_under_the_same_id_until_it_is_taken(there: Receiver) -> None:
    listen(there)
    publish()
    there.status = 503
    moments = [NOON, NOON + timedelta(seconds=10), NOON + timedelta(minutes=10)]
    for now in moments[:2]:
        outbox_run_due(now)
    assert (delivery_state(only()), only().problem) == ("waiting", "Answered with 503.")
    there.status = 200
    outbox_run_due(moments[2])
    assert [got.headers["webhook-id"] for got in there.got] == [only().message_id] * 3
    assert len({got.headers["webhook-signature"] for got in there.got}) == 3
    assert (delivery_state(only()), only().attempts, only().problem) == ("delivered", 3, "")


def test_it_is_given_up_after_days_and_sent_again_by_hand(there: Receiver) -> None:
    listen(there)
    publish()
    there.status = 404
    now = NOON
    for _ in range(12):
        outbox_run_due(now)
        now += timedelta(hours=40)
    assert (delivery_state(only()), only().attempts) == ("given_up", 10)
    there.status = 204
    assert delivery_repeat(delivery_id=only().pk, now=now)
    assert not delivery_repeat(delivery_id=only().pk, now=now)
    outbox_run_due(now)
    assert delivery_state(only()) == "delivered"
    # A receiver that lost it can be sent it once more.
    assert delivery_repeat(delivery_id=only().pk, now=now)
    outbox_run_due(now)
    assert len({got.headers["webhook-id"] for got in there.got}) == 1
    assert len(there.got) == 12


def test_a_receiver_that_is_gone_is_switched_off(there: Receiver) -> None:
    listen(there)
    publish()
    there.status = 410
    outbox_run_due(NOON)
    assert delivery_state(only()) == "given_up"
    assert not only().endpoint.active
    assert "410" in only().endpoint.switched_off_because
    publish("later")
    assert WebhookDelivery.objects.count() == 1


def test_a_host_that_fails_rests_and_one_attempt_looks_whether_it_is_back(there: Receiver) -> None:
    listen(there)
    listen(there, name="Same host")
    there.status = 500
    for number in range(5):
        publish(f"first {number}")
    outbox_run_due(NOON)
    assert len(there.got) == 5
    outbox_run_due(NOON + timedelta(seconds=20))
    assert len(there.got) == 5
    assert {row.failures for row in WebhookEndpoint.objects.all()} == {5}
    there.status = 200
    later = NOON + timedelta(minutes=20)
    outbox_run_due(later)
    outbox_run_due(later + timedelta(minutes=1))
    assert not WebhookDelivery.objects.filter(delivered_at__isnull=True).exists()
    assert {row.rests_until for row in WebhookEndpoint.objects.all()} == {None}


def test_a_host_that_is_away_is_a_failure_and_no_error_of_ours(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"webhooks_allow_private": True})
    endpoint_add(
        name="Away", url="http://127.0.0.1:9/", events=["budget.threshold"], actor=None, now=NOON
    )
    publish()
    outbox_run_due(NOON)
    assert delivery_state(only()) == "waiting"
    assert "127.0.0.1 could not be reached" in only().problem


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day(there: Receiver) -> None:
    endpoint, old = listen(there)
    new = endpoint_secret_renew(endpoint_id=endpoint.pk, actor=None, now=NOON)
    for number, now in enumerate((NOON, NOON + DAYS)):
        publish(str(number), now)
        outbox_run_due(now)
    for got, secrets in zip(there.got, ([new, old], [new]), strict=True):
        assert got.headers["webhook-signature"] == signature(
            secrets,
            message_id=got.headers["webhook-id"],
            timestamp=int(got.headers["webhook-timestamp"]),
            body=got.body,
        )


def test_a_secret_is_unreadable_in_the_database_and_lost_with_the_key(
    there: Receiver, settings: Any
) -> None:
    endpoint, secret = listen(there)
    assert secret not in endpoint.sealed_secret
    settings.SECRET_KEY = "another key " * 6
    publish()
    outbox_run_due(NOON)
    assert (delivery_state(only()), there.got) == ("given_up", [])
    assert "Make a new secret" in only().problem


def test_a_new_address_has_no_past(there: Receiver) -> None:
    endpoint, _ = listen(there)
    WebhookEndpoint.objects.update(failures=9, rests_until=NOON + DAYS, active=False)
    changed = endpoint_change(
        endpoint_id=endpoint.pk, name="CRM", url="http://127.0.0.2/", active=True,
        events=["cost.variance"], actor=None, now=NOON,
    )  # fmt: skip
    assert (changed.host, changed.failures, changed.rests_until) == ("127.0.0.2", 0, None)
    assert AuditEntry.objects.filter(action="settings", text__contains="webhook").count() == 2


def test_old_deliveries_are_forgotten(there: Receiver) -> None:
    listen(there)
    publish()
    assert deliveries_purge(before=timezone.now() - DAYS) == 0
    assert deliveries_purge(before=timezone.now() + DAYS) == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_that_many_publish_is_promised_once(there: Receiver, tmp_path: Path) -> None:
    listen(there)
    with shared_database(tmp_path):
        results = at_once(6, lambda _: publish())
        [counts] = at_once(
            1, lambda _: (WebhookDelivery.objects.count(), OutboxItem.objects.count())
        )
    assert sorted(results) == [0, 0, 0, 0, 0, 1]
    assert counts == (1, 1)


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(ManagerFactory())
    return client


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(f"admin:{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_adds_one_sees_its_secret_once_and_tests_it(
    manager: Client, there: Receiver
) -> None:
    form = {"name": "Our CRM", "url": there.url, "events": ["budget.threshold"]}
    answer = manager.post(reverse("admin:calls_webhookendpoint_add"), form)
    shown = answer.content.decode()
    assert "whsec_" in shown
    assert "no-store" in answer["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get()
    assert "whsec_" not in page(manager, "calls_webhookendpoint_change", endpoint.pk)
    test = reverse("admin:calls_webhookendpoint_send_test", args=(endpoint.pk,))
    assert f"Send a test to {endpoint.host} now?" in manager.get(test).content.decode()
    assert there.got == []
    assert "The test was taken (HTTP 200)" in manager.post(test, follow=True).content.decode()
    assert json.loads(there.got[0].body)["type"] == "webhook.test"
    there.status = 500
    assert "Answered with 500." in manager.post(test, follow=True).content.decode()
    assert "Not taken" in page(manager, "calls_webhookdelivery_changelist")
    assert "Our CRM" in page(manager, "calls_webhookendpoint_changelist")


def test_a_manager_renews_a_secret_after_a_question(manager: Client, there: Receiver) -> None:
    endpoint, old = listen(there)
    asked = page(manager, "calls_webhookendpoint_new_secret", endpoint.pk)
    assert "For 24 hours" in asked
    answer = manager.post(reverse("admin:calls_webhookendpoint_new_secret", args=(endpoint.pk,)))
    assert "whsec_" in answer.content.decode()
    assert old not in answer.content.decode()


def test_who_may_only_look_gets_no_secret_and_sends_nothing(
    client: Client, there: Receiver
) -> None:
    endpoint, _ = listen(there)
    looker = UserFactory()
    looker.user_permissions.add(Permission.objects.get(codename="view_webhookendpoint"))
    client.force_login(looker)
    for name in ("send_test", "new_secret"):
        address = reverse(f"admin:calls_webhookendpoint_{name}", args=(endpoint.pk,))
        answer = client.post(address, follow=True)
        assert "whsec_" not in answer.content.decode()
    before = endpoint.sealed_secret
    endpoint.refresh_from_db()
    assert (there.got, endpoint.sealed_secret) == ([], before)


def test_a_call_that_is_over_is_heard_of_without_a_name_or_number(there: Receiver) -> None:
    listen(there, "call.ended")
    call = CallFactory(
        ended=True,
        settled_at=None,
        outcome="qualified",
        score=None,
        carrier_seconds=95,
        playbook_version=playbook_version(),
    )
    TurnFactory(call=call, index=1, speaker="lead")
    for _ in range(2):
        aftercall_run(call_id=call.pk, now=call.ended_at + timedelta(minutes=1))
    body = only().body
    call.refresh_from_db()
    assert call.score is not None
    assert json.loads(body)["data"] == {
        "call": str(call.pk), "lead": str(call.lead_id), "campaign": str(call.campaign_id),
        "direction": "outbound", "state": call.state, "outcome": "qualified", "seconds": 95,
        "score": call.score, "cost": f"{call.cost:f}", "currency": "USD",
    }  # fmt: skip
    assert call.lead.first_name not in body
    assert str(call.to_number)[2:] not in body


def test_a_wrong_address_is_explained_at_the_form(manager: Client) -> None:
    form = {"name": "Inside", "url": "http://10.0.0.1/", "events": ["budget.threshold"]}
    answer = manager.post(reverse("admin:calls_webhookendpoint_add"), form)
    assert "begins with https://" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_manager_sends_deliveries_again(manager: Client, there: Receiver) -> None:
    listen(there)
    publish(now=timezone.now())
    outbox_run_due(timezone.now())
    manager.post(
        reverse("admin:calls_webhookdelivery_changelist"),
        {"action": "repeat", "_selected_action": [str(only().pk)]},
    )
    outbox_run_due(timezone.now())
    assert len(there.got) == 2
    assert only().attempts == 2
