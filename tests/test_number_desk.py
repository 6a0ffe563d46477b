"""Lists of numbers at the desk: upload, progress, what became of them, and the way out."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.services.outbox import outbox_run_due
from leads.models import AuditEntry, CallingPolicy, Consent, DoNotCall, NumberList, TimelineEntry
from leads.services.number_lists import number_list_create, number_list_step
from tests.factories import ConsentFactory, DoNotCallFactory, LeadFactory, ManagerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(ManagerFactory())
    return client


def upload(desk: Client, data: bytes, purpose: str, made_on: str = "2026-11-01") -> Any:
    file = SimpleUploadedFile("numbers.txt", data)
    fields = {"file": file, "purpose": purpose, "made_on": made_on}
    return desk.post(reverse("admin:leads_numberlist_add"), fields)


def test_a_list_is_uploaded_read_in_the_background_and_explained(desk: Client) -> None:
    assert "Download all" in desk.get(reverse("admin:leads_donotcall_changelist")).content.decode()
    assert desk.get(reverse("admin:leads_numberlist_add")).status_code == 200
    page = upload(desk, b"5122000001\n12\n", "do_not_call").url
    assert 'role="progressbar"' in desk.get(page).content.decode()
    row = NumberList.objects.get()
    news = reverse("admin:leads_numbers_progress", args=(row.pk,))
    assert desk.get(news).json()["state"] == "working"
    outbox_run_due(timezone.now())
    assert desk.get(news).json()["state"] == "done"
    shown = desk.get(page).content.decode()
    assert "Put on the list" in shown
    assert "It has too few digits" in shown
    assert DoNotCall.objects.count() == 1
    assert "numbers.txt" in desk.get(reverse("admin:leads_numberlist_changelist")).content.decode()


def test_the_registry_shows_what_is_too_old(desk: Client) -> None:
    today = timezone.now().date()
    for days, area in ((3, b"512"), (40, b"713")):
        upload(desk, area + b",2000001\n", "national", f"{today - timedelta(days=days)}")
    outbox_run_due(timezone.now())
    shown = desk.get(reverse("admin:leads_registryarea_changelist")).content.decode()
    assert "Valid" in shown
    assert "Too old" in shown


@pytest.mark.parametrize(
    ("data", "purpose", "made_on", "words"),
    [
        (b"<xml/>", "national", "2026-11-01", "XML"),
        (b"5122000001", "do_not_call", "2999-01-01", "still to come"),
        (b"5122000001", "nothing", "2026-11-01", "Say what the list is"),
        (b"5122000001", "do_not_call", "soon", "of which day"),
    ],
)
def test_a_refused_list_is_explained_where_it_was_chosen(
    desk: Client, data: bytes, purpose: str, made_on: str, words: str
) -> None:
    answer = upload(desk, data, purpose, made_on)
    assert words in answer.content.decode()
    assert not NumberList.objects.exists()


def test_the_whole_list_goes_out_as_csv_without_formulas_and_comes_back_in(desk: Client) -> None:
    DoNotCallFactory(phone="+15122000001", reason='=HYPERLINK("http://x")')
    DoNotCallFactory(phone="+442079460123", reason="-1+2")
    answer = desk.get(reverse("admin:leads_donotcall_download"))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(text.splitlines()))
    assert [row[0] for row in rows] == ["number", "15122000001", "442079460123"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    entry = AuditEntry.objects.get(action="export")
    assert "2 numbers" in entry.text
    DoNotCall.objects.all().delete()
    made = number_list_create(
        file=SimpleUploadedFile("back.csv", text.encode()), name="back.csv", purpose="do_not_call",
        made_on=date(2026, 1, 1), enqueue=False, now=timezone.now(),
    )  # fmt: skip
    number_list_step(list_id=made.pk, seconds=5)
    assert {str(row.phone) for row in DoNotCall.objects.all()} == {"+15122000001", "+442079460123"}


def test_a_number_is_taken_off_only_with_a_reason_and_stays_without_consent(desk: Client) -> None:
    lead = LeadFactory()
    ConsentFactory(lead=lead, revoked_at=timezone.now(), revoked_via="do not call")
    row = DoNotCallFactory(phone=lead.phone)
    address = reverse("admin:leads_donotcall_take_off", args=(row.pk,))
    page = desk.get(reverse("admin:leads_donotcall_change", args=(row.pk,))).content.decode()
    assert address in page
    assert "stay ended" in desk.get(address).content.decode()
    desk.post(address, {"reason": " "})
    assert DoNotCall.objects.exists()
    desk.post(address, {"reason": "entered by mistake"})
    assert not DoNotCall.objects.exists()
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    assert "entered by mistake" in TimelineEntry.objects.get(kind="do_not_call").text
    entry = AuditEntry.objects.get(action="do_not_call")
    assert str(lead.phone) not in f"{entry.text}{entry.data}"


def test_the_policy_is_one_page_and_its_changes_are_audited(desk: Client) -> None:
    page = desk.get(reverse("admin:leads_callingpolicy_changelist")).url  # type: ignore[attr-defined]
    assert "National registry" in desk.get(page).content.decode()
    desk.post(
        page,
        {"on_national_registry": "warn", "national_check_old": "block",
         "reassigned_check_old": "warn"},
    )  # fmt: skip
    policy = CallingPolicy.objects.get()
    assert (policy.on_national_registry, policy.national_check_old) == ("warn", "block")
    assert AuditEntry.objects.get(action="settings").data == {
        "on_national_registry": "warn", "national_check_old": "block",
    }  # fmt: skip


def test_the_audit_can_be_read_and_not_written(desk: Client) -> None:
    desk.get(reverse("admin:leads_donotcall_download"))
    entry = AuditEntry.objects.get()
    shown = desk.get(reverse("admin:leads_auditentry_changelist")).content.decode()
    assert "Downloaded the do-not-call list" in shown
    assert desk.get(reverse("admin:leads_auditentry_add")).status_code == 403
    with pytest.raises(TypeError, match="append-only"):
        entry.save()
    with pytest.raises(TypeError, match="append-only"):
        entry.delete()
    with pytest.raises(TypeError, match="append-only"):
        AuditEntry.objects.all().delete()
    with pytest.raises(TypeError, match="append-only"):
        AuditEntry.objects.update(text="")
