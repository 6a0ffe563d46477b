"""Every address of the admin, with rows behind it, and somebody of every role to open it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from leads.models import Lead
from reauto_site.roles import roles_sync
from tests.factories import CallFactory, UserFactory
from tests.world import MARKS, World, world

ROLES = ("Owner", "Manager", "Rep", "Compliance", "Read-only")


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


def model_of(name: str) -> tuple[type[Model], str] | None:
    """Return model and kind of page of one of the admin's own addresses."""
    for model in admin.site._registry:
        stem = f"{model._meta.app_label}_{model._meta.model_name}_"
        for kind in ("changelist", "add", "change", "delete", "history"):
            if name == stem + kind:
                return model, kind
    return None
