"""Google's quotas, shared by all; signing in with one's own account; the command and the jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from leads.jobs import sheets_look
from leads.models import GoogleAccount, Lead, SheetLink
from leads.sheets import accounts, quota
from leads.sheets.errors import SheetsLater, SheetsRefused
from leads.sheets.links import link_create, link_pause, link_resume, link_sync_now
from leads.sheets.quota import Limit, quota_rest, quota_take
from leads.sheets.sync import sheet_sync_step
from leads.tests.sheets_server import SheetsServer
from leads.tests.test_sheets_sync import ADDRESS, HEADER, linked, run
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Quotas(TestCase):
    """A property over any series of requests needs a database that is rolled back for each."""

    @settings(max_examples=25)
    @given(gaps=st.lists(st.floats(0, 20), min_size=30, max_size=60))
    def test_no_minute_ever_holds_more_requests_than_allowed(self, gaps: list[float]) -> None:
        limit, real = Limit(per_minute=12, burst=4), (quota.USER, quota.PROJECT)
        quota.USER, quota.PROJECT = limit, Limit(per_minute=1000, burst=500)
        try:
            now, sent = NOW, []
            for gap in gaps:
                now += timedelta(seconds=gap)
                while at := quota_take(project="p", user="u", kind="read", now=now):
                    assert at > now
                    now = at
                sent.append(now)
            for first in sent:
                inside = [at for at in sent if first <= at < first + 60 * SECOND]
                assert len(inside) <= limit.per_minute
        finally:
            quota.USER, quota.PROJECT = real


def test_a_user_sends_ten_at_once_and_then_waits() -> None:
    taken = [quota_take(project="p", user="u", kind="read", now=NOW) for _ in range(11)]
    assert taken[:10] == [None] * 10
    assert taken[10] == NOW + timedelta(seconds=60 / 50)


def test_reads_writes_and_users_have_quotas_of_their_own_under_one_project() -> None:
    for _ in range(10):
        quota_take(project="p", user="u", kind="read", now=NOW)
    assert quota_take(project="p", user="u", kind="write", now=NOW) is None
    assert quota_take(project="p", user="v", kind="read", now=NOW) is None
    for n in range(19):
        quota_take(project="p", user=f"w{n}", kind="read", now=NOW)
    assert quota_take(project="p", user="x", kind="read", now=NOW) is not None


def test_what_google_refused_makes_every_process_wait() -> None:
    quota_rest(project="p", user="u", kind="read", until=NOW + 30 * SECOND)
    assert quota_take(project="p", user="u", kind="read", now=NOW) == NOW + 30 * SECOND
    assert quota_take(project="p", user="u", kind="read", now=NOW + 30 * SECOND) is None


def test_a_full_quota_ends_a_slice_and_the_next_one_goes_on(
    server: SheetsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()
    monkeypatch.setattr(quota, "USER", Limit(per_minute=4, burst=2))
    with pytest.raises(SheetsLater) as wait:
        sheet_sync_step(link_id=link.pk, seconds=60)
    assert wait.value.at > timezone.now()
    monkeypatch.setattr(quota, "USER", Limit(per_minute=600, burst=500))
    assert run(link).error == ""
    assert Lead.objects.count() == 1


# One's own account -----------------------------------------------------------------------------


def test_a_token_is_kept_encrypted(settings: Any) -> None:
    sealed = accounts.seal("refresh-7")
    assert "refresh" not in sealed
    assert accounts.unseal(sealed) == "refresh-7"
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert accounts.unseal(sealed) == "refresh-7"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        accounts.unseal(sealed)


def own(server: SheetsServer, email: str = "dana@example.com") -> GoogleAccount:
    server.refresh_tokens["refresh-7"] = email
    made: GoogleAccount = GoogleAccount.objects.create(
        user=UserFactory(), email=email, refresh_token=accounts.seal("refresh-7")
    )
    return made


def test_a_sheet_that_only_its_owner_may_open_is_read_with_the_owners_account(
    server: SheetsServer,
) -> None:
    server.sheet([HEADER])
    book = next(iter(server.books.values()))
    book.editors = {"dana@example.com"}
    with pytest.raises(SheetsRefused, match="may not be used"):
        link_create(url=ADDRESS, direction="in", account=None, actor=None)
    link = link_create(url=ADDRESS, direction="in", account=own(server), actor=None)
    assert link.title == "Spring fair"


def test_an_account_that_google_no_longer_accepts_is_to_be_connected_again(
    server: SheetsServer,
) -> None:
    server.sheet([HEADER])
    account = own(server)
    next(iter(server.books.values())).editors.add("dana@example.com")
    link = linked()
    SheetLink.objects.update(account=account)
    server.refresh_tokens.clear()
    assert "connect the account again" in run(link).error
    account.refresh_from_db()
    assert account.refused_at is not None
    sent = len(server.requests)
    run(link)
    assert len(server.requests) == sent  # not asked in vain again


# The command and the jobs ----------------------------------------------------------------------


def sync(*arguments: str) -> str:
    out = StringIO()
    call_command("sync_sheets", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_syncs_and_says_what_it_did(server: SheetsServer) -> None:
    assert "No sheet is linked" in sync()
    server.sheet([HEADER, ["5122000001", "Maria", "", ""], ["12", "", "", ""]])
    link = linked()
    said = sync("--link", "spring")
    assert "Spring fair / Leads: 1 new leads, 1 invalid rows." in said
    assert "row 3: Phone: it has too few digits" in said
    assert "nothing to do" in sync("--link", str(link.pk)) or "invalid" in sync()
    assert "none is active" in sync("--due")
    with pytest.raises(CommandError, match="No active link is called “autumn”"):
        sync("--link", "autumn")


def test_the_command_fails_when_a_sheet_cannot_be_synced(server: SheetsServer) -> None:
    server.sheet([HEADER])
    linked()
    server.books.clear()
    with pytest.raises(CommandError, match="1 of 1 sheets could not be synced"):
        sync()


def test_a_paused_sheet_rests_and_a_resumed_one_is_due_at_once(
    server: SheetsServer,
) -> None:
    server.sheet([HEADER])
    link = run(linked())
    assert link_pause(link_id=link.pk)
    assert not link_sync_now(link_id=link.pk, now=timezone.now())
    assert not sheet_sync_step(link_id=link.pk, seconds=1)
    assert link_resume(link_id=link.pk, now=timezone.now())
    assert sheets_look(timezone.now()) == 1


def test_a_failure_of_ours_is_kept_with_the_link_and_raised(
    server: SheetsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.sheet([HEADER, ["5122000001", "Maria", "", ""]])
    link = linked()

    def broken(*_arguments: Any, **_more: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("leads.sheets.sync.chunk_sync", broken)
    with pytest.raises(ZeroDivisionError):
        run(link)
    link.refresh_from_db()
    assert "Something went wrong on our side (ZeroDivisionError)" in link.error
    assert link.held_until is None


def test_the_key_file_may_be_anywhere(server: SheetsServer, tmp_path: Path) -> None:
    server.sheet([HEADER])
    assert link_create(url="sheet-" + "1" * 30, direction="in", account=None, actor=None).title
