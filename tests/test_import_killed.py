"""An import whose process is killed in the middle, for real: the next one ends it, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from leads.models import Consent, ImportBatch, Lead, TimelineEntry
from leads.services.imports import import_commit, import_undo
from tests.threads import at_once, shared_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]

ROWS = 6000
State = ImportBatch.State


def command(*words: str) -> subprocess.Popen[str]:
    """Start `manage.py import_leads` on the database of this test."""
    database = settings.DATABASES["default"]
    where = (
        f"sqlite:///{database['NAME']}"
        if "sqlite3" in database["ENGINE"]
        else f"postgresql://{database['USER']}:{database['PASSWORD']}"
        f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_leads", *words],
        env={**os.environ, "DATABASE_URL": where}, cwd=settings.BASE_DIR, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def kill_while(state: str, process: subprocess.Popen[str]) -> None:
    """Kill a process when an import has done some rows in a state, and not all."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        batch = ImportBatch.objects.values("state", "done_rows").first()
        if batch and batch["state"] == state and batch["done_rows"]:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return
        time.sleep(0.01)
    pytest.fail(f"it ended before it could be killed: {process.communicate()[0]}")


def test_a_killed_import_leaves_whole_chunks_and_the_next_one_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "fair.csv"
    said = "I agree to be called by Harbor Homes with an automated voice,Harbor Homes,2026-03-01"
    lines = (f"512{2000000 + n},Ann,Lee{n},{said}\n" for n in range(ROWS))
    header = "Phone,First Name,Last Name,Consent Text,Consent Seller,Consent Date\n"
    file.write_text(header + "".join(lines))

    def work(_: int) -> None:
        kill_while(State.CHECKING, command(str(file)))
        batch = ImportBatch.objects.get()
        assert batch.rows.count() == batch.done_rows < ROWS
        command("--resume").communicate()
        batch.refresh_from_db()
        assert (batch.state, batch.rows.count()) == (State.CHECKED, ROWS)

        import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
        kill_while(State.COMMITTING, command("--resume"))
        batch.refresh_from_db()
        assert Lead.objects.count() == Consent.objects.count() == batch.done_rows < ROWS
        said, _ = command("--resume").communicate()
        assert "fair.csv: Committed." in said
        assert Lead.objects.count() == Consent.objects.count() == ROWS
        assert TimelineEntry.objects.count() == 2 * ROWS

        import_undo(batch_id=batch.pk, enqueue=False, now=timezone.now())
        kill_while(State.UNDOING, command("--resume"))
        assert 0 < Lead.objects.count() < ROWS
        command("--resume").communicate()
        assert not Lead.objects.exists()
        assert not TimelineEntry.objects.exists()
        assert "No import was left" in command("--resume").communicate()[0]

    with shared_database(tmp_path):
        assert at_once(1, work) == [None]
