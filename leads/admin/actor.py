"""Who is at the desk."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest


def actor_of(request: HttpRequest) -> User | None:
    """Return the user who sent a request."""
    return request.user if isinstance(request.user, User) else None
