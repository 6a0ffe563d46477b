"""An erased person is in no table and no file any more, and what must stay still adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.selectors import call_cost
from calls.models import Call, OutboxItem, Recording
from calls.services.outbox import outbox_run_due
from leads.erasure.columns import KEPT
from leads.erasure.erase import ErasureRefused, lead_erase, search
from leads.erasure.subject import NobodyToErase, spellings, subject_of
from leads.models import (
    AuditEntry,
    Consent,
    DoNotCall,
    Erasure,
    ImportBatch,
    Lead,
    SheetLink,
    SheetRow,
)
from leads.policy.may_call import may_call
from leads.policy.sheet_columns import Column
from leads.selectors import call_facts
from leads.services import do_not_call_add, lead_create
from leads.services.merges import leads_merge
from leads.sheets.links import link_configure, link_create
from leads.sheets.sync import sheet_sync_step
from leads.tests.sheets_server import google
from tests.factories import CallFactory, LeadFactory, ManagerFactory, UserFactory
from tests.world import MARKS, SECRET, World, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


@pytest.fixture
def person() -> World:
    made = world(UserFactory(), **MARKS)
    LogEntry.objects.create(user=UserFactory(), object_id=str(made.lead.pk), action_flag=CHANGE,
                            object_repr=str(made.lead))  # fmt: skip
    return made


def everything_that_is_kept() -> Iterator[tuple[str, str]]:
    """Yield every value of every table as text, read past the models."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    yield f"{table}.{name}", str(value)
    for path in Path(django_settings.MEDIA_ROOT).rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


def told() -> set[str]:
    """Return where anything tells of the person."""
    return {
        where for where, text in everything_that_is_kept()
        if any(mark in text.lower() for mark in SECRET)
    }  # fmt: skip


def has_lead(model: type[Model], depth: int = 5) -> bool:
    """Whether a table belongs to leads, by whatever way."""
    if model is Lead:
        return True
    return depth > 0 and any(
        isinstance(field, ForeignKey) and has_lead(field.related_model, depth - 1)  # type: ignore[arg-type]
        for field in model._meta.get_fields()
    )


def test_the_person_of_these_tests_has_a_row_in_every_table_that_belongs_to_leads(
    person: World,
) -> None:
    """A table that comes later has to be added to `tests.world`, and so to the tests below."""
    ours = ("leads", "billing", "agents", "calls", "voice")
    tables = {
        model._meta.label_lower for model in apps.get_models()
        if model._meta.app_label in ours and has_lead(model)
    }  # fmt: skip
    assert tables <= set(person.rows)


def test_nothing_tells_of_an_erased_person_in_any_table_or_file(person: World) -> None:
    before = told()
    assert len(before) > 30
    report = lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    assert report.proof is not None
    assert report.proof.clean
    assert report.proof.columns > 150
    assert told() == {"leads_donotcall.phone"}


def test_a_text_of_a_table_that_nobody_thought_of_is_swept(person: World) -> None:
    OutboxItem.objects.create(kind="x", key="x", due_at=timezone.now(),
                              payload={"deep": [{"note": "for ZEBULON quartermain"}]})  # fmt: skip
    lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    assert OutboxItem.objects.get(key="x").payload == {"deep": [{"note": "for [erased]"}]}


def test_calls_stay_without_the_person_and_the_money_still_adds_up(person: World) -> None:
    call = Call.objects.get(lead=person.lead)
    cost, charges = call_cost(call.pk), call.charges.count()
    file = Path(call.recording.file.path)
    assert file.exists()
    lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    call.refresh_from_db()
    assert (call_cost(call.pk), call.charges.count()) == (cost, charges)
    assert call.turns.count() == 0
    assert not Recording.objects.filter(call=call).exists()
    assert not file.exists()
    assert str(call.lead) == "Erased lead"
    assert str(call.to_number).startswith("erased-")
    assert call.dialed_at


def test_consent_stays_as_evidence_without_a_number_and_permits_nothing(person: World) -> None:
    text = Consent.objects.get().text
    lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    consent = Consent.objects.get()
    assert (consent.text, consent.revoked_via, consent.evidence) == (text, "erased", {})
    person.lead.refresh_from_db()
    codes = may_call(call_facts(person.lead, attempts_at=()), now=timezone.now()).codes
    assert "consent_revoked" in codes or "no_consent" in codes
    assert "no_time_zone" in codes


def test_a_wish_not_to_be_called_outlives_the_person(person: World) -> None:
    do_not_call_add(phone=MARKS["phone"], source="voice", now=timezone.now())
    lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    again = lead_create(phone=MARKS["phone"], now=timezone.now())
    assert "do_not_call" in may_call(call_facts(again, attempts_at=()), now=timezone.now()).codes
    entry = DoNotCall.objects.get()
    assert (entry.reason, entry.call) == ("", None)


