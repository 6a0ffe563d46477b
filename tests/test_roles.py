"""Who may open what: every address of the admin, for every role, on their own rows and others'."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, Recording
from leads.access import leads_seen, seen_by, way_to_lead
from leads.models import (
    AccessPolicy,
    AuditEntry,
    Lead,
    Task,
    TimelineEntry,
)
from reauto_site.roles import roles, roles_sync
from tests.addresses import ROLES, Everything, addresses, model_of
from tests.factories import (
    CallFactory,
    LeadFactory,
    ManagerFactory,
    UserFactory,
)
from tests.world import SECRET

pytestmark = pytest.mark.django_db

# Who opens a page of its own kind (not a list, not a form of a model): 200 for these roles, else
# 403. "r" is the rep on their own rows; on others' it is 404 everywhere.
OPENS = {
    "costs": "omcv",
    "costs-promise": "omcv",
    "costs-what-if": "omcv",
    "costs-variance": "omcv",
    "calls_live": "omrcv",
    "calls_live_json": "omrcv",
    "calls_transcript": "omrcv",
    "calls_recording_file": "omrc",
    "calls_outline": "omrc",
    "calls_call_now": "om",
    "calls_campaign_start": "om",
    "calls_campaign_enrol": "om",
    "calls_kill_switch": "omc",
    "leads_lead_do_not_call": "omrc",
    "leads_lead_timeline": "omrcv",
    "leads_lead_erase": "oc",
    "leads_donotcall_download": "omc",
    "leads_import_progress": "omcv",
    "leads_import_errors": "omc",
    "leads_import_undo": "om",
    "leads_numbers_progress": "omcv",
    "leads_merge": "om",
    "leads_sheet_columns": "om",
    "leads_sheet_remove": "om",
}
LETTER = {"Owner": "o", "Manager": "m", "Rep": "r", "Compliance": "c", "Read-only": "v"}


@pytest.fixture
def everything() -> Everything:
    return Everything()


def told_of(text: str) -> list[str]:
    """Return what a text tells of the other rep's lead."""
    return [mark for mark in SECRET if mark in text.lower()]


def body(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8", "replace")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_model_opens_for_exactly_the_roles_with_the_permission(
    everything: Everything, role: str
) -> None:
    """The table: role by address, on the rep's own rows. 200 with a right to it, 403 without."""
    wrong = []
    client, user = everything.client(role), User.objects.get(pk=everything.users[role].pk)
    request: Any = RequestFactory().get("/")
    request.user = user
    for name, pattern in addresses():
        found = model_of(name)
        address = everything.address(name, pattern, everything.own) if found else None
        if not found or not address:
            continue
        model, kind = found
        site = admin.site._registry[model]
        may = {
            "changelist": site.has_view_or_change_permission,
            "change": site.has_view_or_change_permission,
            "history": site.has_view_or_change_permission,
            "add": site.has_add_permission,
            "delete": site.has_delete_permission,
        }[kind](request)
        status = client.get(address).status_code
        expected = {200, 302} if may else {403}
        if kind == "changelist" and not may and site.has_add_permission(request):
            expected = {302, 403}  # who may only add is taken to where that is done
        if status not in expected:
            wrong.append((name, status, f"expected {expected}"))
    assert wrong == []


def test_every_other_page_opens_for_the_roles_of_the_table(everything: Everything) -> None:
    wrong = []
    patterns = dict(addresses())
    assert set(OPENS) <= set(patterns), "an address of the table is gone"
    for name, letters in OPENS.items():
        of = everything.foreign if name == "leads_merge" else everything.own
        address = everything.address(name, patterns[name], of)
        assert address is not None, name
        for role in ROLES:
            status = everything.client(role).get(address).status_code
            good = {200, 302} if LETTER[role] in letters else {403}
            if status not in good:
                wrong.append((role, name, status, f"expected {good}"))
    assert wrong == []


