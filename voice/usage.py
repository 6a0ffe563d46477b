"""What a call has used of the speech engines, put on its bill while it runs."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from calls.services.metering import usage_record
from voice.clerk import Clerk
from voice.reply import Reply


class Usage:
    """Counts characters synthesised and sound recognised, and has them charged turn by turn.

    What was synthesised and never heard, because the lead went on speaking, was paid for too: it
    is charged under a key of its own, so that the bill shows it apart.
    """

    def __init__(self, call_id: UUID, clerk: Clerk) -> None:
        self._call_id = call_id
        self._clerk = clerk
        self._made: list[Reply] = []
        self._heard_ms = 0
        self._turns = 0

    def made(self, reply: Reply) -> None:
        """Count a reply that is being made."""
        self._made.append(reply)

    def recognised(self, audio_ms: int) -> None:
        """Count sound that was recognised."""
        self._heard_ms += audio_ms

    def charge(self, spoken: Reply | None = None, *, all_over: bool = False) -> None:
        """Charge a reply that was heard, and what was used since the last one.

        With `all_over` nothing that was made will be heard any more.
        """
        unheard, left = 0, []
        for reply in self._made:
            if reply is spoken:
                continue
            if all_over or reply.dropped or reply.speech.over.is_set():
                unheard += reply.characters
            else:
                left.append(reply)
        self._made = left
        self._turns += 1
        tts, stt = settings.ENV.tts_engine, settings.ENV.stt_engine
        characters = 0 if spoken is None else spoken.characters
        self._record("tts", tts, Decimal(characters) / 1000)
        self._record("tts", tts, Decimal(unheard) / 1000, key="tts-unheard")
        self._record("stt", stt, Decimal(self._heard_ms) / 1000)
        self._heard_ms = 0

    def _record(self, component: str, provider: str, quantity: Decimal, *, key: str = "") -> None:
        if quantity:
            self._clerk.note(
                usage_record,
                call_id=self._call_id,
                component=component,
                provider=provider,
                quantity=quantity,
                key=f"{key or component}:{self._turns}",
                now=timezone.now(),
            )