def test_the_audit_keeps_a_hash_and_no_number(person: World) -> None:
    who = UserFactory(username="clara")
    lead_erase(subject=subject_of(MARKS["phone"]), actor=who, reason="request of 3 May",
               now=timezone.now())  # fmt: skip
    entry = AuditEntry.objects.get(action="erase")
    assert entry.text == "Erased a lead: request of 3 May."
    assert entry.actor_name == "clara"
    assert entry.data["numbers"] == [Erasure.objects.get().number_hash]
    assert MARKS["phone"][2:] not in json.dumps(entry.data)


def test_erasing_twice_changes_nothing_more(person: World) -> None:
    lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    once = sorted(everything_that_is_kept())
    report = lead_erase(subject=subject_of(str(person.lead.pk)), now=timezone.now())
    assert report.proof is not None
    assert report.proof.clean
    changed = {where for where, _ in set(everything_that_is_kept()) - set(once)}
    assert {where.split(".")[0] for where in changed} <= {
        "leads_lead", "leads_timelineentry", "leads_auditentry", "leads_erasure", "calls_call",
    }  # fmt: skip


def test_a_dry_run_counts_and_keeps_everything(person: World) -> None:
    before = sorted(everything_that_is_kept())
    report = lead_erase(subject=subject_of(MARKS["phone"]), dry_run=True, now=timezone.now())
    assert report.proof is None
    assert report.counts["turns"] > 3
    assert report.counts["recordings"] == report.counts["files"] == 1
    assert sorted(everything_that_is_kept()) == before


def test_another_lead_of_the_same_name_keeps_it(person: World) -> None:
    twin = LeadFactory(first_name="Zebulon", last_name="Quartermain", email="zq@example.com")
    subject = subject_of(str(person.lead.pk))
    assert subject.shared == {"Zebulon Quartermain", "Quartermain, Zebulon"}
    lead_erase(subject=subject, now=timezone.now())
    twin.refresh_from_db()
    assert twin.full_name == "Zebulon Quartermain"
    person.lead.refresh_from_db()
    assert person.lead.full_name == ""


def test_who_was_merged_into_the_lead_is_erased_with_it() -> None:
    now = timezone.now()
    winner = lead_create(phone="+15122000001", first_name="Ann", last_name="Lee", now=now)
    loser = lead_create(phone="+15127770199", first_name="Zebulon", last_name="Quartermain",
                        email="zanzibar@example.com", now=now)  # fmt: skip
    leads_merge(winner_id=winner.pk, loser_id=loser.pk, now=now)
    assert told()
    lead_erase(subject=subject_of(str(winner.pk)), now=now)
    assert told() == set()


def test_a_call_that_is_going_on_is_not_erased_under_it(person: World) -> None:
    CallFactory(lead=person.lead, live=True)
    with pytest.raises(ErasureRefused, match="on a call right now"):
        lead_erase(subject=subject_of(MARKS["phone"]), now=timezone.now())
    assert Lead.objects.filter(phone=MARKS["phone"]).exists()


def test_an_import_at_work_is_waited_for(person: World) -> None:
    ImportBatch.objects.update(state="committing")
    with pytest.raises(ErasureRefused, match=r"fair\.csv is being worked on"):
        lead_erase(subject=subject_of(MARKS["phone"]), now=timezone.now())