def test_a_rep_opens_nothing_of_others_and_finds_nothing_of_them_anywhere(
    everything: Everything,
) -> None:
    client = everything.client("Rep")
    wrong = []
    for name, pattern in addresses():
        address = everything.address(name, pattern, everything.foreign)
        if address is None:
            continue
        answer = client.get(address)
        text = body(answer)
        told = told_of(text)
        about_a_row = any(key in pattern.pattern.converters for key in ("object_id", "call_id",
                                                                         "lead_id"))  # fmt: skip
        found = model_of(name)
        scoped = not found or way_to_lead(found[0]) is not None
        if told or (about_a_row and scoped and answer.status_code == 200):
            wrong.append((name, answer.status_code, told))
    assert wrong == []


@pytest.mark.parametrize(
    "query",
    ["?q=Zebulon", "?q=5127770199"],
)
def test_no_search_of_a_rep_finds_others(everything: Everything, query: str) -> None:
    client = everything.client("Rep")
    for name, pattern in addresses():
        found = model_of(name)
        if not found or found[1] != "changelist" or way_to_lead(found[0]) is None:
            continue
        text = body(client.get(everything.address(name, pattern, everything.own) + query))  # type: ignore[operator]
        # What was asked for is shown again.
        text = text.replace(query.removeprefix("?q="), "")
        assert not told_of(text), name
    looked_up = client.get(
        reverse("admin:autocomplete"),
        {"term": "Zeb", "app_label": "leads", "model_name": "task", "field_name": "lead"},
    )
    assert not told_of(body(looked_up))
    found = body(client.get(reverse("admin:search"), {"s": "Zebulon"}))
    assert "quartermain" not in found.lower()


def test_a_rep_changes_nothing_of_others(everything: Everything) -> None:
    client = everything.client("Rep")
    lead = everything.foreign.lead
    before = TimelineEntry.objects.filter(lead=lead).count()
    for name, pattern in addresses():
        if "object_id" not in pattern.pattern.converters and "call_id" not in (
            pattern.pattern.converters
        ):
            continue
        address = everything.address(name, pattern, everything.foreign)
        if address is None:
            continue
        answer = client.post(address, {"text": "mine now", "reason": "x", "stage": "won",
                                       "first_name": "Mine", "choice": "ours"})  # fmt: skip
        assert answer.status_code in (302, 403, 404, 405), (name, answer.status_code)
    lead.refresh_from_db()
    assert (lead.first_name, lead.stage) == ("Zebulon", "new")
    assert TimelineEntry.objects.filter(lead=lead).count() == before
    assert Call.objects.get(pk=everything.live.pk).end_reason == ""


def test_who_has_no_role_opens_nothing(everything: Everything) -> None:
    client = everything.client("nobody")
    open_to_all = {
        "index", "login", "logout", "password_change", "password_change_done", "jsi18n", "search",
        "calls_phone", "calls_phone_token", "calls_phone_ringing", "calls_phone_closed",
    }  # fmt: skip
    wrong = []
    for name, pattern in addresses():
        address = everything.address(name, pattern, everything.foreign)
        if address is None or name in open_to_all:
            continue
        answer = client.get(address)
        if answer.status_code == 200 or told_of(body(answer)):
            wrong.append((name, answer.status_code))
    assert wrong == []
    assert not told_of(body(client.get(reverse("admin:index"))))


def test_pages_ask_who_comes_first(everything: Everything) -> None:
    client = Client()
    for name, pattern in addresses():
        address = everything.address(name, pattern, everything.foreign)
        if address is None or name in ("login", "logout", "jsi18n"):
            continue
        assert client.get(address).status_code in (302, 405), name


def test_the_account_decides_what_reps_see(everything: Everything) -> None:
    rep = everything.users["Rep"]
    loose = LeadFactory(owner=None)
    assert set(leads_seen(rep)) == {everything.own.lead}
    policy = AccessPolicy.objects.create(reps_see="unassigned")
    assert set(leads_seen(rep)) == {everything.own.lead, loose}
    call = CallFactory(lead=loose)
    assert call in seen_by(Call.objects.all(), rep)
    assert everything.live not in seen_by(Call.objects.all(), rep)
    policy.reps_see = "all"
    policy.save()
    assert leads_seen(rep).count() == Lead.objects.count()


