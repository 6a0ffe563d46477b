"""What rings at somebody's desk now, with what is known of the lead."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from calls.models import Transfer, TransferLeg
from calls.services.transfer_legs import summary_of


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call that waits to be taken."""

    transfer_id: UUID
    call_id: UUID
    lead: str
    kind: str
    score: int | None
    reason: str
    summary: str
    takeover: bool


def ringing_for(user_id: int) -> Ringing | None:
    """Return the call that rings for somebody, or that they have just taken."""
    leg = (
        TransferLeg.objects.filter(
            rep_id=user_id, transfer__state__in=Transfer.OPEN_STATES, listens=False
        )
        .exclude(state=TransferLeg.State.OVER)
        .select_related("transfer__call__lead", "transfer__call__playbook_version")
        .order_by("-transfer__created_at")
        .first()
    )
    if leg is None:
        return None
    transfer = leg.transfer
    call = transfer.call
    return Ringing(
        transfer_id=transfer.pk,
        call_id=call.pk,
        lead=str(call.lead),
        kind=call.lead.get_kind_display(),
        score=call.lead.score,
        reason=transfer.reason,
        summary=summary_of(call),
        takeover=transfer.kind == Transfer.Kind.TAKEOVER,
    )
