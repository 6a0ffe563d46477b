"""Linked sheets, against a local Google: contacts in, results out, and what goes wrong between."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from leads.models import Consent, DoNotCall, Lead, SheetConflict, SheetLink, SheetRow
from leads.policy.sheet_columns import Column
from leads.sheets import sync
from leads.sheets.conflicts import ConflictDecided, conflict_decide
from leads.sheets.errors import SheetsLater, SheetsRefused
from leads.sheets.links import link_configure, link_create, link_preview
from leads.sheets.sync import SheetBusy, sheet_sync_step, sheets_wake
from leads.tests.sheets_server import ROBOT, SheetsServer, Tab
from tests.factories import AppointmentFactory, CallFactory, LeadFactory, RecordingFactory

pytestmark = pytest.mark.django_db

ADDRESS = f"https://docs.google.com/spreadsheets/d/sheet-{'1' * 30}/edit#gid=0"
HEADER = ["Phone", "First Name", "City", "Budget"]
CONTACTS = [
    Column("Phone", "phone"), Column("First Name", "first_name"), Column("City", "city"),
    Column("Budget", "custom"),
]  # fmt: skip
KEY = Column("REAutomation key", "key")


def linked(direction: str = "in", **options: Any) -> SheetLink:
    link = link_create(url=ADDRESS, direction=direction, account=None, actor=None)
    values: dict[str, Any] = {
        "link_id": link.pk, "tab_id": link.tab_id, "direction": direction, "columns": CONTACTS,
        "source": "spring fair", "adds_leads": False, "every_minutes": 15, "owner_id": None,
        "new_results": ["stage", "score"] if direction == "out" else [], "now": timezone.now(),
    }  # fmt: skip
    return link_configure(**(values | options))


def run(link: SheetLink, *, patience: float = 5) -> SheetLink:
    while sheet_sync_step(link_id=link.pk, seconds=60, patience=timedelta(seconds=patience)):
        pass
    link.refresh_from_db()
    return link


def cells(tab: Tab, row: int) -> dict[str, Any]:
    return dict(zip(tab.rows[0], tab.rows[row - 1], strict=False))


# Contacts in -----------------------------------------------------------------------------------


def test_contacts_come_in_and_the_sheet_stays_untouched(server: SheetsServer) -> None:
    tab = server.sheet([HEADER, [5122000001, "Maria", "Austin", "450k"], [],
                        ["(512) 200-0002", "Bo", "", ""], ["12", "Nobody", "", ""]])  # fmt: skip
    before = [list(row) for row in tab.rows]
    link = run(linked())
    assert link.error == ""
    assert {name: link.last_counts[name] for name in ("new", "invalid")} == {"new": 2, "invalid": 1}
    assert link.last_remarks == [[5, "Phone: it has too few digits"]]
    maria = Lead.objects.get(phone="+15122000001")
    assert (maria.first_name, maria.city, maria.custom_fields) == (
        "Maria", "Austin", {"Budget": "450k"},
    )  # fmt: skip
    assert maria.source == "spring fair"
    assert maria.timeline.get(kind="created").text == "Imported from Spring fair / Leads, row 2."
    assert tab.rows == before
    assert server.count("POST /v4") == server.count("PUT /v4") == 0


def test_a_changed_cell_changes_the_lead_and_a_second_pass_changes_nothing(
    server: SheetsServer,
) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    link = run(linked())
    tab.rows[1][2] = "Dallas"
    assert run(link).last_counts["update"] == 1
    lead = Lead.objects.get()
    assert lead.city == "Dallas"
    assert lead.timeline.get(kind="sheet").text == "Updated by Spring fair / Leads, row 2: city."
    assert not run(link).last_counts.get("update")
    assert lead.timeline.filter(kind="sheet").count() == 1


def test_an_empty_cell_erases_nothing(server: SheetsServer) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    link = run(linked())
    tab.rows[1][2] = ""
    run(link)
    assert Lead.objects.get().city == "Austin"


def test_consent_and_do_not_call_come_in_with_their_evidence(server: SheetsServer) -> None:
    server.sheet([
        ["Phone", "Words", "Seller", "When", "DNC"],
        ["5122000001", "Call me by machine", "Harbor Homes", "2026-03-01", ""],
        ["5122000002", "", "", "", "yes"],
    ])  # fmt: skip
    columns = [
        Column("Phone", "phone"), Column("Words", "consent_text"),
        Column("Seller", "consent_seller"), Column("When", "consent_date"),
        Column("DNC", "do_not_call"),
    ]  # fmt: skip
    link = run(linked(columns=columns))
    consent = Consent.objects.get()
    assert (consent.seller, consent.source) == ("Harbor Homes", "Spring fair / Leads")
    assert consent.evidence["row"] == 2
    assert str(DoNotCall.objects.get().phone) == "+15122000002"
    run(link)
    assert Consent.objects.count() == 1


def test_a_known_number_is_filled_in_and_not_doubled(server: SheetsServer) -> None:
    lead = LeadFactory(phone="+15122000001", first_name="", city="")
    server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""], ["512-200-0001", "Again", "", ""]])
    link = run(linked())
    lead.refresh_from_db()
    assert (lead.first_name, lead.city, Lead.objects.count()) == ("Maria", "Austin", 1)
    assert link.last_remarks == [[3, "The same lead as in row 2"]]


def test_the_same_number_in_two_chunks_is_told_too(
    server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CHUNK", 2)
    rows = [[f"512200000{n}", f"Ann{n}", "", ""] for n in (1, 2, 3, 1)]
    server.sheet([HEADER, *rows])
    assert run(linked()).last_remarks == [[5, "The same lead as in row 2"]]
    assert Lead.objects.get(phone="+15122000001").first_name == "Ann1"


def test_columns_may_move_and_a_missing_one_is_named(server: SheetsServer) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    link = linked()
    tab.rows[:] = [["City", "Phone", "Budget", "First Name"], ["Austin", "5122000001", "", "Maria"]]
    run(link)
    assert Lead.objects.get().city == "Austin"
    tab.rows[0][0] = "Town"
    assert "The column “City” is gone from the sheet" in run(link).error


# Results out -----------------------------------------------------------------------------------


def test_results_go_out_with_the_rows_key(server: SheetsServer) -> None:
    lead = LeadFactory(phone="+15122000001", stage="qualified", score=82)
    tab = server.sheet([["Phone"], ["5122000001"], ["5122000009"]])
    call = CallFactory(lead=lead, ended=True, outcome="qualified", summary="Sells.\nSoon.",
                       cost=Decimal("0.0832"))  # fmt: skip
    RecordingFactory(call=call)
    meeting = AppointmentFactory(lead=lead, starts_at=timezone.now() + timedelta(days=2),
                                 ends_at=timezone.now() + timedelta(days=2, hours=1))  # fmt: skip
    results = ["stage", "score", "outcome", "last_call", "summary", "appointment", "recording",
               "cost"]  # fmt: skip
    link = run(linked("out", columns=[Column("Phone", "phone")], new_results=results))
    row = cells(tab, 2)
    assert row["REAutomation key"] == str(lead.pk)
    assert (row["Stage"], row["Score"], row["Cost of all calls (USD)"]) == ("Qualified", 82, 0.0832)
    assert row["Outcome of the last call"] == "Qualified"
    assert row["Summary of the last call"] == "Sells.\nSoon."
    assert row["Next appointment"] == f"{meeting.starts_at:%Y-%m-%d %H:%M} UTC"
    assert row["Recording of the last call"].endswith(f"/admin/calls/call/{call.pk}/change/")
    assert len(tab.rows[2]) == 1  # nobody we know
    assert Lead.objects.count() == 1
    written = link.last_counts["written"]
    assert written == 9
    assert not run(link).last_counts.get("written")


def test_results_are_written_as_text_and_never_as_formulas(server: SheetsServer) -> None:
    lead = LeadFactory(phone="+15122000001")
    tab = server.sheet([["Phone"], ["5122000001"]])
    CallFactory(lead=lead, ended=True, summary="=IMPORTXML(1)")
    bodies: list[Any] = []
    real = server.answer
    server.answer = lambda m, p, q, body: (bodies.append(body), real(m, p, q, body))[1]  # type: ignore[method-assign]
    run(linked("out", columns=[Column("Phone", "phone")], new_results=["summary"]))
    assert cells(tab, 2)["Summary of the last call"] == "=IMPORTXML(1)"
    assert {body["valueInputOption"] for body in bodies if body and "data" in body} == {"RAW"}


def test_a_narrow_sheet_is_made_wider_for_its_new_columns(server: SheetsServer) -> None:
    LeadFactory(phone="+15122000001")
    tab = server.sheet([["Phone"], ["5122000001"]], column_count=1)
    run(linked("out", columns=[Column("Phone", "phone")]))
    assert tab.column_count == 4
    assert cells(tab, 2)["Stage"] == "New"


def test_leads_of_the_source_are_added_once_and_a_removed_row_stays_removed(
    server: SheetsServer,
) -> None:
    leads = [LeadFactory(source="spring fair") for _ in range(3)]
    LeadFactory(source="elsewhere")
    tab = server.sheet([HEADER])
    link = run(linked("out", adds_leads=True))
    assert link.last_counts["added"] == 3
    assert [row[0] for row in tab.rows[1:]] == [str(lead.phone) for lead in leads]
    del tab.rows[2]
    link = run(link)
    assert len(tab.rows) == 3
    assert link.last_counts["gone"] == 1


def test_an_append_without_an_answer_is_never_sent_twice(server: SheetsServer) -> None:
    lead = LeadFactory(source="spring fair")
    tab = server.sheet([HEADER])
    link = linked("out", adds_leads=True)
    server.fail(":append", hang_up=True, after_work=True)
    assert "did not answer" in run(link).error
    assert len(tab.rows) == 2
    link = run(link)
    assert (link.error, len(tab.rows)) == ("", 2)
    assert SheetRow.objects.get().lead == lead


def test_a_call_that_ended_brings_its_sheet_forward(server: SheetsServer) -> None:
    lead = LeadFactory(phone="+15122000001")
    server.sheet([["Phone"], ["5122000001"]])
    link = run(linked("out", columns=[Column("Phone", "phone")]))
    now = timezone.now()
    assert link.next_sync_at is not None
    assert link.next_sync_at > now + timedelta(minutes=10)
    assert sheets_wake(lead_id=lead.pk, now=now) == 1
    assert sheets_wake(lead_id=lead.pk, now=now) == 0
    link.refresh_from_db()
    assert link.next_sync_at == now + timedelta(minutes=1)


# Both ways -------------------------------------------------------------------------------------


def both(**options: Any) -> SheetLink:
    return linked("both", **options)


def test_both_sides_take_what_only_the_other_has_changed(server: SheetsServer) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    link = run(both())
    lead = Lead.objects.get()
    assert cells(tab, 2)["REAutomation key"] == str(lead.pk)
    Lead.objects.update(city="Dallas")
    tab.rows[1][1] = "Marie"
    run(link)
    lead.refresh_from_db()
    assert (lead.first_name, lead.city) == ("Marie", "Dallas")
    assert cells(tab, 2)["City"] == "Dallas"
    before = [list(row) for row in tab.rows]
    assert not run(link).last_counts.get("written")
    assert tab.rows == before


def test_a_sorted_sheet_keeps_every_result_with_its_lead(server: SheetsServer) -> None:
    tab = server.sheet([HEADER, *[[f"512200000{n}", f"Ann{n}", "", ""] for n in range(1, 5)]])
    link = run(both(new_results=["score"]))
    tab.rows[1:] = sorted(tab.rows[1:], reverse=True)
    for n, lead in enumerate(Lead.objects.order_by("phone"), start=1):
        Lead.objects.filter(pk=lead.pk).update(score=n)
    run(link)
    found = {cells(tab, row)["First Name"]: cells(tab, row)["Score"] for row in range(2, 6)}
    assert found == {"Ann1": 1, "Ann2": 2, "Ann3": 3, "Ann4": 4}


def test_rows_that_move_between_reading_and_writing_are_not_written_over(
    server: SheetsServer,
) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Ann", "", ""], ["5122000002", "Bo", "", ""]])
    link = run(both(new_results=["score"]))
    Lead.objects.filter(first_name="Ann").update(score=11)
    Lead.objects.filter(first_name="Bo").update(score=22)
    reads = 0

    def sort_after_the_chunk_was_read(method: str, path: str) -> None:
        nonlocal reads
        reads += path.endswith("values:batchGet")
        if reads == 4:  # header, length, chunk, and now the look before writing
            tab.rows[1:] = tab.rows[:0:-1]

    server.before = sort_after_the_chunk_was_read
    assert run(link).last_counts["moved"] == 2
    server.before = None
    run(link)
    found = {cells(tab, row)["First Name"]: cells(tab, row)["Score"] for row in (2, 3)}
    assert found == {"Ann": 11, "Bo": 22}


def test_a_corrected_number_is_taken_and_its_old_consent_does_not_count(
    server: SheetsServer,
) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = run(both())
    tab.rows[1][0] = "5122000007"
    run(link)
    lead = Lead.objects.get()
    assert str(lead.phone) == "+15122000007"
    assert "Number changed" in lead.timeline.filter(kind="sheet").first().text  # type: ignore[union-attr]


def test_a_number_that_is_another_leads_is_left_to_a_person(server: SheetsServer) -> None:
    LeadFactory(phone="+15122000007")
    tab = server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = run(both())
    tab.rows[1][0] = "5122000007"
    assert "another lead's" in run(link).last_remarks[0][1]
    assert Lead.objects.filter(phone="+15122000001").exists()


def test_what_cannot_be_read_is_left_alone_and_not_overwritten(server: SheetsServer) -> None:
    tab = server.sheet([["Phone", "Kind", "Email"], ["5122000001", "who knows", "a@b.co"]])
    columns = [Column("Phone", "phone"), Column("Kind", "kind"), Column("Email", "email")]
    link = run(both(columns=columns))
    assert tab.rows[1][:3] == ["5122000001", "who knows", "a@b.co"]
    tab.rows[1][2] = "no address"
    run(link)
    assert tab.rows[1][2] == "no address"
    assert Lead.objects.get().email == "a@b.co"


# Conflicts -------------------------------------------------------------------------------------


def conflicting(server: SheetsServer, wins: str) -> tuple[SheetLink, Tab, Lead]:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    columns = [column if column.name != "City" else Column("City", "city", wins)  # type: ignore[arg-type]
               for column in CONTACTS]  # fmt: skip
    link = run(both(columns=columns))
    Lead.objects.update(city="Dallas")
    tab.rows[1][2] = "Houston"
    run(link)
    return link, tab, Lead.objects.get()


def test_where_the_crm_counts_the_sheet_gets_ours(server: SheetsServer) -> None:
    link, tab, lead = conflicting(server, "ours")
    assert (lead.city, tab.rows[1][2]) == ("Dallas", "Dallas")
    log = SheetConflict.objects.get()
    assert (log.choice, log.by_rule, log.ours, log.theirs) == ("ours", True, "Dallas", "Houston")
    assert not run(link).last_counts.get("conflicts")


def test_where_the_sheet_counts_the_lead_gets_theirs(server: SheetsServer) -> None:
    _, tab, lead = conflicting(server, "theirs")
    assert (lead.city, tab.rows[1][2]) == ("Houston", "Houston")
    assert SheetConflict.objects.get().choice == "theirs"


@pytest.mark.parametrize(("choice", "city"), [("ours", "Dallas"), ("theirs", "Houston")])
def test_where_a_person_is_asked_nothing_changes_until_they_decide(
    server: SheetsServer, choice: str, city: str
) -> None:
    link, tab, lead = conflicting(server, "ask")
    assert (lead.city, tab.rows[1][2]) == ("Dallas", "Houston")
    run(link)
    conflict = SheetConflict.objects.get()
    assert conflict.choice == ""
    conflict_decide(conflict_id=conflict.pk, choice=choice, actor=None, now=timezone.now())
    with pytest.raises(ConflictDecided):
        conflict_decide(conflict_id=conflict.pk, choice="ours", actor=None, now=timezone.now())
    run(link)
    lead.refresh_from_db()
    assert (lead.city, tab.rows[1][2]) == (city, city)
    assert SheetConflict.objects.count() == 1


def test_a_conflict_that_people_settle_themselves_is_closed(server: SheetsServer) -> None:
    link, tab, _ = conflicting(server, "ask")
    tab.rows[1][2] = "Dallas"
    run(link)
    assert SheetConflict.objects.get().choice == "agreed"


# What goes wrong -------------------------------------------------------------------------------


def test_a_quota_error_is_waited_out_as_long_as_google_says(
    server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("leads.sheets.client.time.sleep", waits.append)
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()
    server.fail("values:batchGet", 429, headers={"Retry-After": "3"},
                reason="RATE_LIMIT_EXCEEDED")  # fmt: skip
    with pytest.raises(SheetsLater):  # everybody waits, also who asks next
        run(link, patience=2)
    assert Lead.objects.count() == 0
    link.refresh_from_db()
    assert link.error == ""


@pytest.mark.parametrize("status", [500, 503])
def test_a_hiccup_of_google_is_tried_again(server: SheetsServer, status: int) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()
    server.fail("values:batchGet", status, times=3)
    assert run(link).error == ""
    assert Lead.objects.count() == 1


def test_a_proxy_that_answers_html_and_a_line_that_breaks_are_tried_again(
    server: SheetsServer,
) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()
    server.fail("values:batchGet", 502, body="<html>Bad gateway</html>")
    server.fail("values:batchGet", hang_up=True)
    assert run(link).error == ""
    assert Lead.objects.count() == 1


def test_an_outage_rests_the_link_longer_each_time(server: SheetsServer) -> None:
    server.sheet([HEADER])
    link = linked()
    server.fail("GET /v4", 503, times=1000)
    pauses = []
    for _ in range(3):
        run(link)
        assert link.next_sync_at is not None
        pauses.append(round((link.next_sync_at - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4]
    assert "problem of its own" in link.error


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda book, _: book.editors.clear(), f"Share the sheet with {ROBOT}"),
        (lambda book, _: setattr(book.tabs[0], "id", 99), "The tab “Leads” is gone"),
        (lambda _, server: server.books.clear(), "no such sheet, or it is not shared"),
        (lambda _, server: server.fail("GET /v4", 403, reason="SERVICE_DISABLED"),
         "API is not switched on"),
        (lambda _, server: server.fail("/token", 400, body='{"error": "invalid_grant"}'),
         "connect the account again"),
    ],
)  # fmt: skip
def test_what_a_person_must_put_right_is_said_in_words_and_not_retried(
    server: SheetsServer, break_it: Any, words: str
) -> None:
    server.sheet([HEADER])
    link = linked()
    break_it(next(iter(server.books.values())), server)
    sent = server.count("GET /v4")
    assert words in run(link).error
    assert server.count("GET /v4") - sent <= 1
    assert link.next_sync_at is not None
    assert link.next_sync_at > timezone.now() + timedelta(minutes=50)


def test_a_token_that_was_revoked_is_renewed_once(server: SheetsServer) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()

    def revoke(method: str, path: str) -> None:
        if path.endswith("values:batchGet"):
            server.tokens.clear()
            server.before = None

    server.before = revoke
    assert run(link).error == ""


def test_no_service_account_and_a_broken_key_file_are_told(
    server: SheetsServer, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "broken.json").write_text("{}")
    for path, words in (("", "No Google service account"), ("/nowhere", "cannot be read"),
                        (str(tmp_path / "broken.json"), "is not the key file")):  # fmt: skip
        settings.ENV = settings.ENV.model_copy(update={"google_service_account_file": path})
        with pytest.raises(SheetsRefused, match=words):
            link_create(url=ADDRESS, direction="in", account=None, actor=None)


def test_an_address_that_is_no_sheet_is_told(server: SheetsServer) -> None:
    with pytest.raises(SheetsRefused, match="not the address of a Google Sheet"):
        link_create(url="https://example.com", direction="in", account=None, actor=None)


def test_a_pass_goes_on_at_the_row_where_it_was_killed(
    server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CHUNK", 2)
    rows = [[f"512200000{n}", f"Ann{n}", "", ""] for n in range(1, 7)]
    server.sheet([HEADER, *rows], row_count=7)
    link = linked()
    real = sync.chunk_sync

    def killed(*arguments: Any, first: int, **more: Any) -> Any:
        done = real(*arguments, first=first, **more)
        if first == 4:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(sync, "chunk_sync", killed)
    with pytest.raises(KeyboardInterrupt):
        run(link)
    monkeypatch.setattr(sync, "chunk_sync", real)
    link.refresh_from_db()
    assert (link.running, link.cursor, Lead.objects.count()) == (True, 3, 4)
    before = server.count("values:batchGet")
    link = run(link)
    assert Lead.objects.count() == 6
    assert server.count("values:batchGet") - before == 2 + 2  # header, length, and two chunks
    assert link.last_counts["new"] == 4  # two were new in the chunk that was not counted
    assert [row.number for row in SheetRow.objects.order_by("number")] == [2, 3, 4, 5, 6, 7]


def test_two_processes_do_not_work_on_one_sheet(server: SheetsServer) -> None:
    server.sheet([HEADER])
    link = linked()
    SheetLink.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(SheetBusy):
        run(link)
    SheetLink.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert run(link).error == ""


def test_a_key_of_a_lead_we_never_had_falls_back_to_the_number(server: SheetsServer) -> None:
    tab = server.sheet([[*HEADER, KEY.name], ["5122000001", "Maria", "", "", str(uuid4())]])
    run(both(columns=[*CONTACTS, KEY]))
    assert cells(tab, 2)[KEY.name] == str(Lead.objects.get().pk)


# Choosing the columns --------------------------------------------------------------------------


def test_columns_are_guessed_by_name_and_by_what_stands_in_them(server: SheetsServer) -> None:
    server.sheet([["Tel.", "Owner Name", "", "Lead Status", "Score"],
                  ["512-200-0001", "Maria Lopez", "x", "New", 5]])  # fmt: skip
    link = link_create(url=ADDRESS, direction="both", account=None, actor=None)
    guess = {column.name: column.field for column in link_preview(link).guess}
    assert guess == {"Tel.": "phone", "Owner Name": "full_name", "Score": "score"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": [Column("City", "city")]}, "holds the phone number"),
        ({"columns": [*CONTACTS, Column("City", "state")]}, "Two columns are called “City”"),
        ({"columns": [*CONTACTS, Column("Country", "custom")]}, "no column “Country” any more"),
        ({"columns": [*CONTACTS, Column("X", "nonsense")]}, "no field “nonsense”"),
        ({"source": " "}, "where these leads come from"),
        ({"direction": "out", "new_results": []}, "at least one result"),
    ],
)
def test_wrong_columns_are_refused_in_words(
    server: SheetsServer, change: dict[str, Any], words: str
) -> None:
    server.sheet([HEADER])
    with pytest.raises(Exception, match=words):
        linked(**change)


def test_a_tab_is_linked_once(server: SheetsServer) -> None:
    server.sheet([HEADER])
    linked()
    with pytest.raises(Exception, match="linked already"):
        linked()
