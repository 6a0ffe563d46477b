"""Entry points of work done later: the handlers of the outbox, and the RQ job that runs one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from agents.jobs import evaluation_work
from billing.services import daily_spend_add
from calls.erasure import carrier_recording_erase
from calls.policy.schedule import Daily, Every, Rhythm
from calls.services.aftercall import aftercall_run
from calls.services.budget_alerts import budget_alert_send
from calls.services.call_speech import call_speech_add
from calls.services.carrier_recordings import (
    carrier_recording_delete,
    carrier_recording_fetch,
    recordings_verify,
)
from calls.services.number_rents import rents_charge
from calls.services.outbox import Handler, NotYet, outbox_purge, outbox_run
from calls.services.reviews import call_review_run
from calls.services.transfers import transfer_ring
from calls.services.variance_alerts import variance_alert_send
from calls.services.webhook_events import deliveries_purge, webhook_deliver
from leads.jobs import (
    bulk_work,
    import_work,
    mail_work,
    number_list_work,
    purge_work,
    sheet_work,
    sheets_look,
)
from leads.sheets.errors import SheetsLater
from leads.sheets.sync import SheetBusy


def _aftercall(payload: Mapping[str, Any], now: datetime) -> None:
    aftercall_run(call_id=payload["call"], now=now)


def _carrier_recording(payload: Mapping[str, Any], now: datetime) -> None:
    carrier_recording_fetch(call_id=payload["call"], url=payload["url"], now=now)


def _call_review(payload: Mapping[str, Any], now: datetime) -> None:
    call_review_run(call_id=payload["call"], now=now)


def _budget_alert(payload: Mapping[str, Any], now: datetime) -> None:
    budget_alert_send(alert_id=payload["alert"], now=now)


def _import(payload: Mapping[str, Any], now: datetime) -> None:
    # Without workers the dialer's process does it between two passes: calls must not wait for it.
    if import_work(payload["batch"], seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _numbers(payload: Mapping[str, Any], now: datetime) -> None:
    if number_list_work(payload["list"], seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _transfer_ring(payload: Mapping[str, Any], now: datetime) -> None:
    transfer_ring(transfer_id=payload["transfer"], now=now)


def _sheet(payload: Mapping[str, Any], now: datetime) -> None:
    # A worker may wait for Google's quota; the dialer's process has no time for that.
    worker = bool(settings.REDIS_URL)
    try:
        more = sheet_work(
            payload["link"],
            seconds=45.0 if worker else 0.5,
            patience=timedelta(seconds=20 if worker else 0),
        )
    except SheetsLater as wait:
        raise NotYet(wait.at) from None
    except SheetBusy:
        raise NotYet(timezone.now() + timedelta(minutes=1)) from None
    if more:
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _sheets(payload: Mapping[str, Any], now: datetime) -> None:
    sheets_look(now)


def _carrier_recording_delete(payload: Mapping[str, Any], now: datetime) -> None:
    carrier_recording_delete(call_id=payload["call"], now=now)


def _recordings_verify(payload: Mapping[str, Any], now: datetime) -> None:
    recordings_verify(now=now)


def _evaluation(payload: Mapping[str, Any], now: datetime) -> None:
    if evaluation_work(payload["evaluation"], seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _purge_expired(payload: Mapping[str, Any], now: datetime) -> None:
    if purge_work(now, seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(seconds=1))


def _speech(payload: Mapping[str, Any], now: datetime) -> None:
    # The voice's own command: it knows what calls are, and calls know nothing of voices.
    seconds, told = 45.0 if settings.REDIS_URL else 0.5, StringIO()
    campaign = payload["campaign"]
    if call_command("prepare_speech", campaign, seconds=seconds, stdout=told, stderr=told):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _reconcile_costs(payload: Mapping[str, Any], now: datetime) -> None:
    call_command("reconcile_costs")


def _daily_spend(payload: Mapping[str, Any], now: datetime) -> None:
    daily_spend_add()


def _call_speech(payload: Mapping[str, Any], now: datetime) -> None:
    if call_speech_add(now=now, seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(seconds=1))


def _refresh_prices(payload: Mapping[str, Any], now: datetime) -> None:
    call_command("refresh_prices")


def _number_rents(payload: Mapping[str, Any], now: datetime) -> None:
    rents_charge(now)


def _variance_alert(payload: Mapping[str, Any], now: datetime) -> None:
    variance_alert_send(alert_id=payload["alert"], now=now)


def _webhook(payload: Mapping[str, Any], now: datetime) -> None:
    webhook_deliver(delivery_id=payload["delivery"], now=now)


def _jobs_purge(payload: Mapping[str, Any], now: datetime) -> None:
    before = now - KEEP_DONE
    gone = (
        outbox_purge(done_before=before, limit=PURGED_AT_ONCE),
        deliveries_purge(before=before, limit=PURGED_AT_ONCE),
    )
    if max(gone) >= PURGED_AT_ONCE:
        raise NotYet(timezone.now() + timedelta(seconds=1))


def _bulk(payload: Mapping[str, Any], now: datetime) -> None:
    if bulk_work(payload["change"], seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


def _mail(payload: Mapping[str, Any], now: datetime) -> None:
    mail_work(payload["mail"], now=now)


def _carrier_recording_erase(payload: Mapping[str, Any], now: datetime) -> None:
    carrier_recording_erase(sid=payload["sid"])


HANDLERS: dict[str, Handler] = {
    "aftercall": _aftercall,
    "budget_alert": _budget_alert,
    "call_review": _call_review,
    "call_speech": _call_speech,
    "bulk": _bulk,
    "carrier_recording": _carrier_recording,
    "daily_spend": _daily_spend,
    "carrier_recording_delete": _carrier_recording_delete,
    "carrier_recording_erase": _carrier_recording_erase,
    "recordings_verify": _recordings_verify,
    "evaluation": _evaluation,
    "import": _import,
    "jobs_purge": _jobs_purge,
    "number_rents": _number_rents,
    "numbers": _numbers,
    "purge_expired": _purge_expired,
    "reconcile_costs": _reconcile_costs,
    "refresh_prices": _refresh_prices,
    "sheet": _sheet,
    "sheets": _sheets,
    "speech": _speech,
    "mail": _mail,
    "transfer_ring": _transfer_ring,
    "variance_alert": _variance_alert,
    "webhook": _webhook,
}
"""Every kind of outbox item and what does it. Each is safe to run twice."""

QUEUES: dict[str, str] = {
    "aftercall": "urgent",
    "budget_alert": "urgent",
    "call_review": "slow",
    "call_speech": "slow",
    "bulk": "slow",
    "carrier_recording": "slow",
    "carrier_recording_delete": "slow",
    "recordings_verify": "slow",
    "daily_spend": "slow",
    "evaluation": "slow",
    "import": "slow",
    "jobs_purge": "slow",
    "number_rents": "slow",
    "numbers": "slow",
    "purge_expired": "slow",
    "reconcile_costs": "slow",
    "refresh_prices": "slow",
    "transfer_ring": "urgent",
    "sheet": "slow",
    "speech": "slow",
}
"""Kind -> RQ queue, where it is not "default". Workers empty urgent, then default, then slow."""

CLAIMS: dict[str, timedelta] = {
    "sheet": timedelta(minutes=5),
    "number_rents": timedelta(minutes=20),
    "reconcile_costs": timedelta(minutes=20),
    "recordings_verify": timedelta(minutes=20),
    "refresh_prices": timedelta(minutes=10),
}
"""Kind -> how long one attempt may take, where `calls.services.outbox.CLAIM` is too short."""

WAITS: dict[str, tuple[timedelta, ...]] = {
    # A receiver may be away for a weekend; the steps are those that Standard Webhooks proposes.
    "webhook": (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
    ),
}
"""Kind -> how long to wait after each failed attempt, where the outbox's own steps do not fit."""

KEEP_DONE = timedelta(days=30)
"""How long work that was done can still be looked up."""
PURGED_AT_ONCE = 10_000
"""Rows that are forgotten in one attempt; while there are more, another one follows."""


def scheduled() -> dict[str, Rhythm]:
    """Return the kinds of work that recur, and when. Times are of ACCOUNT_TIME_ZONE."""
    rhythms: dict[str, Rhythm] = {
        "reconcile_costs": Daily(time(3, 10)),
        "number_rents": Daily(time(2, 20)),
        "jobs_purge": Daily(time(4, 40)),
        "purge_expired": Daily(time(4, 20)),
        "daily_spend": Every(timedelta(minutes=15)),
        "call_speech": Every(timedelta(minutes=15)),
        "sheets": Every(timedelta(minutes=5)),
        "recordings_verify": Daily(time(5, 0)),
    }
    if not settings.ENV.carrier_is_simulated:
        rhythms["refresh_prices"] = Daily(time(2, 40))
    return rhythms


def outbox_item(item_id: str) -> None:
    """Run one outbox item (RQ)."""
    outbox_run(item_id=item_id, now=timezone.now())
