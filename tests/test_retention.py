"""What has been kept for long enough is deleted, in batches, and never before the law allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.jobs import scheduled
from calls.models import Call, CarrierEvent, Recording, Turn
from leads import retention
from leads.models import AuditEntry, Consent, DoNotCall, ImportBatch, ImportRow, RetentionRule
from leads.retention import days_check, expired_count, expired_purge, kinds, rules_complete
from leads.services.audit import audit_record
from tests.factories import CallFactory, ManagerFactory, TurnFactory, UserFactory
from tests.world import World, world

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=366)


@pytest.fixture
def person() -> World:
    return world(UserFactory())


def keep(kind: str, days: int | None) -> None:
    rules_complete()
    RetentionRule.objects.filter(kind=kind).update(days=days)


def purge(now: datetime, kind: str = "") -> dict[str, int]:
    purged, more = expired_purge(now=now, only=kind)
    assert not more
    return {one.kind.key: one.count for one in purged}


def test_every_kind_has_words_and_a_rule() -> None:
    assert set(rules_complete()) == set(kinds())
    for kind in kinds().values():
        assert kind.label
        assert kind.about.endswith(".")
        assert kind.default is None or kind.default >= kind.minimum


def test_nothing_is_deleted_before_its_time(person: World) -> None:
    for kind in kinds():
        keep(kind, 30)
    assert set(purge(timezone.now()).values()) == {0}


def test_each_kind_goes_when_it_is_older_than_its_period(person: World) -> None:
    later = timezone.now() + YEAR
    for kind in kinds():
        keep(kind, 300)
    file = Path(ImportBatch.objects.get().file.path)
    sound = Path(Recording.objects.get().file.path)
    counts = {one.kind.key: one.count for one in expired_count(now=later)}
    done = purge(later)
    assert counts["recordings"] == done["recordings"] == 1
    assert done["import_files"] == done["import_rows"] == done["webhooks"] == 1
    assert counts["transcripts"] > 3
    assert not Turn.objects.exists()
    call = Call.objects.get()
    assert (call.summary, call.notes, call.next_step) == ("", {}, "")
    assert not file.exists()
    assert not sound.exists()
    assert not CarrierEvent.objects.exists()
    assert not ImportRow.objects.exists()
    # Five years are the least for whom one has called, and for the audit.
    assert done["call_numbers"] == done["audit"] == 0
    assert str(call.to_number).startswith("+1")
    assert Consent.objects.exists()
    assert DoNotCall.objects.exists()
    told = {entry.data["kind"] for entry in AuditEntry.objects.filter(action="purge")}
    assert {"recordings", "webhooks"} <= told
    assert set(purge(later).values()) == {0}


def test_after_five_years_numbers_and_audit_may_go(person: World) -> None:
    audit_record(action="export", text="Took something out.")
    for kind in ("call_numbers", "audit"):
        keep(kind, 1)
    later = timezone.now() + timedelta(days=1827)
    done = purge(later)
    assert done["call_numbers"] == 1
    assert done["audit"] >= 1
    assert str(Call.objects.get().to_number).startswith("erased-")


def test_what_is_kept_for_ever_stays(person: World) -> None:
    keep("recordings", None)
    purge(timezone.now() + 9 * YEAR)
    assert Recording.objects.exists()


def test_a_recording_that_was_promised_to_be_kept_longer_is_kept(person: World) -> None:
    keep("recordings", 1)
    Recording.objects.update(keep_until=timezone.now().date() + timedelta(days=3))
    assert purge(timezone.now() + timedelta(days=2), "recordings") == {"recordings": 0}


def test_a_call_that_is_not_settled_keeps_its_words() -> None:
    call = CallFactory(ended=True, began=timezone.now() - YEAR, settled_at=None)
    TurnFactory(call=call)
    keep("transcripts", 1)
    assert purge(timezone.now(), "transcripts") == {"transcripts": 0}


def test_it_works_in_batches_and_goes_on_where_it_was_stopped(
    person: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    keep("transcripts", 1)
    later, turns = timezone.now() + YEAR, Turn.objects.count()
    _, more = expired_purge(now=later, only="transcripts", seconds=0)
    assert more
    assert Turn.objects.count() == turns - 2
    while expired_purge(now=later, only="transcripts", seconds=0)[1]:
        pass
    assert not Turn.objects.exists()


def test_a_batch_that_is_killed_leaves_whole_rows(
    person: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("webhooks", 1)

    def killed(*_arguments: Any) -> int:
        raise KeyboardInterrupt

    kind = kinds()["webhooks"]
    broken = type(kind)(**{**{name: getattr(kind, name) for name in kind.__slots__},
                           "delete": killed})  # fmt: skip
    monkeypatch.setattr(retention, "kinds", lambda: {"webhooks": broken})
    with pytest.raises(KeyboardInterrupt):
        expired_purge(now=timezone.now() + YEAR)
    assert CarrierEvent.objects.exists()


def test_a_period_below_the_legal_minimum_is_refused() -> None:
    with pytest.raises(ValidationError, match="1826 days at least"):
        days_check(kinds()["audit"], 30)
    days_check(kinds()["audit"], None)


def test_it_is_done_every_night() -> None:
    assert "purge_expired" in scheduled()


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("purge_expired", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_first_and_deletes_when_told(person: World) -> None:
    keep("webhooks", 1)
    CarrierEvent.objects.update(received_at=timezone.now() - YEAR)
    said = run("--dry-run")
    assert "webhooks: 1 older than" in said
    assert "this was a dry run" in said
    assert "recordings: kept for ever" in said
    assert CarrierEvent.objects.exists()
    assert "(1 days) deleted" in run("--kind", "webhooks")
    assert not CarrierEvent.objects.exists()
    with pytest.raises(CommandError, match="There is no kind “tea”"):
        run("--kind", "tea")


def test_periods_are_set_at_the_desk_and_audited(client: Client) -> None:
    client.force_login(ManagerFactory())
    listed = client.get(reverse("admin:leads_retentionrule_changelist")).content.decode()
    assert "Recordings" in listed
    assert "1,826 days (16 CFR 310.5(a))" in listed
    page = reverse("admin:leads_retentionrule_change", args=("audit",))
    assert "1826 days at least" in client.post(page, {"days": "30"}).content.decode()
    client.post(page, {"days": "3000"})
    assert RetentionRule.objects.get(pk="audit").days == 3000
    entry = AuditEntry.objects.get(action="settings")
    assert entry.text == "Audit entries are kept for 3,000 days."
