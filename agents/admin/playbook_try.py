"""Try a playbook: talk with its agent by text or by microphone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from agents.admin.playbook_editor import may_edit
from agents.desk.playbook_page import standing_of
from agents.models import Playbook
from agents.rehearsal import Pretend, may_try

ZONES: Final = (
    ("America/New_York", "New York"),
    ("America/Chicago", "Chicago"),
    ("America/Denver", "Denver"),
    ("America/Phoenix", "Phoenix"),
    ("America/Los_Angeles", "Los Angeles"),
    ("America/Anchorage", "Anchorage"),
    ("Pacific/Honolulu", "Honolulu"),
    ("America/Puerto_Rico", "Puerto Rico"),
    ("Europe/London", "London"),
    ("Europe/Berlin", "Berlin"),
    ("Australia/Sydney", "Sydney"),
)


def try_page(request: HttpRequest, playbook_id: UUID) -> HttpResponse:
    """Show the page on which a playbook is talked with."""
    if not may_try(request.user):
        raise PermissionDenied
    playbook = Playbook.objects.filter(pk=playbook_id).first()
    if playbook is None:
        raise Http404("There is no such playbook.")
    standing = standing_of(playbook)
    chosen = request.GET.get("version", "")
    return TemplateResponse(
        request,
        "desk/script_try.html",
        {
            **admin.site.each_context(request),
            "opts": Playbook._meta,
            "title": f"Try {playbook}",
            "playbook": playbook,
            "standing": standing,
            "versions": playbook.versions.defer("script").order_by("-number"),
            "chosen": int(chosen) if chosen.isdecimal() and len(chosen) < 9 else None,
            "lead": Pretend(),
            "zones": ZONES,
            "talks": request.GET.get("talk") is not None,
            "may_edit": may_edit(request),
        },
    )
