"""A playbook as a file, a playbook from a file, and one that begins with another's words."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from agents.admin.playbook_editor import actor_of, may_edit, may_see
from agents.models import Playbook
from agents.playbook import ScriptInvalid
from agents.playbook.files import MOST_BYTES, toml_of, toml_read
from agents.selectors import playbook_script, playbook_version_newest
from agents.services.playbooks import (
    playbook_create,
    playbook_version_save,
)
from leads.models import Lead


def export_file(request: HttpRequest, playbook_id: UUID) -> HttpResponse:
    """Give a version as a TOML file; without a choice, the newest."""
    playbook = _playbook(request, playbook_id, allowed=may_see(request))
    text = request.GET.get("version", "")
    chosen = text.isdecimal() and len(text) < 9
    wanted = playbook.versions.filter(number=int(text)) if chosen else playbook.versions
    version = wanted.order_by("-number").first()
    if version is None:
        raise Http404("There is no such version.")
    heading = f"{playbook.name}, version {version.number}. {version.note}".strip()
    name = re.sub(r"[^a-z0-9]+", "-", playbook.name.lower()).strip("-") or "playbook"
    answer = HttpResponse(
        toml_of(playbook_script(version), heading=heading),
        content_type="application/toml; charset=utf-8",
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}-v{version.number}.toml"'
    return answer


def import_page(request: HttpRequest, playbook_id: UUID) -> HttpResponse:
    """Take a file as the playbook's next version, a draft."""
    playbook = _playbook(request, playbook_id, allowed=may_edit(request))
    faults: list[str] = []
    if request.method == "POST":
        try:
            name, data = _uploaded(request)
            version = playbook_version_save(
                playbook_id=playbook.pk,
                script=data,
                note=f"From the file {name}."[:200],
                author=actor_of(request),
            )
        except ScriptInvalid as error:
            faults = error.messages
        else:
            text = f"Version {version.number} is saved as a draft. No call uses it yet."
            messages.success(request, text)
            return _to(playbook.pk)
    context = {
        "playbook": playbook,
        "title": f"A file for {playbook}",
        "faults": faults,
        "back": reverse("admin:agents_playbook_change", args=(playbook.pk,)),
    }
    return _page(request, "desk/script_file.html", context)


def create_page(request: HttpRequest) -> HttpResponse:
    """Make a playbook out of another's words, or out of a file."""
    if not request.user.has_perm("agents.add_playbook"):
        raise PermissionDenied
    typed, faults = request.POST, list[str]()
    if request.method == "POST":
        try:
            data, note, kind = _beginning(request)
            version = playbook_create(
                name=str(typed.get("name", "")),
                lead_kind=str(typed.get("kind") or kind),
                description=str(typed.get("description", "")),
                script=data,
                note=note,
                author=actor_of(request),
            )
        except ScriptInvalid as error:
            faults = error.messages
        except ValidationError as error:
            faults = [
                f"{field.replace('_', ' ').capitalize()}: {text}"
                for field, texts in error.message_dict.items()
                for text in texts
            ]
        else:
            messages.success(request, f"{version.playbook} is there, as a draft. Make it yours.")
            return _to(version.playbook_id)
    others = Playbook.objects.filter(versions__isnull=False).distinct().order_by("name")
    chosen = request.GET.get("from") or typed.get("from") or ""
    context = {
        "title": "Add a playbook",
        "faults": faults,
        "others": others,
        "chosen": chosen,
        "typed": typed,
        "kinds": Lead.Kind.choices,
        "back": reverse("admin:agents_playbook_changelist"),
    }
    return _page(request, "desk/script_create.html", context)


def _beginning(request: HttpRequest) -> tuple[dict[str, Any], str, str]:
    """Return the words a playbook begins with, where they are from, and for which leads."""
    if request.FILES:
        name, data = _uploaded(request)
        return data, f"From the file {name}."[:200], str(Lead.Kind.SELLER)
    chosen = str(request.POST.get("from", ""))
    try:
        other = Playbook.objects.filter(pk=UUID(chosen)).first()
    except ValueError:
        other = None
    version = playbook_version_newest(other.pk) if other else None
    if other is None or version is None:
        raise ScriptInvalid(["Choose a playbook to begin with, or a file."])
    return version.script, f"From {other}, version {version.number}."[:200], other.lead_kind


def _uploaded(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    file = request.FILES.get("file")
    if file is None:
        raise ScriptInvalid(["Choose a file first."])
    name = str(file.name)[-80:]
    return name, toml_read(file.read(MOST_BYTES + 1), name=name)


def _playbook(request: HttpRequest, playbook_id: UUID, *, allowed: bool) -> Playbook:
    if not allowed:
        raise PermissionDenied
    playbook = Playbook.objects.filter(pk=playbook_id).first()
    if playbook is None:
        raise Http404("There is no such playbook.")
    return playbook


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin.site.each_context(request), "opts": Playbook._meta}
    return TemplateResponse(request, template, {**shared, **context})


def _to(playbook_id: Any) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:agents_playbook_change", args=(playbook_id,)))
