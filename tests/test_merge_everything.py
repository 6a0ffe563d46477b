"""Whatever points to a lead, in whatever app, goes along when it is merged, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from billing.models.alert import QualifiedLead
from leads.models import Lead, LeadMerge, Mail, ScoreOverride, SheetConflict, SheetLink, SheetRow
from leads.services.merge_rows import pointers
from leads.services.merges import leads_merge, merge_undo
from tests.factories import (
    AppointmentFactory,
    BudgetPeriodFactory,
    CallFactory,
    CampaignFactory,
    ConsentFactory,
    EnrolmentFactory,
    LeadFactory,
    LeadScoreFactory,
    TaskFactory,
    TimelineEntryFactory,
)

pytestmark = pytest.mark.django_db

Make = Callable[[Lead, Any], Model]


def _link(shared: dict[str, Any]) -> SheetLink:
    if "link" not in shared:
        shared["link"] = SheetLink.objects.create(spreadsheet_id="1abc", title="Open houses")
    link: SheetLink = shared["link"]
    return link


# For each model a row of a lead. `shared` holds what the rows of two leads may have in common: the
# campaign, the budget's period, the sheet.
MAKE: dict[str, Make] = {
    "leads.Appointment": lambda lead, shared: AppointmentFactory(lead=lead),
    "leads.Consent": lambda lead, shared: ConsentFactory(lead=lead),
    "leads.TimelineEntry": lambda lead, shared: TimelineEntryFactory(lead=lead),
    "leads.Mail": lambda lead, shared: Mail.objects.create(
        lead=lead, kind="mention", key=f"mention:{lead.pk}", due_at=timezone.now()
    ),
    "leads.LeadMerge": lambda lead, shared: leads_merge(
        winner_id=lead.pk, loser_id=LeadFactory().pk, now=timezone.now()
    ),
    "leads.LeadScore": lambda lead, shared: LeadScoreFactory(lead=lead),
    "leads.ScoreOverride": lambda lead, shared: ScoreOverride.objects.create(
        lead=lead, value=90, reason="a friend", set_at=timezone.now()
    ),
    "leads.SheetRow": lambda lead, shared: SheetRow.objects.create(
        lead=lead, link=_link(shared), number=2
    ),
    "leads.SheetConflict": lambda lead, shared: SheetConflict.objects.create(
        lead=lead, link=_link(shared), number=2, column="City", field="city"
    ),
    "leads.Task": lambda lead, shared: TaskFactory(lead=lead),
    "billing.QualifiedLead": lambda lead, shared: QualifiedLead.objects.create(
        lead=lead,
        call=CallFactory(lead=lead, ended=True),
        period=shared.setdefault("period", BudgetPeriodFactory()),
        at=timezone.now(),
    ),
    "calls.Call": lambda lead, shared: CallFactory(lead=lead, ended=True),
    "calls.Enrolment": lambda lead, shared: EnrolmentFactory(
        lead=lead, campaign=shared.setdefault("campaign", CampaignFactory())
    ),
}


def owned(lead_id: object) -> set[tuple[str, str]]:
    return {
        (model._meta.label, str(pk))
        for model, name in pointers(Lead)
        for pk in model._base_manager.filter(**{name: lead_id}).values_list("pk", flat=True)
    }


def test_every_model_that_points_to_a_lead_is_known_here() -> None:
    assert {model._meta.label for model, _ in pointers(Lead)} == set(MAKE)


@pytest.mark.parametrize("label", MAKE)
def test_it_goes_to_the_kept_lead_and_comes_back(label: str) -> None:
    winner, loser = LeadFactory(), LeadFactory()
    row = MAKE[label](loser, {})
    before = owned(loser.pk)
    assert (label, str(row.pk)) in before
    merge = leads_merge(winner_id=winner.pk, loser_id=loser.pk, now=timezone.now())
    assert not Lead.objects.filter(pk=loser.pk).exists()
    assert before <= owned(winner.pk)
    merge_undo(merge_id=merge.pk, now=timezone.now())
    assert before <= owned(loser.pk)
    assert not before & owned(winner.pk)


@pytest.mark.parametrize("label", MAKE)
def test_two_that_have_the_same_kind_of_row_are_merged_and_parted(label: str) -> None:
    winner, loser = LeadFactory(), LeadFactory()
    shared: dict[str, Any] = {}
    for lead in (winner, loser):
        MAKE[label](lead, shared)
    mine, theirs = owned(winner.pk), owned(loser.pk)
    merge = leads_merge(winner_id=winner.pk, loser_id=loser.pk, now=timezone.now())
    assert mine <= owned(winner.pk)
    merge_undo(merge_id=merge.pk, now=timezone.now())
    story = {("leads.TimelineEntry", str(e.pk)) for e in winner.timeline.filter(kind="merge")}
    kept = {("leads.LeadMerge", str(merge.pk))}
    assert owned(winner.pk) - story - kept == mine - story
    assert theirs <= owned(loser.pk)


def test_what_points_to_nobody_is_left_alone() -> None:
    winner, loser, other = LeadFactory(), LeadFactory(), LeadFactory()
    shared: dict[str, Any] = {}
    for make in MAKE.values():
        make(other, shared)
    before = owned(other.pk)
    leads_merge(winner_id=winner.pk, loser_id=loser.pk, now=timezone.now())
    assert owned(other.pk) == before
    assert LeadMerge.objects.filter(winner=winner).count() == 1
