"""WebSocket addresses of the voice process."""

from __future__ import annotations

from typing import Any, cast

from django.urls import URLPattern, path

from voice.consumers import TwilioMediaConsumer

websocket_urlpatterns: list[URLPattern] = [
    # Django's types know of HTTP views only.
    path("ws/twilio/media/", cast("Any", TwilioMediaConsumer.as_asgi())),
]