def test_whoever_meets_a_lead_sees_it(everything: Everything) -> None:
    rep, lead = everything.users["Rep"], everything.foreign.lead
    Task.objects.create(lead=lead, title="Call back", due_at=timezone.now(), owner=rep)
    assert lead in leads_seen(rep)
    assert seen_by(Call.objects.all(), rep).filter(lead=lead).exists()


def test_hearing_a_recording_is_kept_once_for_each_time(
    everything: Everything, settings: Any
) -> None:
    call = everything.own.rows["calls.call"]
    address = reverse("admin:calls_recording_file", args=(call.pk,))
    client = everything.client("Rep")
    assert Recording.objects.get(call=call).state == "stored"
    for part in ("bytes=0-9", "bytes=10-19", ""):
        client.get(address, headers={"Range": part} if part else {})
    entry = AuditEntry.objects.get(action="listen")
    assert (entry.actor_name, entry.lead_id) == ("rep", everything.own.lead.pk)
    AuditEntry.objects.filter(pk=entry.pk)._raw_delete("default")  # type: ignore[attr-defined]
    AuditEntry.objects.create(
        action="listen", text="x", actor_id=entry.actor_id, subject=entry.subject,
        at=timezone.now() - timedelta(minutes=11),
    )  # fmt: skip
    client.get(address)
    assert AuditEntry.objects.filter(action="listen").count() == 2


# Roles -----------------------------------------------------------------------------------------


def test_roles_are_put_back_to_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    roles_sync()
    assert roles_sync() == []
    Group.objects.get(name="Rep").permissions.clear()
    own = Group.objects.create(name="Night shift")
    call_command("sync_roles")
    said = capsys.readouterr().out
    assert "Rep: " in said
    assert "put right" in said
    assert "Manager" in said
    rep = next(role for role in roles() if role.name == "Rep")
    assert Group.objects.get(name="Rep").permissions.count() == len(rep.permissions)
    assert own.permissions.count() == 0


def test_the_sidebar_shows_a_role_only_what_it_can_use(everything: Everything) -> None:
    shown = {role: body(everything.client(role).get(reverse("admin:index"))) for role in ROLES}
    assert all("Audit" in shown[role] for role in ("Owner", "Compliance"))
    for name in ("Google Sheets", "Budgets", "Users", "Audit", "Imports"):
        assert f">{name}<" not in shown["Rep"].replace("\n", "").replace(" ", "").replace(
            "GoogleSheets", "Google Sheets"
        )


def test_giving_somebody_a_role_is_audited_and_nobody_gives_more_than_they_have(
    everything: Everything,
) -> None:
    owner = everything.client("Owner")
    somebody, boss = UserFactory(username="new"), ManagerFactory(username="boss")
    page = reverse("admin:auth_user_change", args=(somebody.pk,))
    group = Group.objects.get(name="Rep")
    form = {
        "username": "new", "is_active": "on", "is_staff": "on", "groups": [group.pk],
        "is_superuser": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    }  # fmt: skip
    owner.post(page, form)
    somebody.refresh_from_db()
    assert list(somebody.groups.all()) == [group]
    assert not somebody.is_superuser
    entry = AuditEntry.objects.get(action="roles")
    assert entry.text == "Gave new the roles: Rep."
    assert entry.actor_name == "owner"
    assert owner.post(
        reverse("admin:auth_user_change", args=(boss.pk,)), {**form, "username": "boss"}
    ).status_code == 403  # fmt: skip
    assert owner.get(reverse("admin:auth_user_password_change", args=(boss.pk,))).status_code == 403
    ships = reverse("admin:auth_group_change", args=(group.pk,))
    owner.post(ships, {"name": "Rep", "permissions": []})
    assert group.permissions.count()
