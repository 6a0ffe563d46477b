"""Views of the list of leads are kept and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from leads.models import SavedView


def view_save(
    *,
    view_id: UUID | None,
    owner: User,
    name: str,
    shared: bool,
    query: str,
    columns: Sequence[str],
) -> SavedView:
    """Keep a view, or change one of the owner's.

    Raises:
        ValidationError: the owner has another view of that name, or it has none.
    """
    name = name.strip()
    if not name:
        raise ValidationError("Give the view a name.")
    view = SavedView.objects.get(pk=view_id, owner=owner) if view_id else SavedView(owner=owner)
    view.name, view.shared, view.query, view.columns = name[:60], shared, query, list(columns)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise ValidationError(f"You have a view “{name}” already: choose another name.") from None
    return view


def view_delete(*, view_id: UUID) -> None:
    """Forget a view."""
    SavedView.objects.filter(pk=view_id).delete()
