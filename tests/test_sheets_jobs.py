"""Linked sheets are synced by the jobs, when they are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from calls.models import OutboxItem
from calls.services.outbox import outbox_run_due
from leads.jobs import sheets_look
from leads.models import Lead
from leads.tests.sheets_server import SheetsServer, google
from leads.tests.test_sheets_sync import HEADER, linked

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SheetsServer]:
    with google(settings, tmp_path) as running:
        yield running


def test_what_is_due_is_synced_by_the_jobs_once(server: SheetsServer) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()
    assert OutboxItem.objects.filter(kind="sheet").count() == 1
    sheets_look(timezone.now())
    assert OutboxItem.objects.filter(kind="sheet").count() == 1
    while OutboxItem.objects.filter(kind="sheet", done_at__isnull=True).exists():
        outbox_run_due(timezone.now() + timedelta(seconds=1))  # a busy machine needs slices
    link.refresh_from_db()
    assert link.last_sync_at is not None
    assert Lead.objects.count() == 1
    assert sheets_look(timezone.now()) == 0
    later = timezone.now() + timedelta(minutes=16)
    assert sheets_look(later) == 1
    sent = len(server.requests)
    outbox_run_due(timezone.now())  # the promise is not due before its time
    assert len(server.requests) == sent
