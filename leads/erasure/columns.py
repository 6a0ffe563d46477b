"""Every text that the database and the files hold: searched, and where need be rewritten.

Read from the models themselves, so that a table that comes later is searched without a change here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db.models import (
    CharField,
    Field,
    FileField,
    JSONField,
    Model,
    Q,
    TextField,
)
from django.db.models.functions import Cast

from leads.import_files import FileRefused, FileShape, rows_of

ERASED: Final = "[erased]"
# A number that nobody may call has to be known to be obeyed. Staff are not leads: their own names
# and addresses stay. Text of the database's own bookkeeping holds nobody.
KEPT: Final[dict[str, frozenset[str] | None]] = {
    "leads.donotcall": frozenset({"phone"}),
    "auth.user": None,
    "auth.group": None,
    "auth.permission": None,
    "contenttypes.contenttype": None,
    "sessions.session": None,
    "calls.repline": None,
    "leads.googleaccount": None,
}
# Lists of numbers on their way in are deleted when they are read, within minutes.
_PASSING: Final = frozenset({"number-lists"})
_BLOCK: Final = 1 << 20


def text_columns() -> Iterator[tuple[type[Model], list[Field[Any, Any]]]]:
    """Yield every model with its columns that hold text."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        kept = KEPT.get(model._meta.label_lower, frozenset())
        if kept is None:
            continue
        fields: list[Field[Any, Any]] = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, CharField | TextField | JSONField | FileField)
            and not field.choices
            and field.name not in kept
        ]
        if fields:
            yield model, fields


def rows_with(model: type[Model], fields: Sequence[Field[Any, Any]], terms: Sequence[str]) -> Any:
    """Return the rows of a model that have one of the terms in one of the columns."""
    texts = {f"text_of_{field.name}": Cast(field.name, TextField()) for field in fields}
    found = Q()
    for name in texts:
        for term in terms:
            found |= Q(**{f"{name}__icontains": term})
            escaped = json.dumps(term)[1:-1]
            if escaped != term:
                found |= Q(**{f"{name}__icontains": escaped})
    return model._base_manager.order_by().annotate(**texts).filter(found)


def scrubbed(value: Any, terms: Sequence[str]) -> Any:
    """Return a text, or everything in a JSON value, with the terms blotted out."""
    if isinstance(value, str):
        for term in terms:
            value = re.sub(re.escape(term), ERASED, value, flags=re.IGNORECASE)
        return value
    if isinstance(value, list):
        return [scrubbed(item, terms) for item in value]
    if isinstance(value, dict):
        return {scrubbed(key, terms): scrubbed(item, terms) for key, item in value.items()}
    return value


def files_with(terms: Sequence[str]) -> Iterator[Path]:
    """Yield the kept files that have one of the terms in them, or in their names."""
    root = Path(settings.MEDIA_ROOT)
    wanted = [term.lower() for term in terms]
    if not wanted or not root.is_dir():
        return
    for path in sorted(root.rglob("*")):
        if path.parent.name in _PASSING:
            continue
        if path.is_file() and (
            any(term in path.name.lower() for term in wanted) or _has(path, wanted)
        ):
            yield path


def _has(path: Path, terms: Sequence[str]) -> bool:
    if path.suffix == ".xlsx":
        try:
            rows = rows_of(path, FileShape("workbook"))
            return any(term in cell.lower() for row in rows for cell in row for term in terms)
        except FileRefused:
            return False
    needles = {
        term.encode(encoding, "ignore")
        for term in terms
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
    }
    overlap = max(map(len, needles))
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            text = (before + block).lower()
            if any(needle in text for needle in needles if needle):
                return True
            before = block[-overlap:]
    return False
