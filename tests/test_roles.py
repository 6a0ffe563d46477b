"""Who may open what: every address of the admin, for every role, on their own rows and others'."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern
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
from tests.factories import (
    CallFactory,
    LeadFactory,
    ManagerFactory,
    UserFactory,
)
from tests.world import MARKS, SECRET, World, world

pytestmark = pytest.mark.django_db

ROLES = ("Owner", "Manager", "Rep", "Compliance", "Read-only")
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


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and pattern of every address below /admin/."""
    for item in (resolver or get_resolver()).url_patterns:
        where = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from addresses(item, where)
        elif where.startswith("admin/") and item.name and isinstance(item.pattern, RoutePattern):
            yield item.name, item


class Everything:
    """Two reps with a lead each, and somebody for every role."""

    def __init__(self) -> None:
        roles_sync()
        self.clients: dict[str, Client] = {}
        self.users = {role: UserFactory(username=role.lower()) for role in ROLES}
        for role, user in self.users.items():
            user.groups.add(Group.objects.get(name=role))
        self.users["nobody"] = UserFactory(username="nobody")
        colleague = UserFactory(username="colleague")
        self.own = world(self.users["Rep"])
        self.foreign = world(colleague, **MARKS)
        self.live = CallFactory(lead=self.foreign.lead, live=True)

    def client(self, role: str) -> Client:
        if role not in self.clients:
            self.clients[role] = Client()
            self.clients[role].force_login(self.users[role])
        return self.clients[role]

    def address(self, name: str, pattern: URLPattern, of: World) -> str | None:
        """Return an address with the ids of a world's rows; None where it has no such row."""
        arguments: dict[str, Any] = {}
        for key in pattern.pattern.converters:
            value = self._argument(key, name, of)
            if value is None:
                return None
            arguments[key] = value
        namespace = "" if name == "costs" or name.startswith("costs-") else "admin:"
        return reverse(f"{namespace}{name}", kwargs=arguments)

    def _argument(self, key: str, name: str, of: World) -> Any:
        rows = of.rows
        if key == "call_id":
            return rows["calls.call"].pk
        if key == "lead_id":
            return of.lead.pk
        if key in ("first", "second"):
            return self.own.lead.pk if key == "first" else of.lead.pk
        if key == "content_type_id":
            return ContentType.objects.get_for_model(Lead).pk
        if key == "what":
            return "sync"
        if key == "number":
            return 1
        row = next((row for label, row in rows.items() if _is_of(name, label)), None)
        return row.pk if row else (str(uuid4()) if key != "object_id" else None)


def _is_of(name: str, label: str) -> bool:
    """Whether an address is about rows of a model, by the names of both."""
    app, model = label.split(".")
    words = {"leads.importbatch": "leads_import_", "leads.numberlist": "leads_numbers_",
             "leads.sheetlink": "leads_sheet_", "leads.lead": "leads_lead_",
             "leads.appointment": "leads_appointment_", "leads.task": "leads_task_"}  # fmt: skip
    if name == "leads_sheet_decide":
        return label == "leads.sheetconflict"
    return name.startswith((f"{app}_{model}_", words.get(label, "-")))


@pytest.fixture
def everything() -> Everything:
    return Everything()


def model_of(name: str) -> tuple[type[Model], str] | None:
    """Return model and kind of page of one of the admin's own addresses."""
    for model in admin.site._registry:
        stem = f"{model._meta.app_label}_{model._meta.model_name}_"
        for kind in ("changelist", "add", "change", "delete", "history"):
            if name == stem + kind:
                return model, kind
    return None


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
