"""The page of a playbook: its script as a form, saved as a version of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from agents.desk.playbook_page import sections_of, standing_of
from agents.models import Playbook, PlaybookVersion
from agents.playbook import Fault, Script, ScriptInvalid
from agents.playbook.form import data_from
from agents.services.playbooks import (
    PlaybookChanged,
    playbook_details_change,
    playbook_version_publish,
    playbook_version_save,
)
from leads.models import Lead


def script_page(request: HttpRequest, playbook: Playbook) -> HttpResponse:
    """Show a playbook's script, and save what was typed."""
    if not may_see(request):
        raise PermissionDenied
    if request.method == "POST":
        if not may_edit(request):
            raise PermissionDenied
        return _save(request, playbook)
    newest = standing_of(playbook).newest
    return _shown(request, playbook, newest.script if newest else None)


def may_see(request: HttpRequest) -> bool:
    """Tell whether the person may read playbooks."""
    return bool(
        request.user.has_perm("agents.view_playbook")
        or request.user.has_perm("agents.change_playbook")
    )


def may_edit(request: HttpRequest) -> bool:
    """Tell whether the person may change playbooks."""
    return bool(request.user.has_perm("agents.change_playbook"))


def actor_of(request: HttpRequest) -> User | None:
    """Return who acts."""
    return request.user if isinstance(request.user, User) else None


def _save(request: HttpRequest, playbook: Playbook) -> HttpResponse:
    """Save everything or nothing. What cannot be saved comes back as it was typed."""
    typed = request.POST
    data = data_from(typed, Script)
    goes_live = typed.get("do") == "live"
    base = str(typed.get("based_on", ""))[:9]
    try:
        with transaction.atomic():
            playbook_details_change(
                playbook_id=playbook.pk,
                name=str(typed.get("playbook_name", "")),
                lead_kind=str(typed.get("playbook_kind", "")),
                description=str(typed.get("playbook_description", "")),
            )
            version = playbook_version_save(
                playbook_id=playbook.pk,
                script=data,
                note=str(typed.get("note", "")).strip()[:200],
                author=actor_of(request),
                based_on=int(base) if base.isdecimal() else None,
            )
            if goes_live:
                version = playbook_version_publish(version_id=version.pk, actor=actor_of(request))
    except ScriptInvalid as error:
        return _refused(request, playbook, data, faults=error.faults)
    except ValidationError as error:
        return _refused(request, playbook, data, faults=_details_faults(error))
    except PlaybookChanged as error:
        return _refused(request, playbook, data, changed=error.newest)
    messages.success(request, _told(version, base, goes_live=goes_live))
    page = reverse("admin:agents_playbook_change", args=(playbook.pk,))
    if _wants_json(request):
        return JsonResponse({"saved": page})
    return HttpResponseRedirect(page)


def _told(version: PlaybookVersion, base: str, *, goes_live: bool) -> str:
    if goes_live:
        return f"Version {version.number} is live: new calls use it, running calls keep theirs."
    if str(version.number) == base:
        return f"Saved. The script is as it was: version {version.number}."
    return f"Version {version.number} is saved as a draft. No call uses it yet."


def _details_faults(error: ValidationError) -> list[Fault]:
    fields = {"name": "Name", "lead_kind": "Kind of lead", "description": "Description"}
    return [
        Fault((f"playbook_{field.removeprefix('lead_')}",), text, fields.get(field, ""))
        for field, texts in error.message_dict.items()
        for text in texts
    ]


def _refused(
    request: HttpRequest,
    playbook: Playbook,
    data: dict[str, Any],
    *,
    faults: Sequence[Fault] = (),
    changed: PlaybookVersion | None = None,
) -> HttpResponse:
    playbook.refresh_from_db()
    if not _wants_json(request):
        return _shown(request, playbook, data, faults=faults, changed=changed)
    if changed is not None:
        news = {"by": _who(changed), "number": changed.number, "note": changed.note}
        return JsonResponse({"changed": news})
    told = [{"path": fault.path, "text": fault.text, "where": fault.where} for fault in faults]
    return JsonResponse({"faults": told})


def _who(version: PlaybookVersion) -> str:
    author = version.author
    return (author.get_full_name() or author.get_username()) if author else "Somebody"


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _shown(
    request: HttpRequest,
    playbook: Playbook,
    data: dict[str, Any] | None,
    *,
    faults: Sequence[Fault] = (),
    changed: PlaybookVersion | None = None,
) -> HttpResponse:
    standing = standing_of(playbook)
    typed = request.POST
    return TemplateResponse(
        request,
        "desk/script_editor.html",
        {
            **admin.site.each_context(request),
            "opts": Playbook._meta,
            "title": str(playbook),
            "playbook": playbook,
            "standing": standing,
            "sections": sections_of(data, faults),
            "faults": faults,
            "changed": changed,
            "changed_by": _who(changed) if changed else "",
            "based_on": typed.get("based_on") or (standing.newest.number if standing.newest else 0),
            "kinds": Lead.Kind.choices,
            "details": {
                "name": typed.get("playbook_name", playbook.name),
                "kind": typed.get("playbook_kind", playbook.lead_kind),
                "description": typed.get("playbook_description", playbook.description),
            },
            "note": typed.get("note", ""),
            "may_edit": may_edit(request),
            "may_add": request.user.has_perm("agents.add_playbook"),
            "may_delete": request.user.has_perm("agents.delete_playbook")
            and not playbook.versions.filter(calls__isnull=False).exists(),
        },
    )
