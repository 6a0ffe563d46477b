"""WebSocket addresses of playbooks."""

from __future__ import annotations

from typing import Any, cast

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import URLPattern, path

from agents.consumers import TryItConsumer


def for_people(consumer: Any) -> Any:
    """Return an application for people who are logged in, on pages of ours."""
    return AllowedHostsOriginValidator(AuthMiddlewareStack(consumer))


websocket_urlpatterns: list[URLPattern] = [
    # Django's types know of HTTP views only.
    path(
        "ws/playground/<uuid:playbook_id>/text/",
        cast("Any", for_people(TryItConsumer.as_asgi())),
    ),
]
