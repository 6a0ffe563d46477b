"""Erasing a lead at the desk: what would go first, then once, with a reason."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from leads.access import leads_seen
from leads.admin.actor import actor_of
from leads.erasure.erase import ErasureRefused, lead_erase
from leads.erasure.subject import subject_of
from leads.models import Lead
from leads.sheets.erase import sheet_rows_delete
from leads.sheets.errors import SheetsError


def erase_page(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show what an erasure takes away and what stays, and do it when confirmed."""
    if not request.user.has_perm("leads.erase_lead"):
        raise PermissionDenied
    lead = leads_seen(request.user).filter(pk=object_id).first()
    if lead is None:
        raise Http404("There is no such lead: it was merged or erased before.")
    problem, counts = "", {}
    if request.method == "POST":
        problem = _erase(request, lead)
        if not problem:
            return HttpResponseRedirect(reverse("admin:leads_lead_changelist"))
    try:
        report = lead_erase(subject=subject_of(str(lead.pk)), dry_run=True, now=timezone.now())
        counts = {name: count for name, count in sorted(report.counts.items()) if count}
    except ErasureRefused as refusal:
        problem = problem or str(refusal)
    context = {
        **admin.site.each_context(request),
        "opts": Lead._meta,
        "title": "Erase",
        "lead": lead,
        "counts": counts,
        "problem": problem,
        "sheets": lead.sheet_rows.count(),
        "back": reverse("admin:leads_lead_change", args=(lead.pk,)),
    }
    return TemplateResponse(request, "desk/erase.html", context)


def _erase(request: HttpRequest, lead: Lead) -> str:
    """Erase a lead; return what was in the way, in words."""
    try:
        if "sheet_row" in request.POST:
            sheet_rows_delete(lead_id=lead.pk, phone=str(lead.phone))
        report = lead_erase(
            subject=subject_of(str(lead.pk)),
            actor=actor_of(request),
            reason=request.POST.get("reason", "")[:200],
            now=timezone.now(),
        )
    except (ErasureRefused, SheetsError) as refusal:
        return str(refusal)
    proof = report.proof
    if proof is not None and not proof.clean:
        tables = ", ".join(proof.rows) or "kept files"
        messages.warning(request, f"Erased, but something is still found in {tables}.")
    else:
        messages.success(request, "Erased. Every text and file was searched: nothing is left.")
    return ""
