"""Duplicates: leads that may be one person, side by side, and merges that can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from leads.access import leads_seen, seen_by
from leads.admin.append_only import AppendOnlyAdmin
from leads.duplicates import duplicate_groups
from leads.formats import national
from leads.models import Consent, DoNotCall, Lead, LeadMerge
from leads.services.merge_rows import pointers
from leads.services.merges import MergeRefused, leads_merge, merge_undo


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: a name, the two values, and whether they differ."""

    name: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the two leads say different things here."""
        return self.first != self.second


@admin.register(LeadMerge)
class LeadMergeAdmin(AppendOnlyAdmin):
    """The list is that of possible duplicates, with the merges that were made below it."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:first>/<uuid:second>/", wrap(self.merge), name="leads_merge"),
            path("<uuid:object_id>/undo/", wrap(self.undo), name="leads_merge_undo"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Duplicates",
            "groups": duplicate_groups(among=leads_seen(request.user)),
            "merges": seen_by(LeadMerge.objects.select_related("winner", "actor"), request.user)[
                :20
            ],
            "may_merge": _may_merge(request),
        }
        return TemplateResponse(request, "desk/duplicates.html", context)

    def merge(self, request: HttpRequest, first: UUID, second: UUID) -> HttpResponse:
        """Show both sides, and merge into the one that is chosen."""
        if not _may_merge(request):
            raise PermissionDenied
        leads = {lead.pk: lead for lead in leads_seen(request.user).filter(pk__in=(first, second))}
        if len(leads) < 2:
            raise Http404("One of these leads is gone: it was merged meanwhile.")
        error = ""
        if request.method == "POST":
            winner, loser = (first, second) if request.POST.get("keep") == "1" else (second, first)
            try:
                merge = leads_merge(
                    winner_id=winner, loser_id=loser, actor=_actor(request), now=timezone.now()
                )
            except MergeRefused as refusal:
                error = str(refusal)
            else:
                messages.success(request, f"{merge.loser_name} is part of {leads[winner]} now.")
                return HttpResponseRedirect(reverse("admin:leads_lead_change", args=(winner,)))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Merge two leads",
            "first": leads[first],
            "second": leads[second],
            "rows": _rows(leads[first], leads[second]),
            "error": error,
            "back": reverse("admin:leads_leadmerge_changelist"),
        }
        return TemplateResponse(request, "desk/merge.html", context)

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once, then make one lead two again."""
        merge = self.get_object(request, str(object_id))
        if not _may_merge(request):
            raise PermissionDenied
        if merge is None:
            raise Http404("There is no such merge.")
        back = reverse("admin:leads_leadmerge_changelist")
        if request.method == "POST":
            try:
                merge_undo(merge_id=merge.pk, actor=_actor(request), now=timezone.now())
            except MergeRefused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, f"{merge.loser_name} is a lead of its own again.")
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Undo merge",
            "question": f"Make {merge.loser_name} a lead of its own again?",
            "consequences": [
                "It gets back its number, its data, and the calls, appointments and notes it had.",
                f"What happened after the merge stays with {merge.winner}.",
                "Do-not-call entries and withdrawals of consent that came from the merge alone "
                "are taken back.",
            ],
            "button": "Undo the merge",
            "back": back,
        }
        return TemplateResponse(request, "desk/confirm.html", context)


def _rows(first: Lead, second: Lead) -> list[Row]:
    pairs = zip(_side(first).items(), _side(second).values(), strict=True)
    return [Row(name, one, other) for (name, one), other in pairs if one or other]


def _side(lead: Lead) -> dict[str, str]:
    """Return what the comparison shows of a lead, in its order."""
    consents = [
        f"{consent.get_kind_display()}, {'withdrawn' if consent.revoked_at else 'valid'}"
        for consent in Consent.objects.filter(lead=lead)[:5]
    ]
    barred = DoNotCall.objects.filter(phone=lead.phone).exists()
    side = {
        "Name": lead.full_name,
        "Number": national(lead.phone),
        "E-mail": lead.email,
        "Street": lead.street,
        "Place": " ".join(part for part in (lead.city, lead.state, lead.postal_code) if part),
        "Kind": lead.get_kind_display(),
        "Stage": lead.get_stage_display(),
        "Score": "" if lead.score is None else str(lead.score),
        "Owner": str(lead.owner or ""),
        "Source": lead.source,
        "Tags": ", ".join(map(str, lead.tags)),
        "Created": f"{timezone.localtime(lead.created_at):%Y-%m-%d %H:%M}",
        "Do not call": "on the list" if barred else "no",
        "Consents": "; ".join(consents) or "none",
    }
    for model, name in pointers(Lead):
        if model not in (Consent, LeadMerge):
            count = model._base_manager.filter(**{name: lead}).count()
            side[str(model._meta.verbose_name_plural).capitalize()] = f"{count:,}"
    return side


def _may_merge(request: HttpRequest) -> bool:
    return bool(
        request.user.has_perm("leads.add_leadmerge") and request.user.has_perm("leads.change_lead")
    )


def _actor(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
