"""Evaluations: how a version did with the simulated leads, and against the one before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from agents.admin.playbook_editor import actor_of
from agents.desk.evaluation_page import evaluation_page, progress
from agents.models import Evaluation, PlaybookVersion
from agents.services.evaluations import evaluation_start
from leads.admin.append_only import AppendOnlyAdmin


@admin.register(Evaluation)
class EvaluationAdmin(AppendOnlyAdmin):
    """Every evaluation, the newest first."""

    empty_hint = "Open a playbook and press Evaluate: simulated leads talk with it and grade it."
    empty_links = (("admin:agents_playbook_changelist", "Playbooks", "agents.view_playbook"),)
    list_display = ("version", "standing", "talks", "outcomes", "opt_outs", "author", "created_at")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("version__playbook", RelatedDropdownFilter),
    )
    list_select_related = ("version__playbook", "author")
    search_fields = ("version__playbook__name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evaluation]:
        rows: QuerySet[Evaluation] = super().get_queryset(request)
        return rows.defer("version__script")

    @display(
        description="Result",
        ordering="state",
        label={
            "All passed": "success",
            "Some failed": "danger",
            "Running": "info",
            "Waiting": "info",
            "Broken off": "danger",
        },
    )
    def standing(self, evaluation: Evaluation) -> str:
        if evaluation.state == Evaluation.State.FAILED:
            return "Broken off"
        if evaluation.state != Evaluation.State.DONE:
            return evaluation.get_state_display()
        return "Some failed" if evaluation.failed else "All passed"

    @display(description="Passed")
    def talks(self, evaluation: Evaluation) -> str:
        return f"{evaluation.passed} of {evaluation.scenarios}"

    @display(description="Right outcome", empty_value="–")
    def outcomes(self, evaluation: Evaluation) -> str | None:
        return _percent(evaluation, "outcomes")

    @display(description="Opt-outs heard", empty_value="–")
    def opt_outs(self, evaluation: Evaluation) -> str | None:
        return _percent(evaluation, "opt_out_recall")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "start/<uuid:version_id>/",
                wrap(require_POST(start_view)),
                name="agents_evaluation_start",
            ),
            path(
                "<uuid:evaluation_id>/progress/",
                wrap(progress_view),
                name="agents_evaluation_progress",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The evaluation's own page."""
        evaluation = self.get_object(request, object_id)
        if evaluation is None:
            raise Http404("There is no such evaluation.")
        if not self.has_view_permission(request, evaluation):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "desk/evaluation.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": str(evaluation),
                "page": evaluation_page(evaluation),
                "evaluation": evaluation,
                "progress": progress(evaluation),
                "may_start": _may_start(request),
            },
        )


def start_view(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Have a version evaluated, and lead to the page that shows how far it is."""
    if not _may_start(request):
        raise PermissionDenied
    try:
        evaluation = evaluation_start(version_id=version_id, author=actor_of(request))
    except PlaybookVersion.DoesNotExist:
        raise Http404("There is no such version.") from None
    messages.info(request, "The simulated leads are talking with it now.")
    address = reverse("admin:agents_evaluation_change", args=(evaluation.pk,))
    return HttpResponseRedirect(address)


def progress_view(request: HttpRequest, evaluation_id: UUID) -> HttpResponse:
    """Tell the page how far an evaluation is."""
    if not request.user.has_perm("agents.view_evaluation"):
        raise PermissionDenied
    evaluation = Evaluation.objects.filter(pk=evaluation_id).first()
    if evaluation is None:
        raise Http404("There is no such evaluation.")
    return JsonResponse(progress(evaluation))


def _may_start(request: HttpRequest) -> bool:
    return bool(
        request.user.has_perm("agents.change_playbook")
        or request.user.has_perm("agents.add_evaluation")
    )


def _percent(evaluation: Evaluation, name: str) -> str | None:
    value = evaluation.figures.get(name, {}).get("value")
    return None if value is None else f"{100 * value:.1f} %"
