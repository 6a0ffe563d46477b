"""Many leads are changed at once, chunk by chunk; what changed since is never taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.models import AssignmentRule, BulkChange, DoNotCall, Lead
from leads.services import bulk
from leads.services.bulk import BulkRefused, bulk_begin, bulk_step, bulk_undo
from tests.factories import (
    AppointmentFactory,
    CallFactory,
    ConsentFactory,
    DoNotCallFactory,
    LeadFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def begin(action: str, leads: list[Lead], **options: Any) -> BulkChange:
    return bulk_begin(
        action=action, title=f"Do {action}", options=options,
        lead_ids=[lead.pk for lead in leads], actor=UserFactory(), now=timezone.now(),
    )  # fmt: skip


def run(change: BulkChange) -> BulkChange:
    while bulk_step(change_id=change.pk, seconds=0):
        pass
    change.refresh_from_db()
    return change


def undo(change: BulkChange) -> BulkChange:
    bulk_undo(change_id=change.pk, now=timezone.now())
    return run(change)


def fresh(*leads: Lead) -> list[Lead]:
    for lead in leads:
        lead.refresh_from_db()
    return list(leads)


def test_leads_get_another_owner_and_their_old_one_back() -> None:
    old, new, later = UserFactory(), UserFactory(), UserFactory()
    rule = AssignmentRule.objects.create(name="Texas")
    first = LeadFactory(owner=old, owner_rule=rule)
    second, third, same = LeadFactory(), LeadFactory(), LeadFactory(owner=new)
    change = run(begin("assign", [first, second, third, same], owner=new.pk))
    assert (change.state, change.total, change.changed) == ("done", 4, 3)
    assert {lead.owner for lead in fresh(first, second, third, same)} == {new}
    assert first.timeline.get().text.startswith("Assigned to ")
    assert not same.timeline.exists()
    Lead.objects.filter(pk=third.pk).update(owner=later)
    undo(change)
    assert (change.state, change.restored) == ("undone", 2)
    assert [lead.owner for lead in fresh(first, second, third, same)] == [old, None, later, new]
    assert first.owner_rule == rule


def test_tags_are_added_and_removed_and_only_those_are_taken_back() -> None:
    lead, other = LeadFactory(tags=["vip"]), LeadFactory(tags=[])
    change = run(begin("tag", [lead, other], tags=["vip", "fair"]))
    assert [row.tags for row in fresh(lead, other)] == [["vip", "fair"], ["vip", "fair"]]
    Lead.objects.filter(pk=lead.pk).update(tags=["vip", "fair", "pool"])
    undo(change)
    assert [row.tags for row in fresh(lead, other)] == [["vip", "pool"], []]
    gone = run(begin("untag", [lead, other], tags=["vip"]))
    assert (gone.changed, fresh(lead)[0].tags) == (1, ["pool"])
    undo(gone)
    assert fresh(lead)[0].tags == ["pool", "vip"]


def test_only_leads_that_may_go_to_a_stage_go_there() -> None:
    met = AppointmentFactory(lead=LeadFactory(stage="qualified")).lead
    unmet = LeadFactory(stage="qualified")
    change = run(begin("stage", [met, unmet], stage="appointment", reason=""))
    assert change.changed == 1
    assert [row.stage for row in fresh(met, unmet)] == ["appointment", "qualified"]
    undo(change)
    assert fresh(met)[0].stage == "qualified"
    called = CallFactory(lead=LeadFactory(stage="contacted"), ended=True).lead
    run(begin("stage", [called, unmet], stage="new", reason="start afresh"))
    assert [row.stage for row in fresh(called, unmet)] == ["contacted", "new"]
    text = unmet.timeline.get(kind="stage").text
    assert text == "Stage changed from Qualified to New: start afresh"


def test_numbers_are_barred_for_good() -> None:
    consent = ConsentFactory()
    lead, barred = consent.lead, LeadFactory()
    DoNotCallFactory(phone=barred.phone)
    change = run(begin("do_not_call", [lead, barred], reason="they moved"))
    assert change.changed == 1
    assert DoNotCall.objects.get(phone=lead.phone).reason == "they moved"
    consent.refresh_from_db()
    assert consent.revoked_at is not None
    with pytest.raises(BulkRefused, match="cannot be undone"):
        bulk_undo(change_id=change.pk, now=timezone.now())


def test_a_change_that_was_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    small = bulk.BulkAction("tag", *_parts("tag"), chunk=2)
    monkeypatch.setattr(bulk, "bulk_action", lambda key: small)
    leads = [LeadFactory() for _ in range(5)]
    change = begin("tag", leads, tags=["fair"])
    assert bulk_step(change_id=change.pk, seconds=0)
    change.refresh_from_db()
    assert (change.done, change.changed) == (2, 2)
    assert sum(lead.tags == ["fair"] for lead in fresh(*leads)) == 2
    run(change)
    assert (change.done, change.changed, change.state) == (5, 5, "done")
    assert not bulk_step(change_id=change.pk, seconds=0)


def test_a_lead_that_is_gone_meanwhile_holds_nothing_up() -> None:
    lead, gone = LeadFactory(), LeadFactory()
    change = begin("tag", [lead, gone], tags=["fair"])
    gone.delete()
    assert (run(change).changed, change.state) == (1, "done")


def test_it_stops_with_a_reason_when_it_cannot_go_on() -> None:
    owner = UserFactory()
    change = begin("assign", [LeadFactory()], owner=owner.pk)
    owner.delete()
    run(change)
    assert (change.state, change.changed) == ("failed", 0)
    assert "no user any more" in change.problem


def test_none_and_too_many_are_refused_and_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BulkRefused, match="No lead is chosen"):
        begin("tag", [], tags=["x"])
    monkeypatch.setattr(bulk, "MOST", 1)
    with pytest.raises(BulkRefused, match="More than 1 leads"):
        begin("tag", [LeadFactory(), LeadFactory()], tags=["x"])
    with pytest.raises(LookupError):
        begin("delete", [LeadFactory()])
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("assign", {"owner": None}),
        ("tag", {"tags": ["x"]}),
        ("stage", {"stage": "lost", "reason": "y"}),
        ("do_not_call", {"reason": ""}),
    ],
)
def test_a_chunk_costs_the_same_number_of_queries_whatever_its_size(
    action: str, options: dict[str, Any]
) -> None:
    def queries(count: int) -> list[int]:
        owner = UserFactory()
        change = begin(action, [LeadFactory(owner=owner) for _ in range(count)], **options)
        counts = []
        with CaptureQueriesContext(connection) as there:
            bulk_step(change_id=change.pk, seconds=0)
        counts.append(len(there))
        return counts

    queries(1)
    # At 40 leads everything is one statement on SQLite, as a chunk is on PostgreSQL.
    assert queries(2) == queries(40)


def _parts(key: str) -> tuple[Any, Any]:
    action = bulk.bulk_action(key)
    return action.apply, action.undo
