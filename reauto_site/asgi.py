"""The ASGI entry point: pages, API and webhooks over HTTP; media streams over WebSockets."""

from __future__ import annotations

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from reauto_site import choose_settings
from reauto_site.runtime import interpreter_settle, threads_cap

choose_settings()
threads_cap()
_http = get_asgi_application()

from django.urls import get_resolver  # noqa: E402 - needs Django set up

from agents.conversation import preload as preload_agents  # noqa: E402
from reauto_site.draining import drain_on_sigterm  # noqa: E402
from reauto_site.routing import websocket_urlpatterns  # noqa: E402
from voice.capacity import capacity_report_start  # noqa: E402
from voice.preload import preload as preload_voice  # noqa: E402

# Before the port is open: nothing is loaded while somebody waits on the line.
preload_voice()
preload_agents()
_ = get_resolver().url_patterns  # with every view behind them
drain_on_sigterm()
capacity_report_start()

application = ProtocolTypeRouter({"http": _http, "websocket": URLRouter(websocket_urlpatterns)})
interpreter_settle()
