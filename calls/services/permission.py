"""Permission that was withdrawn while a call was on its way: it must not reach anybody.

Whoever withdraws it, and by whatever route, needs to know nothing of calls: the rows are asked.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef

from calls.models import Call
from leads.models import Consent, DoNotCall

ON_ITS_WAY = (
    Call.State.CREATED,
    Call.State.DIALING,
    Call.State.UNCONFIRMED,
    Call.State.RINGING,
)
"""States in which nobody has picked up. Who speaks with us is told goodbye by the agent."""


def calls_without_permission(call_id: UUID | str | None = None) -> set[UUID]:
    """Return the outgoing calls on their way whose number was barred, or consent withdrawn, since.

    The gate has seen a valid consent for each of them.

    Args:
        call_id: ask for this call only.
    """
    barred = DoNotCall.objects.filter(phone=OuterRef("to_number"))
    consents = Consent.objects.filter(
        lead=OuterRef("lead"), phone=OuterRef("to_number"), kind=Consent.Kind.EXPRESS_WRITTEN
    )
    withdrawn = Exists(consents.filter(revoked_at__isnull=False)) & ~Exists(
        consents.filter(revoked_at__isnull=True)
    )
    calls = Call.objects.filter(state__in=ON_ITS_WAY, direction=Call.Direction.OUTBOUND)
    if call_id is not None:
        calls = calls.filter(pk=call_id)
    return set(calls.filter(Exists(barred) | withdrawn).order_by().values_list("pk", flat=True))
