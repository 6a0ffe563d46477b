"""Google Sheets at the desk: linking, choosing columns, what a page says, connecting an account."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pydantic import SecretStr

from leads.models import GoogleAccount, Lead, SheetConflict, SheetLink
from leads.sheets.accounts import unseal
from leads.tests.sheets_server import ROBOT, SheetsServer
from leads.tests.test_sheets_sync import ADDRESS, HEADER, conflicting, linked, run
from tests.factories import ManagerFactory, UserFactory

pytestmark = pytest.mark.django_db
NEW = "admin:leads_sheetlink_add"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(ManagerFactory())
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_sheet_is_linked_in_two_steps(server: SheetsServer, desk: Client) -> None:
    tab = server.sheet([HEADER, ["5122000001", "Maria", "Austin", ""]])
    assert ROBOT in text(desk.get(reverse(NEW)))
    columns = desk.post(
        reverse(NEW), {"url": ADDRESS, "direction": "both", "account": "service"}
    ).url  # type: ignore[attr-defined]
    shown = text(desk.get(columns))
    assert '<option value="phone" selected>' in shown
    assert "Austin" in shown
    assert "Cost of all calls (USD)" in shown
    answer = desk.post(columns, {
        "field_0": "phone", "wins_0": "ask", "field_1": "first_name", "wins_1": "theirs",
        "field_2": "city", "wins_2": "ours", "direction": "both", "new_result": ["score"],
        "source": "fair", "every_minutes": "30",
    })  # fmt: skip
    page = answer.url  # type: ignore[attr-defined]
    link = SheetLink.objects.get()
    assert (link.state, link.source, link.every_minutes) == ("active", "fair", 30)
    assert [column["wins"] for column in link.columns] == ["ask", "theirs", "ours", "ask", "ask"]
    assert tab.rows[0][-2:] == ["Score", "REAutomation key"]
    assert "not yet synced" in text(desk.get(page))
    run(link)
    assert Lead.objects.get().first_name == "Maria"
    shown = text(desk.get(page))
    assert "works" in shown
    assert "New leads" in shown
    assert "Spring fair / Leads" in text(desk.get(reverse("admin:leads_sheetlink_changelist")))


def test_what_is_wrong_is_said_where_it_was_entered(server: SheetsServer, desk: Client) -> None:
    assert "not the address of a Google Sheet" in text(
        desk.post(reverse(NEW), {"url": "https://example.com", "direction": "in"})
    )
    server.sheet([HEADER])
    columns = desk.post(reverse(NEW), {"url": ADDRESS, "direction": "in"}).url  # type: ignore[attr-defined]
    shown = text(desk.post(columns, {"field_1": "first_name", "source": "fair",
                                     "every_minutes": "15", "direction": "in"}))  # fmt: skip
    assert "Choose the column that holds the phone number" in shown
    assert '<option value="first_name" selected>' in shown
    server.books.clear()
    assert "could not be read" in text(desk.get(columns))


def test_the_page_of_a_failing_link_says_why_in_words(server: SheetsServer, desk: Client) -> None:
    server.sheet([HEADER])
    link = linked()
    server.books.clear()
    run(link)
    shown = text(desk.get(reverse("admin:leads_sheetlink_change", args=(link.pk,))))
    assert "failing" in shown
    assert f"Share the sheet with {ROBOT}" in shown
    assert "Failing" in text(desk.get(reverse("admin:leads_sheetlink_changelist")))


def test_a_conflict_is_decided_on_the_page(server: SheetsServer, desk: Client) -> None:
    link, tab, lead = conflicting(server, "ask")
    page = reverse("admin:leads_sheetlink_change", args=(link.pk,))
    shown = text(desk.get(page))
    assert "Changed on both sides" in shown
    assert "Houston" in shown
    conflict = SheetConflict.objects.get()
    decide = reverse("admin:leads_sheet_decide", args=(conflict.pk,))
    assert desk.get(decide).status_code == 403
    assert desk.post(decide, {"choice": "both"}).status_code == 404
    desk.post(decide, {"choice": "theirs"})
    run(link)
    lead.refresh_from_db()
    assert (lead.city, tab.rows[1][2]) == ("Houston", "Houston")
    assert "Changed on both sides" not in text(desk.get(page))


def test_conflicts_are_decided_many_at_once(server: SheetsServer, desk: Client) -> None:
    conflicting(server, "ask")
    listed = reverse("admin:leads_sheetconflict_changelist")
    assert "To be decided" in text(desk.get(listed))
    chosen = [str(pk) for pk in SheetConflict.objects.values_list("pk", flat=True)]
    desk.post(listed, {"action": "keep_ours", "_selected_action": chosen})
    assert SheetConflict.objects.get().choice == "ours"


def test_a_link_is_paused_resumed_and_let_go(server: SheetsServer, desk: Client) -> None:
    server.sheet([HEADER])
    link = linked()
    for what, state in (("pause", "paused"), ("resume", "active"), ("sync", "active")):
        desk.post(reverse("admin:leads_sheet_do", args=(link.pk, what)))
        link.refresh_from_db()
        assert link.state == state
    remove = reverse("admin:leads_sheet_remove", args=(link.pk,))
    assert "Leads and the sheet stay as they are" in text(desk.get(remove))
    desk.post(remove)
    assert not SheetLink.objects.exists()


def test_who_may_only_look_changes_nothing(server: SheetsServer, client: Client) -> None:
    server.sheet([HEADER])
    link = linked()
    reader = UserFactory()
    reader.user_permissions.add(Permission.objects.get(codename="view_sheetlink"))
    client.force_login(reader)
    page = reverse("admin:leads_sheetlink_change", args=(link.pk,))
    assert "Sync now" not in text(client.get(page))
    for address in (
        reverse(NEW),
        reverse("admin:leads_sheet_columns", args=(link.pk,)),
        reverse("admin:leads_sheet_remove", args=(link.pk,)),
    ):
        assert client.get(address).status_code == 403
    assert client.post(reverse("admin:leads_sheet_do", args=(link.pk, "pause"))).status_code == 403
    assert client.post(reverse("admin:leads_google_connect")).status_code == 403


# One's own account -----------------------------------------------------------------------------


@pytest.fixture
def oauth(settings: Any, server: SheetsServer) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"google_oauth_client_id": "7-x", "google_oauth_client_secret": SecretStr("s")}
    )


def consent(desk: Client) -> dict[str, list[str]]:
    """Press the button; return what Google is asked."""
    away = desk.post(reverse("admin:leads_google_connect")).url  # type: ignore[attr-defined]
    return parse_qs(urlsplit(away).query)


def test_an_account_is_connected_by_a_trip_to_google(
    oauth: None, server: SheetsServer, desk: Client
) -> None:
    asked = consent(desk)
    assert asked["access_type"] == ["offline"]
    assert asked["code_challenge_method"] == ["S256"]
    server.codes["code-1"] = "dana@example.com"
    back = reverse("admin:leads_google_callback")
    desk.get(back, {"state": asked["state"][0], "code": "code-1"})
    account = GoogleAccount.objects.get()
    assert account.email == "dana@example.com"
    assert "refresh" not in account.refresh_token
    assert unseal(account.refresh_token) in server.refresh_tokens
    assert "dana@example.com" in text(desk.get(reverse(NEW)))
    server.sheet([HEADER])
    next(iter(server.books.values())).editors = {"dana@example.com"}
    desk.post(reverse(NEW), {"url": ADDRESS, "direction": "in", "account": "own"})
    assert SheetLink.objects.get().account == account


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"state": "forged", "code": "code-1"}, "was not begun here"),
        ({"error": "access_denied"}, "was not given the permission"),
        ({"code": "unknown"}, "Google did not accept the sign-in"),
    ],
)
def test_a_trip_that_fails_is_explained(
    oauth: None, server: SheetsServer, desk: Client, query: dict[str, str], words: str
) -> None:
    state = consent(desk)["state"][0]
    answer = desk.get(reverse("admin:leads_google_callback"), {"state": state, **query},
                      follow=True)  # fmt: skip
    assert words in text(answer)
    assert not GoogleAccount.objects.exists()


def test_disconnecting_gives_the_permission_back_and_pauses_the_sheets(
    oauth: None, server: SheetsServer, desk: Client
) -> None:
    test_an_account_is_connected_by_a_trip_to_google(None, server, desk)
    SheetLink.objects.update(state="active")
    answer = desk.post(reverse("admin:leads_google_disconnect"), follow=True)
    assert "1 sheets that used it are paused" in text(answer)
    assert not GoogleAccount.objects.exists()
    assert server.count("/revoke") == 1
    assert SheetLink.objects.get().state == "paused"


def test_without_a_client_id_the_button_says_what_is_missing(
    server: SheetsServer, desk: Client
) -> None:
    answer = desk.post(reverse("admin:leads_google_connect"), follow=True)
    assert "GOOGLE_OAUTH_CLIENT_ID" in text(answer)
