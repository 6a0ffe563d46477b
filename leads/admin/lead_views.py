"""Views of the list of leads that people keep: filters, order and columns under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from leads.admin.actor import actor_of
from leads.admin.lead_list import COLUMNS, OWN_PARAMETERS, USUAL, columns_of
from leads.calendars import rep_name
from leads.models import SavedView
from leads.services.saved_views import view_delete, view_save

# Of the address, what makes no part of a view: the page, and Django's mark of a wrong filter.
_PASSING = ("p", "e", "all", *OWN_PARAMETERS)


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A view as the list shows it."""

    name: str
    query: str
    current: bool
    edit: str = ""
    by: str = ""


class ViewForm(forms.Form):
    """What a view is called, who sees it, and its columns."""

    name = forms.CharField(max_length=60, label="Name")
    shared = forms.BooleanField(required=False, label="Everybody sees it")
    columns = forms.MultipleChoiceField(
        choices=[(name, label) for name, label in COLUMNS.items() if name != "name"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Columns, beside the name",
    )


class SavedViews(ModelAdmin):
    """The bar of views above the list, and the pages that save, change and delete one."""

    def view_urls(self) -> list[URLPattern]:
        """Return the addresses of the views' pages."""
        wrap = self.admin_site.admin_view
        return [
            path("views/save/", wrap(self.save_view), name="leads_view_save"),
            path("views/<uuid:view_id>/", wrap(self.edit_view), name="leads_view_edit"),
            path(
                "views/<uuid:view_id>/delete/", wrap(self.delete_view_page),
                name="leads_view_delete",
            ),
        ]  # fmt: skip

    def view_links(self, request: HttpRequest) -> list[ViewLink]:
        """Return the ready-made views, then one's own, then those of others. One query."""
        current = request.GET.get("view", "")
        plain = {name for name in request.GET if name not in _PASSING}
        ready = [
            ("", "All leads", ""),
            ("mine", "Mine", "owner=me"),
            ("new", "New", "stage__exact=new"),
            ("hot", "Hot", "temperature=hot"),
            ("nobodys", "Without owner", "owner=nobody"),
        ]
        links = [
            ViewLink(
                label,
                f"{query}&view={key}" if key else "",
                current == key if key or current else not plain,
            )
            for key, label, query in ready
        ]
        for view in seen_by(request).select_related("owner"):
            own = view.owner_id == request.user.pk
            columns = f"&columns={','.join(view.columns)}" if view.columns else ""
            links.append(
                ViewLink(
                    name=view.name,
                    query=f"{view.query}{columns}&view={view.pk}".lstrip("&"),
                    current=current == str(view.pk),
                    edit=reverse("admin:leads_view_edit", args=(view.pk,)) if own else "",
                    by="" if own else rep_name(view.owner),
                )
            )
        return links

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the list as it is now under a name."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = _query_of(request.POST.get("query", request.GET.urlencode()))
        initial = {"columns": columns_of(request)}
        return self._form(request, None, query, initial)

    def edit_view(self, request: HttpRequest, view_id: UUID) -> HttpResponse:
        """Change the name, the columns, or who sees a view."""
        view = _own(request, view_id)
        initial = {
            "name": view.name,
            "shared": view.shared,
            "columns": view.columns or USUAL,
        }
        return self._form(request, view, view.query, initial)

    def delete_view_page(self, request: HttpRequest, view_id: UUID) -> HttpResponse:
        """Ask once, then forget a view."""
        view = _own(request, view_id)
        back = reverse("admin:leads_lead_changelist")
        if request.method == "POST":
            view_delete(view_id=view.pk)
            messages.success(request, f"The view “{view.name}” is gone.")
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Delete view",
            "question": f"Delete the view “{view.name}”?",
            "consequences": [
                "Only the name, its filters and its columns go. No lead is touched.",
                *(["Everybody else loses it, too."] if view.shared else []),
            ],
            "button": "Delete",
            "danger": True,
            "back": back,
        }
        return TemplateResponse(request, "desk/confirm.html", context)

    def _form(
        self, request: HttpRequest, view: SavedView | None, query: str, initial: dict[str, Any]
    ) -> HttpResponse:
        form = ViewForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            actor = actor_of(request)
            if actor is None:
                raise PermissionDenied
            try:
                kept = view_save(
                    view_id=view.pk if view else None,
                    owner=actor,
                    query=query,
                    **form.cleaned_data,
                )
            except ValidationError as error:
                form.add_error("name", error)
            else:
                messages.success(request, f"The view “{kept.name}” is kept.")
                columns = ",".join(kept.columns)
                address = reverse("admin:leads_lead_changelist")
                return HttpResponseRedirect(
                    f"{address}?{kept.query}&columns={columns}&view={kept.pk}"
                )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"View “{view.name}”" if view else "Keep this view",
            "form": form,
            "view": view,
            "query": query,
            "back": reverse("admin:leads_lead_changelist") + f"?{query}",
        }
        return TemplateResponse(request, "desk/lead_view.html", context)


def seen_by(request: HttpRequest) -> QuerySet[SavedView]:
    """Return one's own views, and those that others share."""
    return SavedView.objects.filter(Q(owner_id=request.user.pk) | Q(shared=True))


def _own(request: HttpRequest, view_id: UUID) -> SavedView:
    view = SavedView.objects.filter(pk=view_id, owner_id=request.user.pk).first()
    if view is None:
        raise Http404("There is no such view of yours.")
    return view


def _query_of(text: str) -> str:
    query = QueryDict(text, mutable=True)
    for name in (*_PASSING, "csrfmiddlewaretoken"):
        query.pop(name, None)
    return query.urlencode()[:2000]
