"""Lists of numbers come in by file: our do-not-call list, the national registry, reassignments."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from openpyxl import Workbook

from leads.import_files import FileRefused
from leads.models import (
    CallingPolicy,
    Consent,
    DoNotCall,
    Lead,
    NumberList,
    ReassignedCheck,
    RegistryArea,
    RegistryBlock,
    TimelineEntry,
)
from leads.policy.may_call import Decision, may_call
from leads.selectors import call_facts
from leads.services import consent_give, lead_create
from leads.services import number_lists as service
from leads.services.number_lists import number_list_create, number_list_step

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)  # noon in Austin
TODAY = NOW.date()


def take(data: bytes, purpose: str, *, made_on: date = TODAY, name: str = "list.csv") -> NumberList:
    made = number_list_create(
        file=ContentFile(data), name=name, purpose=purpose, made_on=made_on, enqueue=False, now=NOW
    )
    assert not number_list_step(list_id=made.pk, seconds=60)
    made.refresh_from_db()
    return made


@pytest.fixture
def lead() -> Lead:
    made = lead_create(phone="+15122000001", state="TX", now=NOW)
    consent_give(
        lead_id=made.pk, text="Call me.", seller="Harbor Homes", source="form", given_at=NOW
    )
    return made


def gate(lead: Lead) -> Decision:
    return may_call(call_facts(lead, attempts_at=()), now=NOW)


def test_a_do_not_call_list_bars_its_numbers_and_tells_the_leads_story(lead: Lead) -> None:
    data = b"Phone,Reason\n(512) 200-0001,wrote us\n+442079460123,\n12,\n(512) 200-0001,again\n"
    made = take(data, "do_not_call")
    assert made.state == NumberList.State.DONE
    assert made.counts == {"added": 2, "known": 0, "invalid": 1}
    assert made.remarks == [[3, "it has too few digits"]]
    assert {str(row.phone): row.reason for row in DoNotCall.objects.all()} == {
        "+15122000001": "wrote us",
        "+442079460123": "List list.csv",
    }
    assert "do_not_call" in gate(lead).codes
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    assert TimelineEntry.objects.get(lead=lead, kind="do_not_call")


def test_the_same_list_twice_adds_nothing(lead: Lead) -> None:
    take(b"5122000001\n", "do_not_call")
    assert take(b"5122000001\n", "do_not_call").counts == {"added": 0, "known": 1}
    assert TimelineEntry.objects.filter(lead=lead, kind="do_not_call").count() == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_list_may_have_any_encoding_a_header_and_other_columns(encoding: str) -> None:
    take("Näme;Téléphone number\nZoë;512-200-0007\n".encode(encoding), "do_not_call")
    assert str(DoNotCall.objects.get().phone) == "+15122000007"


def test_a_list_may_be_a_workbook() -> None:
    book = Workbook()
    book.active.append(["Number"])  # type: ignore[union-attr]
    book.active.append([5122000009])  # type: ignore[union-attr]
    data = io.BytesIO()
    book.save(data)
    take(data.getvalue(), "do_not_call", name="list.xlsx")
    assert str(DoNotCall.objects.get().phone) == "+15122000009"


def test_a_long_list_is_read_in_chunks_of_constant_queries(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(service, "CHUNK", 400)
    rows = b"".join(b"512200%04d\n" % n for n in range(1000))
    made = number_list_create(
        file=ContentFile(rows), name="long.csv", purpose="do_not_call", made_on=TODAY,
        enqueue=False, now=NOW,
    )  # fmt: skip
    with django_assert_max_num_queries(25):
        assert number_list_step(list_id=made.pk, seconds=0)
    assert DoNotCall.objects.count() == 400
    with django_assert_max_num_queries(25):
        number_list_step(list_id=made.pk, seconds=0)
    while number_list_step(list_id=made.pk, seconds=0):
        pass
    made.refresh_from_db()
    assert (made.rows, DoNotCall.objects.count()) == (1000, 1000)


def test_a_killed_chunk_leaves_nothing_and_the_next_run_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 2)
    made = number_list_create(
        file=ContentFile(b"5122000001\n5122000002\n5122000003\n5122000004\n"), name="a.csv",
        purpose="do_not_call", made_on=TODAY, enqueue=False, now=NOW,
    )  # fmt: skip
    number_list_step(list_id=made.pk, seconds=0)
    real = service._READ["do_not_call"]

    def killed(*arguments: Any) -> Any:
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setitem(service._READ, "do_not_call", killed)
    with pytest.raises(KeyboardInterrupt):
        number_list_step(list_id=made.pk, seconds=60)
    assert DoNotCall.objects.count() == 2
    monkeypatch.setitem(service._READ, "do_not_call", real)
    assert not number_list_step(list_id=made.pk, seconds=60)
    made.refresh_from_db()
    assert made.counts == {"added": 4, "known": 0}


def test_a_list_that_breaks_off_says_where_and_keeps_what_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 10)
    data = b"".join(b"51220000%02d\n" % n for n in range(30)) + b"x" * (2 << 20)
    made = take(data, "do_not_call")
    assert made.state == NumberList.State.FAILED
    assert "a line of more than 1 MB" in made.error
    assert DoNotCall.objects.count() == made.counts["added"] == 30


def test_the_file_is_gone_when_it_is_read(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = take(b"5122000001\n", "do_not_call")
    assert not Path(made.file.path).exists()


# The national registry -------------------------------------------------------------------------


def test_the_registry_is_scrubbed_by_area_code(lead: Lead) -> None:
    other = lead_create(phone="+15122000002", state="TX", now=NOW)
    consent_give(lead_id=other.pk, text="Call.", seller="H", source="f", given_at=NOW)
    assert [reason.code for reason in gate(lead).warnings] == [
        "national_scrub_stale", "reassigned_check_stale",
    ]  # fmt: skip
    made = take(b"512,2000001\r\n512,9999999\r\n", "national")
    assert made.counts == {"numbers": 2, "areas": 1, "areas_passed_over": 0, "leads_listed": 1}
    area = RegistryArea.objects.get()
    assert (area.area_code, area.numbers, area.made_on) == (512, 2, TODAY)
    assert gate(lead).codes == ("national_do_not_call",)
    assert gate(other).allowed
    assert [reason.code for reason in gate(other).warnings] == ["reassigned_check_stale"]


def test_a_lead_that_comes_later_is_checked_against_the_same_list() -> None:
    take(b"512,2000008\n", "national")
    late = lead_create(phone="+15122000008", state="TX", now=NOW)
    consent_give(lead_id=late.pk, text="Call.", seller="H", source="f", given_at=NOW)
    assert gate(late).codes == ("national_do_not_call",)


def test_a_scrub_ages_after_31_days_and_the_account_decides_what_then(lead: Lead) -> None:
    take(b"512,9999999\n", "national", made_on=TODAY - timedelta(days=31))
    assert "national_scrub_stale" not in {reason.code for reason in gate(lead).warnings}
    RegistryArea.objects.update(made_on=TODAY - timedelta(days=32))
    assert gate(lead).allowed
    CallingPolicy.objects.create(national_check_old="block", on_national_registry="warn")
    assert gate(lead).codes == ("national_scrub_stale",)
    take(b"512,2000001\n", "national")
    assert gate(lead).allowed
    assert "national_do_not_call" in {reason.code for reason in gate(lead).warnings}


def test_a_newer_list_replaces_the_older_and_an_older_one_is_passed_over(lead: Lead) -> None:
    take(b"512,2000001\n", "national", made_on=TODAY - timedelta(days=9))
    take(b"512,2000002\n", "national")
    assert gate(lead).allowed
    assert RegistryBlock.objects.count() == 1
    old = take(b"512,2000001\n713,2000001\n", "national", made_on=TODAY - timedelta(days=9))
    assert old.counts["areas_passed_over"] == 1
    assert gate(lead).allowed
    assert [area.area_code for area in RegistryArea.objects.all()] == [512, 713]


def test_the_registry_is_read_in_chunks_and_holds_only_when_it_is_whole(
    lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK_BYTES", 64)
    rows = b"".join(b"512,200%04d\n" % n for n in range(1, 30))
    made = number_list_create(
        file=ContentFile(rows), name="512.txt", purpose="national", made_on=TODAY, enqueue=False,
        now=NOW,
    )  # fmt: skip
    while number_list_step(list_id=made.pk, seconds=0):
        assert gate(lead).allowed
    assert gate(lead).codes == ("national_do_not_call",)
    assert RegistryArea.objects.get().numbers == 29


def test_the_registry_may_come_as_the_zip_that_is_downloaded(lead: Lead) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("2026-11-23_512.txt", "512,2000001\n")
    take(packed.getvalue(), "national", name="512.zip")
    assert gate(lead).codes == ("national_do_not_call",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'<?xml version="1.0"?><list><ac val="512"/></list>', "XML"),
        (b"512,2000001,2026-11-01T10:00:00,A\n512,2000002,2026-11-01T10:00:00,D\n", "change list"),
        (b"PK\x03\x04 and no more", "damaged"),
    ],
)
def test_it_refuses_in_words_what_is_not_the_full_list(data: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        take(data, "national")
    assert not NumberList.objects.exists()


def test_a_registry_file_without_numbers_is_refused() -> None:
    made = take(b"nothing here\n", "national")
    assert (made.state, RegistryArea.objects.count()) == (NumberList.State.FAILED, 0)
    assert "no telephone numbers" in made.error


def test_a_list_of_tomorrow_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="still to come"):
        take(b"512,2000001\n", "national", made_on=TODAY + timedelta(days=1))


# Reassigned numbers ----------------------------------------------------------------------------


def test_a_reassigned_number_is_not_called_until_its_new_owner_consents(lead: Lead) -> None:
    data = b"TN,Date,Reassigned\n5122000001,2026-10-01,yes\n5122000002,,no\n5122000003,,no data\n"
    made = take(data, "reassigned", made_on=TODAY)
    assert made.counts == {"reassigned": 1, "same": 1, "unknown": 1}
    assert gate(lead).codes == ("number_reassigned",)
    consent_give(
        lead_id=lead.pk, text="Call.", seller="H", source="new owner",
        given_at=NOW + timedelta(days=1),
    )  # fmt: skip
    assert gate(lead).allowed


def test_the_newest_answer_counts_whatever_comes_in_last(lead: Lead) -> None:
    take(b"5122000001,no\n", "reassigned", made_on=TODAY)
    take(b"5122000001,yes\n", "reassigned", made_on=TODAY - timedelta(days=5))
    check = ReassignedCheck.objects.get()
    assert (check.checked_on, check.reassigned) == (TODAY, False)
    take(b"5122000001,yes\n", "reassigned", made_on=TODAY)
    assert gate(lead).codes == ("number_reassigned",)
