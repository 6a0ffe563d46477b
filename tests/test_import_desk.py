"""The import at the desk, in the outbox and on the command line."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.models import OutboxItem
from calls.services.outbox import outbox_run_due
from leads.jobs import import_work
from leads.models import ImportBatch, Lead
from tests.factories import ManagerFactory, UserFactory

pytestmark = pytest.mark.django_db

CSV = b"Cell,Name,Roof\n5122000001,Maria Lopez,tin\n12,Bo,\n"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(ManagerFactory())
    return client


def upload(desk: Client, data: bytes = CSV, **more: str) -> Any:
    file = SimpleUploadedFile("fair.csv", data, content_type="text/csv")
    return desk.post(
        reverse("admin:leads_importbatch_add"), {"file": file, "source": "fair", **more}
    )


def test_three_steps_bring_the_leads_of_a_file(desk: Client) -> None:
    assert desk.get(reverse("admin:leads_importbatch_add")).status_code == 200
    page = upload(desk).url
    columns = desk.get(page).content.decode()
    assert '<option value="phone" selected>' in columns
    assert "Maria Lopez" in columns
    desk.post(page, {"do": "check", "column_0": "phone", "column_1": "full_name",
                     "column_2": "custom", "on_existing": "fill"})  # fmt: skip
    assert 'role="progressbar"' in desk.get(page).content.decode()
    outbox_run_due(timezone.now())
    shown = desk.get(page).content.decode()
    assert "Commit: 1 new, 0 updated" in shown
    assert "too few digits" in shown
    assert not Lead.objects.exists()
    desk.post(page, {"do": "commit"})
    batch = ImportBatch.objects.get()
    news = desk.get(reverse("admin:leads_import_progress", args=(batch.pk,))).json()
    assert news["state"] == "committing"
    outbox_run_due(timezone.now())
    assert "is imported" in desk.get(page).content.decode()
    assert Lead.objects.get().custom_fields == {"Roof": "tin"}
    errors = desk.get(reverse("admin:leads_import_errors", args=(batch.pk,)))
    assert b"12,Bo," in errors.getvalue()
    undo = reverse("admin:leads_import_undo", args=(batch.pk,))
    assert "Leads it made: 1." in desk.get(undo).content.decode()
    desk.post(undo)
    outbox_run_due(timezone.now())
    assert "is undone" in desk.get(page).content.decode()
    assert not Lead.objects.exists()
    assert "fair.csv" in desk.get(reverse("admin:leads_importbatch_changelist")).content.decode()


def test_a_refused_file_is_explained_where_it_was_chosen(desk: Client) -> None:
    answer = upload(desk, b"%PDF-1.7")
    assert "This is not a table" in answer.content.decode()


def test_wrong_columns_are_explained_and_kept_as_chosen(desk: Client) -> None:
    page = upload(desk).url
    answer = desk.post(page, {"do": "check", "column_0": "", "column_1": "full_name"})
    shown = answer.content.decode()
    assert "Choose the column that holds the phone number" in shown
    assert '<option value="full_name" selected>' in shown


def test_letters_that_look_wrong_are_read_again_in_another_encoding(desk: Client) -> None:
    page = upload(desk, "Cell,Name\n5122000001,Çağrı Şahin\n".encode("cp1254")).url
    shown = desk.get(page).content.decode()
    assert "Letters look wrong?" in shown
    assert "Çaðrý Þahin" in shown
    desk.post(page, {"do": "read_as", "encoding": "cp1254"})
    shown = desk.get(page).content.decode()
    assert "Çağrı Şahin" in shown
    assert "Windows-1254 (Turkish)" in shown
    answer = desk.post(page, {"do": "read_as", "encoding": "utf-16"})
    assert "encoding is not recognised" in answer.content.decode()
    assert "Choose one of the encodings" in desk.post(
        page, {"do": "read_as", "encoding": "rot13"}
    ).content.decode()  # fmt: skip
    assert ImportBatch.objects.get().encoding == "cp1254"


def test_who_may_only_read_imports_cannot_start_them(client: Client, desk: Client) -> None:
    page = upload(desk).url
    reader = UserFactory(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_importbatch"))
    client.force_login(reader)
    assert client.get(page).status_code == 200
    assert client.post(page, {"do": "check"}).status_code == 403
    assert client.get(reverse("admin:leads_importbatch_add")).status_code == 403
    stranger = UserFactory(is_staff=True)
    client.force_login(stranger)
    batch = ImportBatch.objects.get()
    for name in ("progress", "errors", "undo"):
        url = reverse(f"admin:leads_import_{name}", args=(batch.pk,))
        assert client.get(url).status_code == 403


def test_the_command_checks_and_writes_only_when_told(tmp_path: Path) -> None:
    file = tmp_path / "fair.csv"
    file.write_bytes(CSV)
    out, progress = StringIO(), StringIO()
    errors = tmp_path / "errors.csv"
    call_command("import_leads", file, errors=errors, stdout=out, stderr=progress)
    assert "1 new, 0 update, 0 duplicate, 1 invalid" in out.getvalue()
    assert "row 3: Invalid" in out.getvalue()
    assert "12,Bo," in errors.read_text()
    assert not Lead.objects.exists()
    call_command("import_leads", file, "--commit", "--source", "May fair", "--mapping",
                 '{"Roof": "custom"}', stdout=out, stderr=progress)  # fmt: skip
    assert "1 leads made" in out.getvalue()
    assert "Writing: 2 of 2 rows" in progress.getvalue()
    lead = Lead.objects.get()
    assert (lead.source, lead.custom_fields) == ("May fair", {"Roof": "tin"})


def test_the_command_names_what_is_wrong_with_its_input(tmp_path: Path) -> None:
    file = tmp_path / "fair.csv"
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_leads", file)
    file.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(CommandError, match="holds the phone number"):
        call_command("import_leads", file, stdout=StringIO())
    with pytest.raises(CommandError, match="names no column of the file: z"):
        call_command("import_leads", file, "--mapping", '{"z": "phone"}')


def test_the_outbox_does_the_work_in_slices(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.services.import_check.CHUNK", 4)
    monkeypatch.setattr("calls.jobs.import_work", lambda batch, seconds: import_work(
        batch, seconds=0))  # fmt: skip
    rows = "".join(f"51220000{n:02},Ann,\n" for n in range(10))
    page = upload(desk, b"Cell,Name,Roof\n" + rows.encode()).url
    desk.post(page, {"do": "check", "column_0": "phone", "on_existing": "fill"})
    now = timezone.now()
    outbox_run_due(now)
    assert ImportBatch.objects.get().done_rows == 4
    assert OutboxItem.objects.get().done_at is None
    for second in range(1, 5):
        outbox_run_due(now + timedelta(seconds=second))
    assert ImportBatch.objects.get().state == ImportBatch.State.CHECKED
    assert OutboxItem.objects.get().done_at
