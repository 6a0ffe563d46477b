"""Every WebSocket address of the product."""

from __future__ import annotations

from typing import Any

from agents import routing as agents
from voice import routing as voice

# Any: channels' stubs want routes whose callbacks are ASGI applications, which Django's `path`
# cannot say.
websocket_urlpatterns: list[Any] = [*voice.websocket_urlpatterns, *agents.websocket_urlpatterns]
