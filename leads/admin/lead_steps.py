"""What a person does from a lead's page: note, task, stage, score, do not call, merge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from leads.admin.actor import actor_of
from leads.admin.bulk_pages import RepField
from leads.admin.reads import timeline_page
from leads.duplicates import leads_like
from leads.formats import national
from leads.models import DoNotCall, Lead, Task
from leads.search import leads_found
from leads.services import (
    do_not_call_add,
    lead_score_lift,
    lead_score_override,
    lead_stage_set,
    note_add,
    task_add,
)
from leads.staff import staff

REMINDERS = (
    ("0", "When it is due"),
    ("15", "15 minutes before"),
    ("60", "An hour before"),
    ("1440", "A day before"),
    ("", "None"),
)


class TaskForm(forms.Form):
    """What is to be done, by whom, and when."""

    kind = forms.ChoiceField(choices=Task.Kind.choices)
    title = forms.CharField(max_length=160, label="What")
    due_at = forms.DateTimeField(
        label="Due",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )
    owner = RepField(queryset=staff(), label="Who")
    remind = forms.ChoiceField(choices=REMINDERS, required=False, label="Reminder by e-mail")

    def remind_at(self) -> datetime | None:
        """Return when the owner is reminded."""
        minutes = self.cleaned_data["remind"]
        due_at: datetime = self.cleaned_data["due_at"]
        return due_at - timedelta(minutes=int(minutes)) if minutes else None


class LeadSteps(ModelAdmin):
    """The small pages and forms around a lead. Every write is a service's."""

    def step_urls(self) -> list[URLPattern]:
        """Return the addresses of the steps."""
        wrap = self.admin_site.admin_view
        steps: dict[str, Any] = {
            "do-not-call": self.do_not_call,
            "timeline": self.timeline,
            "note": require_POST(self.note),
            "task": self.task,
            "stage": require_POST(self.stage),
            "score": self.score,
            "merge": self.merge_with,
        }
        return [
            path(
                f"<uuid:object_id>/{step}/",
                wrap(view),
                name=f"leads_lead_{step.replace('-', '_')}",
            )
            for step, view in steps.items()
        ]

    def timeline(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return older entries of a timeline, to be added below those that are shown."""
        lead = self._lead(request, object_id, "view")
        page = timeline_page(
            lead, kind=request.GET.get("kind", ""), before=request.GET.get("before", "")
        )
        return TemplateResponse(
            request, "desk/timeline_entries.html", {"timeline": page, "lead": lead}
        )

    def note(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Add a note; whoever is named in it with @ is told."""
        lead = self._lead(request, object_id, "change")
        back = f"{_page_of(lead)}#timeline"
        try:
            entry = note_add(
                lead_id=lead.pk,
                text=request.POST.get("text", ""),
                actor=actor_of(request),
                now=timezone.now(),
            )
        except ValidationError as refusal:
            return refused(request, refusal, back)
        told = entry.mentions.count()
        people = f" {told} {'person is' if told == 1 else 'people are'} told." if told else ""
        messages.success(request, f"Noted.{people}")
        return HttpResponseRedirect(back)

    def task(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Give somebody something to do for the lead."""
        lead = self._lead(request, object_id, "change")
        back = _page_of(lead)
        if not request.user.has_perm("leads.add_task"):
            raise PermissionDenied
        tomorrow = timezone.localtime() + timedelta(days=1)
        initial = {
            "kind": request.GET.get("kind", Task.Kind.TASK),
            "owner": request.user.pk,
            "due_at": tomorrow.replace(hour=9, minute=0),
            "remind": "0",
        }
        form = TaskForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            task_add(
                lead_id=lead.pk,
                kind=data["kind"],
                title=data["title"],
                due_at=data["due_at"],
                remind_at=form.remind_at(),
                owner_id=data["owner"].pk,
                actor=actor_of(request),
                now=timezone.now(),
            )
            messages.success(request, f"“{data['title']}” stands with the tasks.")
            return HttpResponseRedirect(back)
        context = self._context(
            request,
            title=f"Task for {lead}",
            lead=lead,
            form=form,
            back=back,
            button="Add the task",
        )
        return TemplateResponse(request, "desk/step.html", context)

    def stage(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Move the lead to another stage, with the reason."""
        lead = self._lead(request, object_id, "change")
        try:
            moved = lead_stage_set(
                lead_id=lead.pk,
                stage=request.POST.get("stage", ""),
                reason=request.POST.get("reason", ""),
                actor=actor_of(request),
            )
        except ValidationError as refusal:
            return refused(request, refusal, _page_of(lead))
        except ValueError:
            raise Http404("There is no such stage.") from None
        messages.success(request, f"{lead} is at “{moved.get_stage_display()}” now.")
        return HttpResponseRedirect(_page_of(lead))

    def score(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Set the score by hand, or let calls decide on it again."""
        lead = self._lead(request, object_id, "change")
        if request.method == "POST":
            try:
                self._score(request, lead)
            except (ValidationError, ValueError) as refusal:
                return refused(request, refusal, request.path)
            return HttpResponseRedirect(_page_of(lead))
        context = self._context(
            request,
            title="Score by hand",
            lead=lead,
            override=lead.overrides.filter(lifted_at__isnull=True).select_related("actor").first(),
            newest=lead.scores.first(),
            back=_page_of(lead),
        )
        return TemplateResponse(request, "desk/score.html", context)

    def merge_with(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Find the other lead that is the same person."""
        lead = self._lead(request, object_id, "change")
        if not request.user.has_perm("leads.add_leadmerge"):
            raise PermissionDenied
        term = request.GET.get("q", "").strip()
        visible = self.get_queryset(request).exclude(pk=lead.pk)
        found = leads_found(visible, term).order_by("-created_at")[:20] if term else []
        context = self._context(
            request,
            title=f"Merge {lead} with…",
            lead=lead,
            term=term,
            found=found,
            alike=leads_like(lead),
            back=_page_of(lead),
        )
        return TemplateResponse(request, "desk/merge_with.html", context)

    def do_not_call(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once, then put the lead's number on the do-not-call list."""
        if not request.user.has_perm("leads.add_donotcall"):
            raise PermissionDenied
        lead = self._lead(request, object_id, "view")
        if request.method == "POST":
            do_not_call_add(
                phone=str(lead.phone),
                source=DoNotCall.Source.MANUAL,
                reason=request.POST.get("reason", "")[:200],
                actor=actor_of(request),
                now=timezone.now(),
            )
            messages.success(request, f"{national(lead.phone)} will not be called again.")
            return HttpResponseRedirect(_page_of(lead))
        context = self._context(
            request,
            title="Do not call",
            question=f"Never call {lead} again?",
            consequences=[
                f"{national(lead.phone)} goes on the do-not-call list, for every campaign.",
                "Every consent of this lead is revoked.",
                "This cannot be undone here: calling again needs a new written consent and "
                "the number taken off the list, with a reason.",
            ],
            ask_reason="Why (optional)",
            button="Do not call again",
            danger=True,
            back=_page_of(lead),
        )
        return TemplateResponse(request, "desk/confirm.html", context)

    def _score(self, request: HttpRequest, lead: Lead) -> None:
        now = timezone.now()
        if request.POST.get("do") == "lift":
            lead_score_lift(lead_id=lead.pk, actor=actor_of(request), now=now)
            messages.success(request, "Calls decide on the score again.")
            return
        value = request.POST.get("value", "")
        if not value.isdecimal():
            raise ValidationError("Write a number from 0 to 100.")
        lead_score_override(
            lead_id=lead.pk,
            value=int(value),
            reason=request.POST.get("reason", ""),
            actor=actor_of(request),
            now=now,
        )
        messages.success(request, f"The score is {value} until somebody lifts it.")

    def _lead(self, request: HttpRequest, object_id: UUID, right: str) -> Lead:
        """Return a lead that the viewer may see, and change if that is asked for."""
        lead: Lead | None = self.get_object(request, str(object_id))
        if lead is None:
            raise Http404("There is no such lead: it was merged or erased, or is not yours.")
        allowed = {"view": self.has_view_permission, "change": self.has_change_permission}[right]
        if not allowed(request, lead):
            raise PermissionDenied
        return lead

    def _context(self, request: HttpRequest, **also: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, **also}


def refused(request: HttpRequest, refusal: Exception, back: str) -> HttpResponse:
    """Show why something was not done, where it was tried."""
    words = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
    messages.error(request, " ".join(words))
    return HttpResponseRedirect(back)


def _page_of(lead: Lead) -> str:
    return reverse("admin:leads_lead_change", args=(lead.pk,))
