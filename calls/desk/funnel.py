"""The steps from a dialled number to an appointment, defined once for figures and filters."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from calls.models import Call, Outcome, Turn

ANSWERED = Q(answered_at__isnull=False) & ~Q(outcome=Outcome.VOICEMAIL)
STEPS: dict[str, tuple[str, Q]] = {
    "dialled": ("Dialled", Q(dialed_at__isnull=False)),
    "answered": ("Answered by a person", ANSWERED),
    "conversation": ("Conversations", ANSWERED & Q(lead_spoke=True)),
    "qualified": (
        "Qualified",
        Q(outcome__in=(Outcome.QUALIFIED, Outcome.APPOINTMENT, Outcome.TRANSFERRED)),
    ),
    "appointment": ("Appointments", Q(outcome=Outcome.APPOINTMENT)),
}


def with_lead_spoke(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Annotate whether the lead said a word, which makes an answered call a conversation."""
    words = Turn.objects.filter(call=OuterRef("pk"), speaker=Turn.Speaker.LEAD)
    return calls.annotate(lead_spoke=Exists(words))
