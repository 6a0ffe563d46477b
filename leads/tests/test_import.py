"""Files of leads become leads: checked, committed, taken back, and never half of it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.import_files import FileRefused
from leads.models import Consent, DoNotCall, ImportBatch, ImportRow, Lead, TimelineEntry
from leads.policy.import_fields import mapping_guess
from leads.services import import_check as checking
from leads.services.import_phases import Superseded
from leads.services.imports import (
    ImportNotReady,
    import_check,
    import_commit,
    import_create,
    import_step,
    import_undo,
)
from tests.factories import ConsentFactory, DoNotCallFactory, EnrolmentFactory, LeadFactory

pytestmark = pytest.mark.django_db

WORDS = "I agree that Harbor Homes may call me with an automated voice."


def batch_of(text: str | bytes, *, source: str = "fair", name: str = "leads.csv") -> ImportBatch:
    data = text.encode() if isinstance(text, str) else text
    return import_create(file=ContentFile(data), name=name, source=source)


def run(batch: ImportBatch) -> ImportBatch:
    while import_step(batch_id=batch.pk, seconds=0):
        pass
    batch.refresh_from_db()
    return batch


def checked(text: str | bytes, *, on_existing: str = "fill", **more: Any) -> ImportBatch:
    batch = batch_of(text, **more)
    import_check(
        batch_id=batch.pk,
        mapping=batch.mapping,
        on_existing=on_existing,
        enqueue=False,
        now=timezone.now(),
    )
    return run(batch)


def committed(text: str | bytes, **more: Any) -> ImportBatch:
    batch = checked(text, **more)
    import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    return run(batch)


def undone(batch: ImportBatch) -> ImportBatch:
    import_undo(batch_id=batch.pk, enqueue=False, now=timezone.now())
    return run(batch)


def many(count: int) -> str:
    rows = "".join(f"+1512{3000000 + n},Ann,Lee{n}\n" for n in range(count))
    return "phone,first name,last name\n" + rows


def test_it_says_for_every_row_what_will_happen_and_writes_no_lead() -> None:
    known = LeadFactory(phone="+15122000001", email="")
    LeadFactory(phone="+15122000002", first_name="Bo", last_name="", email="")
    batch = checked(
        "Mobile,First Name,Email\n"
        "(512) 200-0009,Maria,maria@example.com\n"
        f"512-200-0001,{known.first_name},new@example.com\n"
        "512-200-0002,Bo,\n"
        "5122000009,Again,\n"
        "12,Short,\n"
    )
    assert batch.state == ImportBatch.State.CHECKED
    verdicts = list(batch.rows.values_list("number", "verdict", "reason"))
    assert [(number, verdict) for number, verdict, _ in verdicts] == [
        (2, "new"), (3, "update"), (4, "duplicate"), (5, "duplicate"), (6, "invalid"),
    ]  # fmt: skip
    assert "adds nothing" in verdicts[2][2]
    assert "same number as in row 2" in verdicts[3][2]
    assert "too few digits" in verdicts[4][2]
    assert batch.counts["new"] == 1
    assert Lead.objects.count() == 2


def test_a_commit_makes_leads_with_zones_source_and_a_line_of_their_story() -> None:
    batch = committed(
        "Name,Phone,State,Roof,Labels\nMaria Lopez,(415) 200-0009,Texas,tin,vip;new\n"
    )
    lead = Lead.objects.get()
    assert (lead.full_name, lead.state, lead.source, lead.raw_phone) == (
        "Maria Lopez", "TX", "fair", "(415) 200-0009",
    )  # fmt: skip
    assert {"America/Chicago", "America/Los_Angeles"} <= set(lead.time_zones)
    assert lead.tags == ["vip", "new"]
    assert "leads.csv, row 2" in TimelineEntry.objects.get(lead=lead).text
    assert batch.state == ImportBatch.State.COMMITTED
    assert batch.counts["done_new"] == 1


def test_an_update_fills_gaps_and_replaces_only_when_told() -> None:
    lead = LeadFactory(phone="+15122000001", first_name="Maria", email="", city="Austin")
    row = "phone,first name,email,city\n5122000001,Mary,m@example.com,\n"
    committed(row)
    lead.refresh_from_db()
    assert (lead.first_name, lead.email, lead.city) == ("Maria", "m@example.com", "Austin")
    committed(row, on_existing="overwrite")
    lead.refresh_from_db()
    assert (lead.first_name, lead.city) == ("Mary", "Austin")


def test_a_consent_with_all_its_parts_is_kept_once() -> None:
    text = (
        "phone,consent text,consent seller,consent date,consent url\n"
        f'5122000001,"{WORDS}",Harbor Homes,2026-03-01,https://example.com/1\n'
        f'5122000002,"{WORDS}",Harbor Homes,,\n'
        f'5122000003,"{WORDS}",Harbor Homes,3/1/2026 10:30,\n'
    )
    batch = committed(text)
    assert batch.counts["done_consents"] == 2
    consent = Consent.objects.get(lead__phone="+15122000001")
    assert (consent.text, consent.source) == (WORDS, "https://example.com/1")
    assert consent.given_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert "no date" in batch.rows.get(number=3).reason
    assert Consent.objects.get(lead__phone="+15122000003").source == "leads.csv, row 4"
    again = committed(text)
    assert again.counts["duplicate"] == 3
    assert Consent.objects.count() == 2


def test_an_old_sheet_does_not_bring_back_a_consent_that_was_withdrawn() -> None:
    lead = LeadFactory(phone="+15122000001")
    withdrawn = datetime(2026, 5, 1, tzinfo=UTC)
    ConsentFactory(lead=lead, given_at=withdrawn - timedelta(days=90), revoked_at=withdrawn)
    head = "phone,consent text,consent seller,consent date\n"
    batch = committed(f"{head}5122000001,{WORDS},Harbor Homes,2026-04-01\n")
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    assert "withdrawn after that, on 2026-05-01" in batch.rows.get().reason
    committed(f"{head}5122000001,{WORDS},Harbor Homes,2026-06-01\n")
    assert Consent.objects.filter(revoked_at__isnull=True).exists()


def test_do_not_call_wins_over_every_consent_in_the_file() -> None:
    DoNotCallFactory(phone="+15122000001")
    known = LeadFactory(phone="+15122000002")
    ConsentFactory(lead=known)
    batch = committed(
        "phone,dnc,consent text,consent seller,consent date\n"
        f"5122000001,,{WORDS},Harbor Homes,2026-03-01\n"
        "5122000002,yes,,,\n"
        f"5122000003,,{WORDS},Harbor Homes,2026-03-01\n"
        "5122000003,yes,,,\n"
    )
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    numbers = set(map(str, DoNotCall.objects.values_list("phone", flat=True)))
    assert numbers == {"+15122000001", "+15122000002", "+15122000003"}
    assert "On the do-not-call list" in batch.rows.get(number=2).reason
    assert known.timeline.filter(kind="do_not_call").exists()


def test_an_undo_takes_back_what_the_import_did_and_nothing_later() -> None:
    filled = LeadFactory(phone="+15122000001", email="", city="", last_name="Old")
    batch = committed(
        "phone,last name,email,city,do not call\n"
        "5122000001,,m@example.com,Dallas,\n"
        "5122000002,Gone,,,\n"
        "5122000003,Called,,,\n"
        "5122000004,Edited,,,\n"
        "5122000005,Barred,,,yes\n"
    )
    Lead.objects.filter(pk=filled.pk).update(city="Houston")
    EnrolmentFactory(lead=Lead.objects.get(phone="+15122000003"))
    Lead.objects.filter(phone="+15122000004").update(first_name="Typed by hand")
    batch = undone(batch)
    assert batch.state == ImportBatch.State.UNDONE
    filled.refresh_from_db()
    assert (filled.email, filled.city, filled.last_name) == ("", "Houston", "Old")
    left = set(Lead.objects.exclude(pk=filled.pk).values_list("last_name", flat=True))
    assert left == {"Called", "Edited"}
    assert DoNotCall.objects.filter(phone="+15122000005").exists()
    counts = {k: v for k, v in batch.counts.items() if k.startswith("undone_")}
    assert counts == {
        "undone_removed": 2, "undone_kept": 2, "undone_restored": 1, "undone_kept_fields": 1,
    }  # fmt: skip


def test_an_undone_consent_is_revoked_and_may_come_again() -> None:
    LeadFactory(phone="+15122000001")
    text = (
        "phone,consent text,consent seller,consent date\n"
        f"5122000001,{WORDS},Harbor Homes,2026-03-01\n"
    )
    undone(committed(text))
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    committed(text)
    assert Consent.objects.filter(revoked_at__isnull=True).count() == 1


@pytest.mark.parametrize("phase", ["check", "commit", "undo"])
def test_a_phase_that_is_killed_goes_on_where_it_was(
    phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("import_check", "import_commit", "import_undo"):
        monkeypatch.setattr(f"leads.services.{module}.CHUNK", 7)
    text = many(30)

    def dying(batch: ImportBatch) -> ImportBatch:
        """Die in the third chunk, after its rows were written and before its cursor was."""
        module = f"leads.services.import_{phase}"
        real = __import__(module, fromlist=["x"]).batch_move
        calls = iter(range(100))

        def move(*args: Any, **values: Any) -> None:
            if next(calls) == 2:
                raise KeyboardInterrupt
            real(*args, **values)

        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.batch_move", move)
            with pytest.raises(KeyboardInterrupt):
                run(batch)
        monkeypatch.setattr(checking, "_reader", None)  # a new process has no open reader
        batch.refresh_from_db()
        assert batch.done_rows == 14
        return run(batch)

    batch = batch_of(text)
    import_check(batch_id=batch.pk, mapping=batch.mapping, on_existing="fill", enqueue=False,
                 now=timezone.now())  # fmt: skip
    batch = dying(batch) if phase == "check" else run(batch)
    assert batch.rows.count() == 30
    import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    batch = dying(batch) if phase == "commit" else run(batch)
    assert (Lead.objects.count(), TimelineEntry.objects.count()) == (30, 30)
    assert batch.counts["done_new"] == 30
    import_undo(batch_id=batch.pk, enqueue=False, now=timezone.now())
    batch = dying(batch) if phase == "undo" else run(batch)
    assert (Lead.objects.count(), TimelineEntry.objects.count()) == (0, 0)
    assert batch.counts["undone_removed"] == 30


def test_of_two_that_commit_at_once_one_chunk_is_rolled_back() -> None:
    batch = checked(many(3))
    import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    first, second = (ImportBatch.objects.get(pk=batch.pk) for _ in range(2))
    from leads.services.import_commit import chunk_commit

    assert chunk_commit(first, now=timezone.now())
    with pytest.raises(Superseded):
        chunk_commit(second, now=timezone.now())
    assert Lead.objects.count() == 3


def test_a_lead_that_appeared_since_the_check_is_updated_not_made_twice() -> None:
    batch = checked("phone,email\n5122000001,m@example.com\n")
    lead = LeadFactory(phone="+15122000001", email="")
    import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    batch = run(batch)
    lead.refresh_from_db()
    assert lead.email == "m@example.com"
    assert batch.counts["done_update"] == 1
    undone(batch)
    lead.refresh_from_db()
    assert lead.email == ""


def test_a_chunk_costs_the_same_number_of_queries_whatever_its_size() -> None:
    def queries(rows: int) -> tuple[int, int]:
        batch = batch_of(many(rows), source=f"fair {rows}")
        import_check(batch_id=batch.pk, mapping=batch.mapping, on_existing="fill", enqueue=False,
                     now=timezone.now())  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as check:
            run(batch)
        import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
        with CaptureQueriesContext(connection) as commit:
            run(batch)
        Lead.objects.all().delete()
        return len(check), len(commit)

    # SQLite takes 999 values a statement: at 40 rows everything is one statement, as it is
    # for a whole chunk on PostgreSQL.
    assert queries(2) == queries(40)


def test_columns_are_known_by_name_by_what_is_in_them_and_by_the_last_time() -> None:
    assert mapping_guess(["E-Mail", "Owner Name", "Cell #", "x"], []) == [
        "email", "full_name", "phone", "",
    ]  # fmt: skip
    assert mapping_guess(["phone", "seller"], []) == ["phone", ""]
    cells = [["5122000001", "a@example.com", "78701", "TX"]]
    assert mapping_guess(["a", "b", "c", "d"], cells) == ["phone", "email", "postal_code", "state"]
    batch = batch_of("tel,who,junk\n5122000001,Maria,1\n", source="county")
    import_check(batch_id=batch.pk, mapping=["phone", "first_name", ""], on_existing="fill",
                 enqueue=False, now=timezone.now())  # fmt: skip
    later = batch_of("junk,tel,who\n1,5122000002,Bo\n", source="county")
    assert later.mapping == ["", "phone", "first_name"]


def test_a_file_without_a_header_is_known_by_its_cells() -> None:
    batch = committed("5122000001,maria@example.com\n5122000002,bo@example.com\n")
    assert not batch.has_header
    assert Lead.objects.count() == 2


def test_without_a_phone_column_it_asks_for_one() -> None:
    batch = batch_of("name,email\nMaria,m@example.com\n")
    with pytest.raises(ValidationError, match="holds the phone number"):
        import_check(batch_id=batch.pk, mapping=batch.mapping, on_existing="fill",
                     enqueue=False, now=timezone.now())  # fmt: skip


def test_steps_come_in_their_order() -> None:
    batch = batch_of(many(1))
    with pytest.raises(ImportNotReady, match="Choose columns"):
        import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    done = committed(many(1))
    with pytest.raises(ImportNotReady):
        import_commit(batch_id=done.pk, enqueue=False, now=timezone.now())


def test_too_many_rows_end_the_check_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.services.import_check.MAX_ROWS", 10)
    batch = checked(many(11))
    assert batch.state == ImportBatch.State.FAILED
    assert "more than 10 rows" in batch.error


def test_the_error_file_holds_the_rows_reasons_and_no_formulas() -> None:
    from leads.selectors import import_error_rows

    batch = checked('phone,name\n12,"=HYPERLINK(""http://x"")"\n+1512200000,Bo\n5122000001,Ok\n')
    rows = list(csv.reader(io.StringIO("".join(import_error_rows(batch)))))
    assert rows[0] == ["row", "verdict", "reason", "phone", "name"]
    assert rows[1][0] == "2"
    assert rows[1][4].startswith("'=")
    assert rows[2][3] == "'+1512200000"
    assert len(rows) == 3
    # What was defused is read again as it was.
    again = checked("phone\n'+15122000001\n")
    assert again.counts["new"] == 1


def test_a_file_that_is_refused_leaves_nothing_behind() -> None:
    with pytest.raises(FileRefused, match="empty"):
        batch_of("\n\n")
    assert not ImportBatch.objects.exists()
    assert not ImportRow.objects.exists()
