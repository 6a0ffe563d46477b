"""Every WebSocket address of the product."""

from __future__ import annotations

from voice.routing import websocket_urlpatterns

__all__ = ["websocket_urlpatterns"]