def test_the_carriers_copy_of_a_recording_goes_too(
    person: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("calls.carrier.recording_delete", asked.append)
    Recording.objects.update(provider_sid="RE1")
    lead_erase(subject=subject_of(MARKS["phone"]), now=timezone.now())
    outbox_run_due(timezone.now())
    assert asked == ["RE1"]


def test_a_killed_erasure_is_done_again_from_the_beginning(
    person: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_arguments: Any) -> int:
        raise KeyboardInterrupt

    before = sorted(everything_that_is_kept())
    monkeypatch.setattr("leads.erasure.erase._sweep", killed)
    with pytest.raises(KeyboardInterrupt):
        lead_erase(subject=subject_of(MARKS["phone"]), now=timezone.now())
    assert sorted(everything_that_is_kept()) == before


def test_a_number_without_a_lead_is_erased_from_what_is_left_of_it(person: World) -> None:
    Lead.objects.filter(pk=person.lead.pk).update(phone="+15122000001")
    subject = subject_of("(512) 777-0199")
    assert subject.lead is None
    lead_erase(subject=subject, now=timezone.now())
    assert "leads_importrow.phone" not in told()


@pytest.mark.parametrize("who", ["12", "nobody", "11111111-1111-4111-8111-111111111111"])
def test_who_is_nobody_is_told(who: str) -> None:
    with pytest.raises(NobodyToErase):
        subject_of(who)


def test_a_number_is_looked_for_as_people_write_it() -> None:
    written = {
        "+15122000001", "15122000001", "5122000001", "(512) 200-0001", "512-200-0001",
        "512.200.0001", "512 200 0001", "(512)200-0001",
    }  # fmt: skip
    assert written <= spellings("+15122000001")
    assert "+44 20 7946 0123" in spellings("+442079460123")


def test_what_is_kept_is_named_and_nothing_else() -> None:
    tables = {model._meta.label_lower for model in apps.get_models()}
    assert {label for label in KEPT if not label.startswith("sessions")} <= tables
    assert KEPT["leads.donotcall"] == {"phone"}


def test_compliance_erases_at_the_desk_after_seeing_what_goes(
    person: World, client: Client
) -> None:
    client.force_login(ManagerFactory())
    address = reverse("admin:leads_lead_erase", args=(person.lead.pk,))
    assert address in client.get(
        reverse("admin:leads_lead_change", args=(person.lead.pk,))
    ).content.decode()  # fmt: skip
    shown = client.get(address).content.decode()
    assert "1 recordings" in shown
    assert Lead.objects.get(pk=person.lead.pk).first_name == "Zebulon"
    client.post(address, {"reason": "request of 3 May"})
    assert told() - {"leads_donotcall.phone"} == set()
    assert client.get(address).status_code == 404
    listed = client.get(reverse("admin:leads_lead_changelist")).content.decode()
    assert "Erased lead" not in listed
    call = Call.objects.get(lead=person.lead)
    page = client.get(reverse("admin:calls_call_change", args=(call.pk,)))
    assert "Erased lead" in page.content.decode()


# The command -----------------------------------------------------------------------------------


def erase(*arguments: str) -> str:
    out = StringIO()
    call_command("erase_lead", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_says_what_it_would_do_does_it_and_proves_it(person: World) -> None:
    assert "this was a dry run" in erase(MARKS["phone"], "--dry-run")
    said = erase(str(person.lead.pk), "--reason", "request of 3 May")
    assert "nothing is left" in said
    assert "recordings" in said
    with pytest.raises(CommandError, match="neither the id of a lead nor a number"):
        erase("12")


def test_the_command_fails_while_something_is_found(
    person: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(MARKS["phone"])
    monkeypatch.setattr("leads.erasure.erase._sweep", lambda subject: 0)
    with pytest.raises(CommandError, match="Still found after the erasure"):
        erase(MARKS["phone"])
    assert search(subject).rows


def linked_sheet(direction: str) -> SheetLink:
    address = f"https://docs.google.com/spreadsheets/d/sheet-{'1' * 30}/edit"
    link = link_create(url=address, direction=direction, account=None, actor=None)
    link_configure(
        link_id=link.pk, tab_id=0, direction=direction, source="fair", adds_leads=False,
        columns=[Column("Phone", "phone"), Column("Name", "full_name")], every_minutes=15,
        owner_id=None, now=timezone.now(), new_results=["stage"] if direction == "both" else [],
    )  # fmt: skip
    return link


def test_the_row_in_a_sheet_goes_on_request_and_is_not_brought_back_without(
    settings: Any, tmp_path: Path
) -> None:
    with google(settings, tmp_path) as server:
        tab = server.sheet([["Phone", "Name"], ["5122000001", "Ann Lee"],
                            ["5127770199", "Zebulon Quartermain"]])  # fmt: skip
        link = linked_sheet("both")
        sheet_sync_step(link_id=link.pk, seconds=9)
        lead = Lead.objects.get(phone="+15127770199")
        erase(str(lead.pk))
        assert not SheetRow.objects.filter(lead=lead).exists()
        assert len(tab.rows) == 3
        sheet_sync_step(link_id=link.pk, seconds=9)
        link.refresh_from_db()
        assert link.last_remarks == [[3, "This person was erased: delete the row"]]
        assert told() == set()
        other = Lead.objects.get(phone="+15122000001")
        assert "1 rows deleted in linked sheets" in erase(str(other.pk), "--sheet-row")
        assert [row[0] for row in tab.rows] == ["Phone", "5127770199"]


def test_a_sheet_that_cannot_be_written_stops_the_erasure_before_it_begins(
    settings: Any, tmp_path: Path
) -> None:
    with google(settings, tmp_path) as server:
        server.sheet([["Phone", "Name"], ["5127770199", "Zebulon Quartermain"]])
        link = linked_sheet("in")
        sheet_sync_step(link_id=link.pk, seconds=9)
        with pytest.raises(CommandError, match="is only read: delete row 2 there by hand"):
            erase("5127770199", "--sheet-row")
        assert Lead.objects.get().first_name == "Zebulon"
