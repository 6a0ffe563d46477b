"""Who may see which leads, and with them their calls, recordings, tasks and everything else.

Whoever lacks the permission `leads.view_every_lead` sees the leads that are theirs. Every other row
is seen by the lead it belongs to: the way there is read from the models, so that a table that comes
later is covered without a change here.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import ForeignKey, Model, Q, QuerySet

from leads.models import AccessPolicy, Appointment, Lead, Task

M = TypeVar("M", bound=Model)
Viewer = AbstractBaseUser | AnonymousUser

_DEEPEST = 4
# Rows that are somebody's own whatever lead they are about.
_OWN: dict[str, str] = {
    "leads.appointment": "rep",
    "leads.task": "owner",
    "leads.mention": "user",
    "leads.mail": "user",
    "leads.bulkchange": "actor",
}


def sees_every_lead(viewer: Viewer) -> bool:
    """Whether a user's role is not limited to their own leads."""
    may: Any = getattr(viewer, "has_perm", None)
    return bool(may and may("leads.view_every_lead")) or _policy() == AccessPolicy.RepsSee.ALL


def leads_seen(viewer: Viewer) -> QuerySet[Lead]:
    """Return the leads that a user may see."""
    leads = Lead.objects.filter(erased_at__isnull=True).order_by()
    return leads if sees_every_lead(viewer) else _own(leads, viewer)


def seen_by(rows: QuerySet[M], viewer: Viewer) -> QuerySet[M]:
    """Return those of some rows that a user may see; rows of no lead are seen by all."""
    way, own = way_to_lead(rows.model), _OWN.get(rows.model._meta.label_lower)
    if (way is None and own is None) or sees_every_lead(viewer):
        return rows
    if way == "":
        return _own(rows.filter(erased_at__isnull=True), viewer)
    seen = Q(**{own: viewer.pk}) if own else Q()
    if way is not None and viewer.pk is not None:
        leads = Lead.objects.filter(erased_at__isnull=True).order_by()
        # One after the other: for each alone, PostgreSQL need not open a lead to know its id.
        for condition in _mine(viewer):
            seen |= Q(**{f"{way}__in": leads.filter(condition).values("pk")})
    return rows.filter(seen) if seen else rows.none()


def _own(leads: QuerySet[M], viewer: Viewer) -> QuerySet[M]:
    if viewer.pk is None:
        return leads.none()
    mine = Q()
    for condition in _mine(viewer):
        mine |= condition
    return leads.filter(mine)


def _mine(viewer: Viewer) -> list[Q]:
    """Return the conditions by any of which a lead is seen by a user. One or two queries.

    The leads of others with which the user has an appointment or a task are few, and are given by
    their ids: with a subquery in their place, the database would look at each lead there is.
    """
    meetings = Appointment.objects.filter(rep_id=viewer.pk).exclude(lead__owner_id=viewer.pk)
    tasks = Task.objects.filter(owner_id=viewer.pk).exclude(lead__owner_id=viewer.pk)
    ids = meetings.order_by().values_list("lead_id").union(tasks.order_by().values_list("lead_id"))
    conditions = [Q(owner_id=viewer.pk), Q(pk__in=[lead_id for (lead_id,) in ids])]
    if _policy() == AccessPolicy.RepsSee.UNASSIGNED:
        conditions.append(Q(owner__isnull=True))
    return conditions


def may_see(row: Model, viewer: Viewer) -> bool:
    """Whether a user may see a row that is in the database."""
    rows: QuerySet[Any] = type(row)._base_manager.filter(pk=row.pk)
    return seen_by(rows, viewer).exists()


@cache
def way_to_lead(model: type[Model]) -> str | None:
    """Return the shortest way from a model to its lead, "" for the lead itself, None for no way.

    A nullable key is no way: a row without a value would be seen by nobody, or by everybody.
    """
    if model is Lead:
        return ""
    ways: deque[tuple[type[Model], str]] = deque([(model, "")])
    while ways:
        here, path = ways.popleft()
        for field in here._meta.get_fields():
            if not isinstance(field, ForeignKey) or field.null:
                continue
            there = field.related_model
            step = f"{path}__{field.name}" if path else field.name
            if there is Lead:
                return step
            if isinstance(there, type) and step.count("__") < _DEEPEST:
                ways.append((there, step))
    return None


def _policy() -> str:
    row = AccessPolicy.objects.filter(pk=1).values_list("reps_see", flat=True).first()
    return row or AccessPolicy.RepsSee.OWN
