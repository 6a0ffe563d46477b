"""Who works here."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models import QuerySet


def staff() -> QuerySet[User]:
    """Return the people who can be given leads, tasks and appointments, by name."""
    rows: QuerySet[User] = get_user_model().objects.filter(is_active=True, is_staff=True)
    return rows.order_by("first_name", "last_name", "username")
