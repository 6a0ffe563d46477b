"""Tasks: what is overdue, what is due, and for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.lead_steps import TaskForm, refused
from leads.models import Task
from leads.services import task_change, task_done, task_reopen
from leads.staff import staff
from leads.todo import task_groups


class TaskChangeForm(TaskForm):
    """A task as it stands. Whether it is a callback does not change."""

    kind = None  # type: ignore[assignment]


@admin.register(Task)
class TaskAdmin(AppendOnlyAdmin):
    """The list in the order of what is to be done; each task is ticked off where it stands."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        steps: dict[str, Any] = {
            "done": self.done,
            "reopen": self.reopen,
            "tomorrow": self.tomorrow,
        }
        return [
            *(
                path(f"<uuid:object_id>/{step}/", wrap(require_POST(view)),
                     name=f"leads_task_{step}")
                for step, view in steps.items()
            ),
            *super().get_urls(),
        ]  # fmt: skip

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        who = request.GET.get("who", str(request.user.pk))
        owner_id = int(who) if who.isdecimal() else None
        tasks = self.get_queryset(request)
        if owner_id is not None:
            tasks = tasks.filter(owner_id=owner_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Tasks",
            "groups": task_groups(tasks, now=timezone.localtime()),
            "done": tasks.filter(done_at__isnull=False)
            .select_related("lead", "done_by")
            .order_by("-done_at")[:20],
            "people": staff(),
            "owner_id": owner_id,
            "may_change": request.user.has_perm("leads.change_task"),
            "now": timezone.now(),
        }
        return TemplateResponse(request, "desk/tasks.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Change what, when and who."""
        task = self._task(request, object_id)
        may_change = request.user.has_perm("leads.change_task")
        form = TaskChangeForm(
            request.POST if request.method == "POST" else None,
            initial={
                "title": task.title,
                "due_at": timezone.localtime(task.due_at),
                "owner": task.owner_id,
                "remind": _minutes_before(task),
            },
        )
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        if request.method == "POST" and form.is_valid():
            try:
                task_change(
                    task_id=task.pk,
                    title=form.cleaned_data["title"],
                    due_at=form.cleaned_data["due_at"],
                    remind_at=form.remind_at(),
                    owner_id=form.cleaned_data["owner"].pk,
                    actor=actor_of(request),
                    now=timezone.now(),
                )
            except ValidationError as refusal:
                return refused(request, refusal, request.path)
            messages.success(request, "Changed.")
            return HttpResponseRedirect(reverse("admin:leads_lead_change", args=(task.lead_id,)))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": task.title,
            "task": task,
            "form": form,
            "may_change": may_change,
            "back": reverse("admin:leads_task_changelist"),
        }
        return TemplateResponse(request, "desk/task.html", context)

    def done(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Tick a task off."""
        task = self._writable(request, object_id)
        task_done(task_id=task.pk, actor=actor_of(request), now=timezone.now())
        messages.success(request, f"Done: {task.title}")
        return _back(request)

    def reopen(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Take a tick back."""
        task = self._writable(request, object_id)
        task_reopen(task_id=task.pk, actor=actor_of(request), now=timezone.now())
        return _back(request)

    def tomorrow(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Put a task off until the same time tomorrow."""
        task = self._writable(request, object_id)
        local = timezone.localtime(task.due_at)
        today = timezone.localtime()
        due_at = local.replace(year=today.year, month=today.month, day=today.day)
        due_at += timedelta(days=1)
        before = task.due_at - task.remind_at if task.remind_at else None
        task_change(
            task_id=task.pk,
            due_at=due_at,
            remind_at=due_at - before if before is not None else None,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _back(request)

    def _task(self, request: HttpRequest, object_id: str) -> Task:
        task: Task | None = self.get_object(request, object_id)
        if task is None:
            raise Http404("There is no such task.")
        if not self.has_view_permission(request, task):
            raise PermissionDenied
        return task

    def _writable(self, request: HttpRequest, object_id: UUID) -> Task:
        if not request.user.has_perm("leads.change_task"):
            raise PermissionDenied
        return self._task(request, str(object_id))


def _minutes_before(task: Task) -> str:
    if task.remind_at is None:
        return ""
    return str(int((task.due_at - task.remind_at).total_seconds() // 60))


def _back(request: HttpRequest) -> HttpResponse:
    address = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        address = reverse("admin:leads_task_changelist")
    return HttpResponseRedirect(address)
