"""What can be done to many leads at once: the pages that ask for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Count, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from leads.admin.actor import actor_of
from leads.admin.bulk import BulkPage, Counts
from leads.calendars import rep_name
from leads.lists import lead_rows
from leads.models import AuditEntry, DoNotCall, Lead
from leads.services.audit import audit_record
from leads.staff import staff


class RepField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Somebody of the staff, by full name."""

    def label_from_instance(self, obj: Any) -> str:
        return rep_name(obj)


class AssignForm(forms.Form):
    """To whom leads go."""

    owner = RepField(
        queryset=staff(),
        required=False,
        empty_label="Nobody",
        label="New owner",
    )


class TagsForm(forms.Form):
    """Which tags."""

    tags = forms.CharField(
        max_length=200, label="Tags, with commas between", widget=forms.TextInput
    )

    def clean_tags(self) -> list[str]:
        """Return the tags, each once."""
        tags = tags_of(self.cleaned_data["tags"])
        if not tags:
            raise forms.ValidationError("Write at least one tag.")
        return tags


class StageForm(forms.Form):
    """Where leads go, and why."""

    stage = forms.ChoiceField(choices=Lead.Stage.choices, label="New stage")
    reason = forms.CharField(max_length=200, required=False, label="Why")


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=200, required=False, label="Why (optional)")


class AuditReasonForm(forms.Form):
    """Why, for the audit."""

    reason = forms.CharField(max_length=200, label="Why, without names (for the audit)", strip=True)


def tags_of(text: str) -> list[str]:
    """Return the tags of a line with commas between, each once."""
    parts = (part.strip()[:40] for part in re.split(r"[,;]", text))
    return list(dict.fromkeys(part for part in parts if part))


def _owners(leads: QuerySet[Lead]) -> Counts:
    counts = leads.order_by().values_list("owner").annotate(count=Count("pk"))
    by_id = dict(counts)
    users = get_user_model().objects.in_bulk([pk for pk in by_id if pk])
    named = [(rep_name(users[pk]) if pk else "Nobody", count) for pk, count in by_id.items()]
    return sorted(named, key=lambda row: -row[1])


def _stages(leads: QuerySet[Lead]) -> Counts:
    counts = dict(leads.order_by().values_list("stage").annotate(count=Count("pk")))
    return [(label, counts[value]) for value, label in Lead.Stage.choices if value in counts]


def _barred(leads: QuerySet[Lead]) -> Counts:
    barred = leads.filter(phone__in=DoNotCall.objects.values("phone")).count()
    return [("On the list already", barred)] if barred else []


def _export(request: HttpRequest, leads: QuerySet[Lead], count: int) -> StreamingHttpResponse:
    audit_record(
        action=AuditEntry.Action.EXPORT,
        text=f"Downloaded {count:,} leads.",
        actor=actor_of(request),
        data={"filter": request.GET.urlencode()[:500]},
    )
    answer = StreamingHttpResponse(lead_rows(leads), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = (
        f'attachment; filename="leads-{timezone.localdate():%Y-%m-%d}.csv"'
    )
    return answer


def _owner_option(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"owner": data["owner"].pk if data["owner"] else None}


def _assign_title(options: Mapping[str, Any], count: int) -> str:
    owner = get_user_model().objects.filter(pk=options["owner"]).first()
    return f"Assign {_leads(count)} to {rep_name(owner) if owner else 'nobody'}"


def _leads(count: int) -> str:
    return f"{count:,} lead{'' if count == 1 else 's'}"


PAGES = (
    BulkPage(
        key="assign",
        label="Assign to…",
        permission="leads.change_lead",
        form=AssignForm,
        options=_owner_option,
        title=_assign_title,
        now_is=_owners,
        lines=(
            "Every chosen lead gets this owner, whoever has it now.",
            "The assignment rules leave a lead alone whose owner a person chose.",
        ),
        button="Assign",
    ),
    BulkPage(
        key="tag",
        label="Add tags…",
        permission="leads.change_lead",
        form=TagsForm,
        title=lambda options, count: f"Tag {_leads(count)}: {', '.join(options['tags'])}",
        lines=("Leads that have a tag already keep it once.",),
        button="Add tags",
    ),
    BulkPage(
        key="untag",
        label="Remove tags…",
        permission="leads.change_lead",
        form=TagsForm,
        title=lambda options, count: (
            f"Remove tags from {_leads(count)}: {', '.join(options['tags'])}"
        ),
        lines=("Leads without the tag stay as they are.",),
        button="Remove tags",
    ),
    BulkPage(
        key="stage",
        label="Move to a stage…",
        permission="leads.change_lead",
        form=StageForm,
        title=lambda options, count: (
            f"Move {_leads(count)} to {Lead.Stage(options['stage']).label}"
        ),
        now_is=_stages,
        lines=(
            "A lead that may not go there stays where it is: to “Appointment” without one, back "
            "to “New” after a call, or back without a reason.",
            "The result says how many moved.",
        ),
        button="Move",
    ),
    BulkPage(
        key="do_not_call",
        label="Do not call…",
        permission="leads.add_donotcall",
        form=ReasonForm,
        title=lambda options, count: f"Put {_leads(count)} on the do-not-call list",
        now_is=_barred,
        lines=(
            "Their numbers go on the do-not-call list, for every campaign, at once.",
            "Every consent of theirs is revoked.",
            "It cannot be undone here: a wish not to be called is not taken back by a click. "
            "Calling again needs a new consent, and each number taken off the list with a reason.",
        ),
        button="Do not call again",
        danger=True,
    ),
    BulkPage(
        key="export",
        label="Download as CSV…",
        permission="leads.export_lead",
        title=lambda options, count: f"Download {_leads(count)}",
        lines=(
            "Names, numbers and addresses leave this system: keep the file safe.",
            "That you took it, and how many, stands in the audit. There is nothing to undo.",
        ),
        button="Download",
        answer=_export,
    ),
    BulkPage(
        key="erase",
        label="Erase for good…",
        permission="leads.erase_lead",
        form=AuditReasonForm,
        title=lambda options, count: f"Erase {_leads(count)}",
        lines=(
            "Names, numbers, addresses, notes, transcripts, recordings, tasks and appointments go, "
            "in every table and file. Calls and what they cost stay without a name.",
            "Numbers on the do-not-call list stay on it, so that the wish is obeyed.",
            "Rows in linked Google Sheets stay: erase a lead from its own page to delete its row.",
            "A lead who is on a call stays; the result says how many were erased.",
            "It cannot be undone by anybody: nothing is kept that could bring them back.",
        ),
        button="Erase for good",
        danger=True,
    ),
)
