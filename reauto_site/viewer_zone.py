"""Show times in the zone of whoever looks at them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

COOKIE = "viewer_zone"
_ZONES = frozenset(zoneinfo.available_timezones())


class ViewerZoneMiddleware:
    """Activate the time zone that the browser named in its cookie, else the server's.

    The cookie is written by static/reauto/viewer-zone.js; a name that is no zone is ignored.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(COOKIE, "")
        if name not in _ZONES:
            return self._get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self._get_response(request)
