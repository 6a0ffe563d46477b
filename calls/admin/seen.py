"""The one way from an address to a call: it must be there, and be the viewer's to see."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest

from calls.models import Call
from leads.access import seen_by


def call_seen(request: HttpRequest, call_id: UUID | str) -> Call:
    """Return a call that the viewer may see.

    Raises:
        Http404: there is none; whether it is somebody else's is not told.
    """
    call = seen_by(Call.objects.select_related("lead"), request.user).filter(pk=call_id).first()
    if call is None:
        raise Http404("There is no such call.")
    return call
