"""What a role may do, as a table: a row per kind of data, a column per verb."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.template.loader import render_to_string

from reauto_site.roles import APPS

VERBS = ("view", "add", "change", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """One permission. `label` says what it allows, for whoever cannot see the table."""

    id: int
    label: str
    given: bool


@dataclass(slots=True)
class Row:
    """A kind of data: the four verbs in their order, None where there is none, and its own."""

    name: str
    verbs: list[Right | None] = field(default_factory=lambda: [None] * len(VERBS))
    others: list[Right] = field(default_factory=list)

    @property
    def given(self) -> bool:
        """Whether anything in it is given."""
        return any(right and right.given for right in (*self.verbs, *self.others))


def rights() -> QuerySet[Permission]:
    """Return every permission that a role can have."""
    return Permission.objects.filter(content_type__app_label__in=APPS).select_related(
        "content_type"
    )


def rights_table(given: Collection[int]) -> list[tuple[str, list[Row]]]:
    """Return the apps in the order of the sidebar, each with its rows.

    Args:
        given: ids of the permissions that are given.
    """
    rows: dict[str, dict[str, Row]] = {label: {} for label in APPS}
    for permission in rights().order_by("content_type__model", "codename"):
        kind = permission.content_type
        model = kind.model_class()
        if model is None:
            continue
        name = str(model._meta.verbose_name_plural)
        row = rows[kind.app_label].setdefault(kind.model, Row(name[:1].upper() + name[1:]))
        verb, _, rest = permission.codename.partition("_")
        right = Right(permission.pk, permission.name, permission.pk in given)
        if verb in VERBS and rest == kind.model:
            row.verbs[VERBS.index(verb)] = right
        else:
            row.others.append(right)
    return [
        (str(apps.get_app_config(label).verbose_name), list(by_model.values()))
        for label, by_model in rows.items()
    ]


def rights_shown(given: Collection[int]) -> str:
    """Return the table as HTML to be read, without the rows in which nothing is given."""
    table = [(app, [row for row in rows if row.given]) for app, rows in rights_table(given)]
    return render_to_string("desk/rights.html", {"table": [item for item in table if item[1]]})


class RightsWidget(forms.SelectMultiple):
    """The table with a box in each cell."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        table = rights_table({int(pk) for pk in value or ()})
        return render_to_string("desk/rights.html", {"table": table, "name": name})
