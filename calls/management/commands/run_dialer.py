"""Dial, watch and clean up until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from billing.services import reservations_sweep
from calls.services.budget_alerts import budgets_watch
from calls.services.dialer import dial_next
from calls.services.leases import lease_give_up, lease_take
from calls.services.outbox import outbox_pass
from calls.services.pace import Pace
from calls.services.schedule import schedule_pass
from calls.services.transfers import transfers_sweep
from calls.services.watchdog import Watchdog

logger = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=15)
_IDLE_S = 0.25
_WATCH_EVERY = timedelta(seconds=1)
_BUDGETS_EVERY = timedelta(seconds=5)
_SWEEP_EVERY = timedelta(seconds=60)
_SCHEDULE_EVERY = timedelta(seconds=5)


class Command(BaseCommand):
    """The loop around `dial_next`, the watchdog and the outbox.

    Any number of these may run: one holds the lease and dials, the others do jobs and take over
    within 15 s when it is gone. SIGTERM and SIGINT end it after the pass it is in.
    """

    help = "Dial the leads of running campaigns, look after calls, and do the work they leave."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do one pass (for schedulers and tests)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self.stopping = threading.Event()
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self._stop) for number in signals}
        try:
            self._run(once=options["once"])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, *_signal: object) -> None:
        self.stopping.set()

    def _run(self, *, once: bool) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self.pace = Pace(settings.ENV.twilio_calls_per_second, clock=time.monotonic)
        self.watchdog = Watchdog()
        self.renew_at = self.watch_at = self.sweep_at = self.budgets_at = timezone.now()
        self.schedule_at = timezone.now()
        logger.info("dialer_started", calls_per_second=settings.ENV.twilio_calls_per_second)
        while not self.stopping.is_set():
            worked = self._guarded_pass()
            if once:
                break
            if not worked:
                self.stopping.wait(_IDLE_S)
        lease_give_up(name="dialer", holder=self.holder, now=timezone.now())
        logger.info("dialer_stopped")

    def _guarded_pass(self) -> bool:
        """Do a pass; a failure is logged, and the loop goes on after a rest."""
        try:
            return self._pass(timezone.now())
        except DatabaseError as error:
            logger.error("dialer_database_failed", error=type(error).__name__)
            close_old_connections()
        except Exception:
            logger.exception("dialer_pass_failed")
        self.stopping.wait(1.0)
        return False

    def _pass(self, now: datetime) -> bool:
        """Do what is due now. Returns whether there was anything to do.

        Jobs come before dialling: when they cannot be handed on (Redis is gone), the error ends
        the pass and no new call is made.
        """
        dials = self._may_dial(now)
        if dials and now >= self.watch_at:
            self.watch_at = now + _WATCH_EVERY
            self.watchdog.watch(now)
            transfers_sweep(now)
        if dials and now >= self.sweep_at:
            self.sweep_at = now + _SWEEP_EVERY
            reservations_sweep(now)
        if dials and now >= self.budgets_at:
            self.budgets_at = now + _BUDGETS_EVERY
            budgets_watch(now)
        if now >= self.schedule_at:
            self.schedule_at = now + _SCHEDULE_EVERY
            schedule_pass(now)
        worked = outbox_pass(timezone.now()) > 0
        if dials and self.pace.ready() and dial_next(timezone.now()) is not None:
            self.pace.spend()
            worked = True
        return worked

    def _may_dial(self, now: datetime) -> bool:
        """Hold the lease, renewing it when a third of it is used up."""
        if now < self.renew_at:
            return True
        if lease_take(name="dialer", holder=self.holder, ttl=_LEASE, now=now):
            self.renew_at = now + _LEASE / 3
            return True
        return False
