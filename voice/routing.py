"""WebSocket addresses of the voice process."""

from __future__ import annotations

from typing import Any, cast

from django.urls import URLPattern, path

from agents.routing import for_people
from voice.consumers import TwilioMediaConsumer
from voice.listen_consumer import ListenConsumer
from voice.playground import PlaygroundConsumer

websocket_urlpatterns: list[URLPattern] = [
    # Django's types know of HTTP views only.
    path("ws/twilio/media/", cast("Any", TwilioMediaConsumer.as_asgi())),
    path(
        "ws/playground/<uuid:playbook_id>/",
        cast("Any", for_people(PlaygroundConsumer.as_asgi())),
    ),
    path("ws/calls/<uuid:call>/listen/", cast("Any", for_people(ListenConsumer.as_asgi()))),
]
