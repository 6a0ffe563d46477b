"""The systems that hear of events: their addresses and their secrets."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from calls.models import WebhookEndpoint
from calls.policy.webhooks import SECRET_BYTES, secret_from
from calls.webhook_post import url_check
from leads import sealing
from leads.models import AuditEntry
from leads.services.audit import audit_record

logger = structlog.get_logger(__name__)

BOTH_SIGN_FOR = timedelta(hours=24)
"""How long the secret before a change signs too, for the receiver to take over the new one."""
_PURPOSE = "calls.webhook"


@transaction.atomic
def endpoint_add(
    *,
    name: str,
    url: str,
    events: Collection[str],
    actor: AbstractBaseUser | None,
    now: datetime,
) -> tuple[WebhookEndpoint, str]:
    """Add a system that hears of events. Returns it with its secret, which is not shown again.

    Raises:
        WebhookRefused: nothing may be sent to this address.
    """
    secret = _new_secret()
    endpoint = WebhookEndpoint.objects.create(
        name=name,
        url=url,
        host=str(url_check(url).hostname),
        events=sorted(events),
        sealed_secret=sealing.seal(secret, purpose=_PURPOSE),
    )
    _audit(endpoint, f"Added the webhook {name}.", actor, now)
    return endpoint, secret


@transaction.atomic
def endpoint_change(
    *,
    endpoint_id: UUID,
    name: str,
    url: str,
    events: Collection[str],
    active: bool,
    actor: AbstractBaseUser | None,
    now: datetime,
) -> WebhookEndpoint:
    """Change what a system hears of and where. A new address has no past failures.

    Raises:
        WebhookRefused: nothing may be sent to this address.
    """
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    host = str(url_check(url).hostname)
    if url != endpoint.url or (active and not endpoint.active):
        endpoint.failures, endpoint.rests_until = 0, None
    endpoint.name, endpoint.url, endpoint.host = name, url, host
    endpoint.events, endpoint.active = sorted(events), active
    if active:
        endpoint.switched_off_because = ""
    endpoint.save()
    _audit(endpoint, f"Changed the webhook {name}.", actor, now)
    return endpoint


@transaction.atomic
def endpoint_secret_renew(
    *, endpoint_id: UUID, actor: AbstractBaseUser | None, now: datetime
) -> str:
    """Give a system a new secret and return it. The one before signs too for a day."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    secret = _new_secret()
    endpoint.sealed_secret_before = endpoint.sealed_secret
    endpoint.before_until = now + BOTH_SIGN_FOR
    endpoint.sealed_secret = sealing.seal(secret, purpose=_PURPOSE)
    endpoint.save()
    _audit(endpoint, f"Made a new secret for the webhook {endpoint.name}.", actor, now)
    return secret


def endpoint_switch_off(*, endpoint_id: UUID, because: str) -> None:
    """Send nothing more to a system that wants nothing more."""
    WebhookEndpoint.objects.filter(pk=endpoint_id).update(
        active=False, switched_off_because=because[:200]
    )
    logger.warning("webhook_switched_off", endpoint_id=str(endpoint_id), reason=because)


def endpoint_secrets(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first.

    Raises:
        InvalidToken: the server's SECRET_KEY is another one than it was.
    """
    sealed = [endpoint.sealed_secret]
    if endpoint.before_until is not None and now < endpoint.before_until:
        sealed.append(endpoint.sealed_secret_before)
    return [sealing.unseal(each, purpose=_PURPOSE) for each in sealed]


def _new_secret() -> str:
    return secret_from(secrets.token_bytes(SECRET_BYTES))


def _audit(
    endpoint: WebhookEndpoint, text: str, actor: AbstractBaseUser | None, now: datetime
) -> None:
    audit_record(
        action=AuditEntry.Action.SETTINGS,
        text=text,
        actor=actor,
        subject=endpoint,
        data={"host": endpoint.host, "events": endpoint.events, "active": endpoint.active},
        now=now,
    )
