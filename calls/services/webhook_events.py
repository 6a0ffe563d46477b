"""Tell other systems what happened: at least once, signed, and without personal data.

`event_publish` writes a delivery per endpoint in the transaction of the event itself, with an
outbox item that sends it. A host that fails again and again rests, for all of its endpoints and
in all processes, because the rows say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import structlog
from django.db import transaction
from django.db.models import F

from calls.models import OutboxItem, WebhookDelivery, WebhookEndpoint
from calls.policy.webhooks import signature
from calls.services.outbox import GiveUp, NotYet, outbox_add, outbox_retry
from calls.services.webhook_endpoints import endpoint_secrets, endpoint_switch_off
from calls.webhook_post import WebhookFailed, webhook_post
from leads.sealing import InvalidToken

logger = structlog.get_logger(__name__)

TEST: Final = "webhook.test"
EVENTS: Final = {
    "call.ended": "A call is over and settled, with its outcome",
    "budget.threshold": "A budget reaches 50, 80, 95 or 100 %",
    "cost.variance": "A bill differs from its estimate",
}
"""Every event that can be heard of, and what it says. The names are kept; do not rename."""

OUTBOX_KIND: Final = "webhook"
FAILURES_BEFORE_REST: Final = 5
REST: Final = timedelta(minutes=1)
_ATTEMPT: Final = timedelta(seconds=30)
"""How long the others wait for the one that looks whether a host is back."""
_GONE: Final = 410


@transaction.atomic
def event_publish(*, event: str, key: str, data: Mapping[str, Any], now: datetime) -> int:
    """Promise an event to every endpoint that hears of it. Returns to how many it is new.

    Call it in the transaction of what happened. The same `key` again is the same event.

    Args:
        event: one of `EVENTS`.
        key: names what happened, such as "budget_alert:<id>".
        data: ids, amounts as decimal strings, words of ours; nothing about a person.
    """
    if event not in EVENTS:
        raise LookupError(f"There is no webhook event {event!r}: add it to EVENTS.")
    hearing = [
        endpoint
        for endpoint in WebhookEndpoint.objects.filter(active=True)
        if event in endpoint.events
    ]
    return sum(_promise(endpoint, event, key, data, now) is not None for endpoint in hearing)


def endpoint_test(*, endpoint_id: UUID, now: datetime) -> WebhookDelivery:
    """Promise an endpoint an event that says nothing, to see whether it is taken."""
    endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    with transaction.atomic():
        made = _promise(endpoint, TEST, f"{TEST}:{uuid4()}", {"endpoint": str(endpoint.pk)}, now)
    assert made is not None  # noqa: S101 - its key is new
    return made


def webhook_deliver(*, delivery_id: UUID | str, now: datetime) -> None:
    """Send one delivery (outbox). Taken once, it is not sent again.

    Raises:
        NotYet: its host rests.
        WebhookFailed: it was not taken; the outbox tries again.
        GiveUp: trying again cannot help.
    """
    delivery = WebhookDelivery.objects.select_related("endpoint").filter(pk=delivery_id).first()
    if delivery is None or delivery.delivered_at is not None:
        return
    endpoint = delivery.endpoint
    if not endpoint.active and delivery.event != TEST:
        _note(delivery, problem="Not sent: the webhook is switched off.")
        return
    _await_rest(endpoint, now)
    try:
        status = webhook_post(
            endpoint.url, body=delivery.body.encode(), headers=_headers(delivery, now)
        )
    except WebhookFailed as error:
        _failed(delivery, error, now)
    else:
        _note(delivery, status_code=status, attempted_at=now, delivered_at=now, tried=True)
        WebhookEndpoint.objects.filter(host=endpoint.host).exclude(
            failures=0, rests_until=None
        ).update(failures=0, rests_until=None)


def delivery_repeat(*, delivery_id: UUID, now: datetime) -> bool:
    """Send a delivery again, whatever came of it. False while it is waiting to be sent anyway.

    Its webhook-id stays, so that a receiver can tell that it has it already.
    """
    with transaction.atomic():
        delivery = (
            WebhookDelivery.objects.select_for_update(of=("self",))
            .select_related("job")
            .get(pk=delivery_id)
        )
        job = delivery.job
        if job is not None and job.done_at is None and job.dead_at is None:
            return False
        WebhookDelivery.objects.filter(pk=delivery.pk).update(delivered_at=None, problem="")
        if job is None or not outbox_retry(item_id=job.pk, now=now):
            _enqueue(delivery, f"{OUTBOX_KIND}:{delivery.pk}:{uuid4().hex[:12]}", now)
    return True


def deliveries_purge(*, before: datetime, limit: int = 10_000) -> int:
    """Forget deliveries made before a moment. Returns how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=before).values_list("pk", flat=True)
    return WebhookDelivery.objects.filter(pk__in=list(old[:limit])).delete()[0]


