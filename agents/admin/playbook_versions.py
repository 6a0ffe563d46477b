"""Versions of a playbook: read one, compare two, let one go live, go back to an earlier one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from agents.admin.playbook_editor import actor_of, may_edit, may_see
from agents.desk.playbook_page import standing_of
from agents.desk.playbook_script import script_lines
from agents.models import Playbook, PlaybookVersion
from agents.playbook import ScriptInvalid
from agents.playbook.changes import changes_between
from agents.services.playbooks import playbook_roll_back, playbook_version_publish


def versions_page(request: HttpRequest, playbook_id: UUID) -> HttpResponse:
    """Show what was changed when, by whom and why."""
    playbook = _playbook(request, playbook_id)
    versions = (
        playbook.versions.select_related("author")
        .defer("script")
        .annotate(calls_made=Count("calls"))
        .order_by("-number")
    )
    return _page(request, playbook, "desk/script_versions.html", "Versions", versions=versions)


def read_page(request: HttpRequest, playbook_id: UUID, number: int) -> HttpResponse:
    """Show one version as a script to read."""
    playbook = _playbook(request, playbook_id)
    version = _version(playbook, number)
    return _page(
        request,
        playbook,
        "desk/script_read.html",
        f"Version {number}",
        version=version,
        script=script_lines(version.script),
        calls_made=version.calls.count(),
    )


def compare_page(request: HttpRequest, playbook_id: UUID) -> HttpResponse:
    """Show what differs between two versions; without a choice, live and newest."""
    playbook = _playbook(request, playbook_id)
    standing = standing_of(playbook)
    newest = standing.newest
    if newest is None:
        raise Http404("This playbook has no version yet.")
    other = standing.live if standing.has_draft else None
    before_number = _number(request, "from", other.number if other else max(1, newest.number - 1))
    before = _version(playbook, before_number)
    after = _version(playbook, _number(request, "to", newest.number))
    return _page(
        request,
        playbook,
        "desk/script_compare.html",
        f"Version {before.number} and version {after.number}",
        before=before,
        after=after,
        changes=changes_between(before.script, after.script),
        versions=playbook.versions.defer("script").order_by("-number"),
    )


def publish_page(request: HttpRequest, playbook_id: UUID, number: int) -> HttpResponse:
    """Ask once, then let calls begin with a version."""
    playbook = _playbook(request, playbook_id, to_change=True)
    version = _version(playbook, number)
    live = standing_of(playbook).live
    if request.method == "POST":
        try:
            playbook_version_publish(version_id=version.pk, actor=actor_of(request))
        except ScriptInvalid as error:
            _tell(request, error)
        else:
            messages.success(request, f"Version {number} is live: new calls use it.")
        return HttpResponseRedirect(_home(playbook))
    count = len(changes_between(live.script, version.script)) if live else 0
    consequences = [
        "New calls use it at once. Calls on the line keep the version they began with.",
        f"{_times(count, 'place')} {'differ' if count != 1 else 'differs'} from version "
        f"{live.number}, which is live now."
        if live
        else "Campaigns of this playbook can be started then.",
        "You can go back to any earlier version.",
    ]
    return _confirm(
        request,
        playbook,
        f"Let version {number} of {playbook} go live?",
        consequences,
        f"Go live with version {number}",
    )


def back_page(request: HttpRequest, playbook_id: UUID, number: int) -> HttpResponse:
    """Ask once, then make an earlier version's words the newest and live."""
    playbook = _playbook(request, playbook_id, to_change=True)
    version = _version(playbook, number)
    newest = standing_of(playbook).newest
    if request.method == "POST":
        try:
            made = playbook_roll_back(version_id=version.pk, author=actor_of(request))
        except ScriptInvalid as error:
            _tell(request, error)
        else:
            text = f"Version {made.number} is live, with the words of version {number}."
            messages.success(request, text)
        return HttpResponseRedirect(_home(playbook))
    following = newest.number + 1 if newest else 1
    consequences = [
        f"Version {following} is made with the words of version {number}, and goes live at once.",
        "Nothing is lost: the versions in between stay, and you can go back to them too.",
        "Calls on the line keep the version they began with.",
    ]
    return _confirm(
        request,
        playbook,
        f"Go back to version {number} of {playbook}?",
        consequences,
        f"Go back to version {number}",
    )


def _confirm(
    request: HttpRequest, playbook: Playbook, question: str, consequences: list[str], button: str
) -> HttpResponse:
    return _page(
        request,
        playbook,
        "desk/confirm.html",
        question,
        question=question,
        consequences=consequences,
        button=button,
        back=_home(playbook),
    )


def _page(
    request: HttpRequest, playbook: Playbook, template: str, title: str, **context: Any
) -> HttpResponse:
    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "opts": Playbook._meta,
            "title": title,
            "playbook": playbook,
            "standing": standing_of(playbook),
            "may_edit": may_edit(request),
            **context,
        },
    )


def _playbook(request: HttpRequest, playbook_id: UUID, *, to_change: bool = False) -> Playbook:
    if not (may_edit(request) if to_change else may_see(request)):
        raise PermissionDenied
    playbook = Playbook.objects.filter(pk=playbook_id).first()
    if playbook is None:
        raise Http404("There is no such playbook.")
    return playbook


def _version(playbook: Playbook, number: int) -> PlaybookVersion:
    version = playbook.versions.select_related("author", "playbook").filter(number=number).first()
    if version is None:
        raise Http404(f"{playbook} has no version {number}.")
    return version


def _number(request: HttpRequest, name: str, otherwise: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 9 else otherwise


def _home(playbook: Playbook) -> str:
    return reverse("admin:agents_playbook_change", args=(playbook.pk,))


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _tell(request: HttpRequest, error: ScriptInvalid) -> None:
    text = "It breaks a rule that has come since it was saved; edit it first."
    messages.error(request, f"{text} {' '.join(error.messages)}")
