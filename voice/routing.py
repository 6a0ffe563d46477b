"""WebSocket addresses of the voice process."""

from __future__ import annotations

from django.urls import URLPattern, path

from voice.consumers import TwilioMediaConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/twilio/media/", TwilioMediaConsumer.as_asgi()),
]
