"""Dial, watch and clean up until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from billing.services import reservations_sweep
from calls.services.budget_alerts import budgets_watch
from calls.services.dialer import dial_pass
from calls.services.leases import lease_give_up, lease_take
from calls.services.outbox import outbox_pass
from calls.services.pace import pace_wait
from calls.services.schedule import schedule_pass
from calls.services.stopping import Stopper
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
    """Three loops: dialling and promised work, looking after calls, and stopping them.

    Any number of these processes may run. All dial, under one pace, and all cancel what must not
    ring; one holds the lease and looks after calls, and another takes over within 15 s when it is
    gone. The loops do not wait for one another: a carrier that answers slowly delays no kill
    switch. SIGTERM and SIGINT end each after the pass it is in.
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
        self.per_second = settings.ENV.twilio_calls_per_second
        self.watchdog, self.stopper = Watchdog(), Stopper()
        self.renew_at = self.watch_at = self.sweep_at = self.budgets_at = timezone.now()
        self.schedule_at = timezone.now()
        logger.info("dialer_started", calls_per_second=self.per_second)
        if once:
            for work in (self._stop_pass, self._watch_pass, self._dial_pass):
                self._guarded(work)
        else:
            others = [
                threading.Thread(target=self._loop, args=(work,), name=work.__name__.strip("_"))
                for work in (self._stop_pass, self._watch_pass)
            ]
            for thread in others:
                thread.start()
            self._loop(self._dial_pass)
            for thread in others:
                thread.join()
        lease_give_up(name="dialer", holder=self.holder, now=timezone.now())
        logger.info("dialer_stopped")

    def _loop(self, work: Callable[[datetime], bool]) -> None:
        try:
            while not self.stopping.is_set():
                if not self._guarded(work):
                    self.stopping.wait(_IDLE_S)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections.close_all()

    def _guarded(self, work: Callable[[datetime], bool]) -> bool:
        """Do a pass; a failure is logged, and the loop goes on after a rest."""
        try:
            return work(timezone.now())
        except DatabaseError as error:
            logger.error("dialer_database_failed", error=type(error).__name__)
            close_old_connections()
        except Exception:
            logger.exception("dialer_pass_failed")
        self.stopping.wait(1.0)
        return False

    def _stop_pass(self, now: datetime) -> bool:
        """Cancel what rings and must not."""
        return self.stopper.stop(now) > 0

    def _watch_pass(self, now: datetime) -> bool:
        """Look after calls, money and transfers, if no other process does."""
        if not self._has_lease(now):
            return False
        if now >= self.watch_at:
            self.watch_at = now + _WATCH_EVERY
            self.watchdog.watch(now)
            transfers_sweep(now)
        if now >= self.sweep_at:
            self.sweep_at = now + _SWEEP_EVERY
            reservations_sweep(now)
        if now >= self.budgets_at:
            self.budgets_at = now + _BUDGETS_EVERY
            budgets_watch(now)
        return False

    def _dial_pass(self, now: datetime) -> bool:
        """Promise what is due, pass on what was promised, dial. Returns whether there is more.

        Work before new calls: when it cannot be passed on (Redis is gone), the error ends the
        pass and no new call is made.
        """
        if now >= self.schedule_at:
            self.schedule_at = now + _SCHEDULE_EVERY
            schedule_pass(now)
        worked = outbox_pass(timezone.now()) > 0
        dialled = dial_pass(timezone.now(), per_second=self.per_second)
        if dialled.call is not None:
            # Not a quarter of a second late when the account may send the next one sooner.
            self.stopping.wait(min(pace_wait(timezone.now()).total_seconds(), _IDLE_S))
        return worked or dialled.call is not None or dialled.refused > 0

    def _has_lease(self, now: datetime) -> bool:
        """Hold the lease, renewing it when a third of it is used up."""
        if now < self.renew_at:
            return True
        if lease_take(name="dialer", holder=self.holder, ttl=_LEASE, now=now):
            self.renew_at = now + _LEASE / 3
            return True
        return False
