"""Lists of numbers that come by file, what outside lists say, and what the account makes of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.single_row import SingleRowAdmin
from leads.formats import national
from leads.import_files import FileRefused
from leads.models import CallingPolicy, NumberList, ReassignedCheck, RegistryArea
from leads.number_files import MAX_BYTES
from leads.policy.calling_rules import current_rules
from leads.services.number_lists import number_list_create

_PURPOSE = NumberList.Purpose
_HINTS = {
    _PURPOSE.DO_NOT_CALL: "CSV or Excel, one number a row; a column of reasons is kept. Consents "
    "for these numbers end, and calls to them are cancelled.",
    _PURPOSE.NATIONAL: "The full list of one or more area codes as the registry gives it: a text "
    "file of lines such as 212,5550123, or the ZIP file with it.",
    _PURPOSE.REASSIGNED: "The answer file of the Reassigned Numbers Database: numbers, and yes or "
    "no for each.",
}
_STALLED = timedelta(seconds=30)


@admin.register(NumberList)
class NumberListAdmin(AppendOnlyAdmin):
    """Every list that came in, and what became of it."""

    empty_hint = "Bring numbers that nobody may call, or a file of a national list."
    empty_links = (("admin:leads_numberlist_add", "Upload a list", "leads.add_numberlist"),)
    list_display = ("file_name", "purpose", "made_on", "state_label", "rows", "created_at")
    list_filter = (("purpose", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter))
    search_fields = ("file_name",)

    @display(
        description="State",
        ordering="state",
        label={"Being read": "info", "Done": "success", "Cannot be read": "danger"},
    )
    def state_label(self, row: NumberList) -> str:
        return row.get_state_display()

    def get_queryset(self, request: HttpRequest) -> QuerySet[NumberList]:
        rows: QuerySet[NumberList] = super().get_queryset(request)
        return rows.defer("remarks", "columns")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("leads.add_numberlist"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress)
        address = path("<uuid:object_id>/progress/", view, name="leads_numbers_progress")
        return [address, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a file in."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        error = ""
        chosen = request.POST.get("purpose") or request.GET.get("purpose", "")
        if request.method == "POST":
            try:
                made = self._take(request)
                return HttpResponseRedirect(_page_of(made.pk))
            except FileRefused as refusal:
                error = str(refusal)
            except ValidationError as refusal:
                error = " ".join(refusal.messages)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Upload numbers",
            "error": error,
            "purposes": [(value, label, _HINTS[_PURPOSE(value)]) for value, label in
                         _PURPOSE.choices],
            "chosen": chosen if chosen in _PURPOSE.values else _PURPOSE.DO_NOT_CALL,
            "made_on": request.POST.get("made_on") or f"{timezone.localdate():%Y-%m-%d}",
            "max_gb": MAX_BYTES // 1024**3,
            "back": reverse("admin:leads_numberlist_changelist"),
        }  # fmt: skip
        return TemplateResponse(request, "desk/number_file.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how far a list is, or what it did."""
        row = self._row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.file_name,
            "list": row,
            "progress": _progress(row),
            "page": {"figures": _figures(row)},
        }
        return TemplateResponse(request, "desk/number_list.html", context)

    def progress(self, request: HttpRequest, object_id: UUID) -> JsonResponse:
        """How far the work is, for the bar."""
        return JsonResponse(_progress(self._row(request, str(object_id))))

    def _take(self, request: HttpRequest) -> NumberList:
        file = request.FILES.get("file")
        if file is None:
            raise FileRefused("Choose a file first.")
        try:
            made_on = date.fromisoformat(request.POST.get("made_on", ""))
            purpose = _PURPOSE(request.POST.get("purpose", ""))
        except ValueError:
            raise ValidationError("Say what the list is, and of which day.") from None
        return number_list_create(
            file=file,
            name=file.name or "",
            purpose=purpose,
            made_on=made_on,
            actor=actor_of(request),
            now=timezone.now(),
        )

    def _row(self, request: HttpRequest, object_id: str) -> NumberList:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such list.")
        found: NumberList = row
        return found


@admin.register(RegistryArea)
class RegistryAreaAdmin(AppendOnlyAdmin):
    """Which area codes of the national registry are here, and how old they are."""

    empty_hint = "Upload the registry's file of each area code you call; every 31 days at least."
    empty_links = (("admin:leads_numberlist_add", "Upload a list", "leads.add_numberlist"),)
    list_display = ("area_code", "made_on", "standing", "how_many", "list")
    list_select_related = ("list",)
    search_fields = ("area_code",)

    @display(description="Standing", label={"Valid": "success", "Too old": "danger"})
    def standing(self, area: RegistryArea) -> str:
        age = current_rules().list_age("national_registry", states=(), day=timezone.now().date())
        fresh = age is None or timezone.now().date() - area.made_on <= age.most
        return "Valid" if fresh else "Too old"

    @display(description="Numbers", ordering="numbers")
    def how_many(self, area: RegistryArea) -> str:
        return f"{area.numbers:,}"


@admin.register(ReassignedCheck)
class ReassignedCheckAdmin(AppendOnlyAdmin):
    """What the Reassigned Numbers Database said, number by number."""

    empty_hint = "Upload the answers of the Reassigned Numbers Database."
    empty_links = (("admin:leads_numberlist_add", "Upload a list", "leads.add_numberlist"),)
    list_display = ("number", "checked_on", "reassigned")
    list_filter = ("reassigned",)
    search_fields = ("phone",)

    @display(description="Number", ordering="phone")
    def number(self, check: ReassignedCheck) -> str:
        return national(check.phone)


@admin.register(CallingPolicy)
class CallingPolicyAdmin(SingleRowAdmin):
    """What happens where the law leaves it to the account."""

    fields = ("on_national_registry", "national_check_old", "reassigned_check_old")


def _page_of(list_id: UUID) -> str:
    return reverse("admin:leads_numberlist_change", args=(list_id,))


def _progress(row: NumberList) -> dict[str, Any]:
    working = row.state == NumberList.State.WORKING
    percent = min(99, row.cursor * 100 // max(row.size, 1)) if working else 100
    moved = row.moved_at or row.created_at
    return {
        "state": row.state,
        "percent": percent,
        "words": f"{row.rows:,} numbers read",
        "stalled": working and timezone.now() - moved > _STALLED,
        "figures": {name: f"{count:,}" for name, count, _ in _figures(row)},
    }


def _figures(row: NumberList) -> list[tuple[str, int, str]]:
    """Return name, number and kind of each figure of a list."""
    names = {
        _PURPOSE.DO_NOT_CALL: [
            ("Put on the list", "added", "good"),
            ("Were on it before", "known", ""),
            ("No numbers", "invalid", "warn"),
        ],
        _PURPOSE.NATIONAL: [
            ("Area codes", "areas", "good"),
            ("Numbers", "numbers", ""),
            ("Of our leads", "leads_listed", "warn"),
            ("Area codes we have newer", "areas_passed_over", ""),
        ],
        _PURPOSE.REASSIGNED: [
            ("Reassigned", "reassigned", "bad"),
            ("Not reassigned", "same", "good"),
            ("No answer", "unknown", ""),
            ("No numbers", "invalid", "warn"),
        ],
    }[_PURPOSE(row.purpose)]
    return [(name, int(row.counts.get(key, 0)), kind) for name, key, kind in names]