def _promise(
    endpoint: WebhookEndpoint, event: str, key: str, data: Mapping[str, Any], now: datetime
) -> WebhookDelivery | None:
    body = {"type": event, "timestamp": now.isoformat(), "data": dict(data)}
    delivery, is_new = WebhookDelivery.objects.get_or_create(
        endpoint=endpoint,
        key=key,
        defaults={
            "event": event,
            "message_id": f"msg_{uuid5(NAMESPACE_URL, f'{event}:{key}').hex}",
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        },
    )
    if not is_new:
        return None
    _enqueue(delivery, f"{OUTBOX_KIND}:{delivery.pk}", now)
    return delivery


def _enqueue(delivery: WebhookDelivery, key: str, now: datetime) -> None:
    payload = {"delivery": str(delivery.pk)}
    job = outbox_add(kind=OUTBOX_KIND, key=key, payload=payload, due_at=now)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(job=job)
    delivery.job = job


def _headers(delivery: WebhookDelivery, now: datetime) -> dict[str, str]:
    timestamp = int(now.timestamp())
    try:
        secrets = endpoint_secrets(delivery.endpoint, now=now)
    except InvalidToken:
        problem = "Its secret cannot be read: SECRET_KEY was changed. Make a new secret."
        _note(delivery, problem=problem)
        raise GiveUp(problem) from None
    return {
        "Content-Type": "application/json",
        "User-Agent": "REAutomation2",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(
            secrets,
            message_id=delivery.message_id,
            timestamp=timestamp,
            body=delivery.body.encode(),
        ),
    }


def _await_rest(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Raise NotYet while the host rests; afterwards let one through, and the others wait for it."""
    until = endpoint.rests_until
    if until is None:
        return
    if until > now:
        raise NotYet(until)
    mine = WebhookEndpoint.objects.filter(host=endpoint.host, rests_until=until).update(
        rests_until=now + _ATTEMPT
    )
    if not mine:
        raise NotYet(now + _ATTEMPT)


def _failed(delivery: WebhookDelivery, error: WebhookFailed, now: datetime) -> None:
    endpoint = delivery.endpoint
    _note(
        delivery, status_code=error.status, attempted_at=now, problem=str(error)[:200], tried=True
    )
    same_host = WebhookEndpoint.objects.filter(host=endpoint.host)
    if error.host_fails:
        same_host.update(failures=F("failures") + 1)
        same_host.filter(failures__gte=FAILURES_BEFORE_REST).update(rests_until=now + REST)
    else:
        same_host.update(failures=0, rests_until=None)
    logger.warning(
        "webhook_failed", delivery_id=str(delivery.pk), event_type=delivery.event,
        status=error.status,
    )  # fmt: skip
    if error.status == _GONE:
        endpoint_switch_off(
            endpoint_id=endpoint.pk, because="It answered 410: it wants no more events."
        )
    if delivery.event == TEST:
        return  # somebody is looking at it
    if error.permanent:
        raise GiveUp(str(error)) from None
    raise error


def _note(delivery: WebhookDelivery, *, tried: bool = False, **changes: Any) -> None:
    if tried:
        changes.setdefault("problem", "")
        changes["attempts"] = F("attempts") + 1
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**changes)


def delivery_state(delivery: WebhookDelivery) -> str:
    """Return what became of a delivery: "delivered", "waiting", "given_up" or "not_sent"."""
    job: OutboxItem | None = delivery.job
    if delivery.delivered_at is not None:
        return "delivered"
    if job is None or job.done_at is not None:
        return "not_sent"
    return "given_up" if job.dead_at is not None else "waiting"
