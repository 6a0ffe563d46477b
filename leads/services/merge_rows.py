"""Everything that points to one row is made to point to another, whatever app it is in.

What points where is read from the models, so that an app that comes later needs no change here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError
from django.db.models import ManyToOneRel, Model, UniqueConstraint


@dataclass(slots=True)
class Joined:
    """What `rows_join` did, as JSON: rows that are gone, and rows that were moved."""

    removed: list[str] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)


class _Exact(DjangoJSONEncoder):
    """Keeps the microseconds that Django's encoder cuts off."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def pointers(model: type[Model]) -> list[tuple[type[Model], str]]:
    """Return model and field of every foreign key to a model, in whatever app."""
    return [
        (relation.related_model, relation.field.name)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToOneRel) and isinstance(relation.related_model, type)
    ]


def rows_join(loser: Model, winner: Model, joined: Joined) -> None:
    """Move all that points to `loser` over to `winner`, and delete `loser`.

    Where the winner has a row of its own that would then be there twice (an enrolment in the same
    campaign), the two are joined in the same way.

    Raises:
        IntegrityError: a row of the loser is in a state of which each lead may have only one, such
            as a call that is going on.
    """
    row = serializers.serialize("python", [loser])
    joined.removed.append(json.dumps(row, cls=_Exact))
    for model, name in pointers(type(loser)):
        rows = model._base_manager.filter(**{name: loser})
        _refuse_exclusive(model, name, rows)
        for own, other in _twins(model, name, rows, winner):
            rows_join(own, other, joined)
        ids = list(rows.values_list("pk", flat=True))
        if ids:
            joined.moved.append(
                {
                    "model": model._meta.label,
                    "field": name,
                    "ids": [str(pk) for pk in ids],
                    "from": str(loser.pk),
                    "to": str(winner.pk),
                }
            )
            rows.update(**{name: winner})
    type(loser)._base_manager.filter(pk=loser.pk).delete()


def rows_part(removed: list[str], moved: list[dict[str, Any]]) -> None:
    """Undo `rows_join`: rows that are still where they were moved to go back.

    Raises:
        IntegrityError: a removed row cannot come back, as its number is taken.
    """
    for text in removed:
        for row in serializers.deserialize("python", json.loads(text)):
            model = type(row.object)
            if model._base_manager.filter(pk=row.object.pk).exists():
                raise IntegrityError
            row.save(force_insert=True)
    for move in reversed(moved):
        model = apps.get_model(move["model"])
        rows = model._base_manager.filter(**{"pk__in": move["ids"], move["field"]: move["to"]})
        rows.update(**{move["field"]: move["from"]})


def _uniques(model: type[Model], name: str) -> list[UniqueConstraint]:
    return [
        constraint
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint) and name in constraint.fields
    ]


def _refuse_exclusive(model: type[Model], name: str, rows: Any) -> None:
    for constraint in _uniques(model, name):
        if constraint.condition is not None and rows.filter(constraint.condition).exists():
            raise IntegrityError(f"{model._meta.label}: {constraint.name}")


def _twins(model: type[Model], name: str, rows: Any, winner: Model) -> list[tuple[Model, Model]]:
    pairs = []
    for constraint in _uniques(model, name):
        if constraint.condition is not None:
            continue
        others = [field for field in constraint.fields if field != name]
        for own in rows:
            same = {field: getattr(own, field) for field in others}
            other = model._base_manager.filter(**{name: winner}, **same).first()
            if other is not None:
                pairs.append((own, other))
    return pairs
