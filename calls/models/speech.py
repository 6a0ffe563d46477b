"""What a call's voice was paid for, added up, so that many calls can be priced again at once."""

from __future__ import annotations

from django.db import models


class CallSpeech(models.Model):
    """The agent's words on one call as numbers. Only a sum: it can be thrown away and made again.

    Made once a call is settled and nothing is written to it any more. Read it by
    `calls.desk.past_calls.tier_what_ifs`, which adds the calls that have none yet.
    """

    call = models.OneToOneField(
        "calls.Call", primary_key=True, on_delete=models.CASCADE, related_name="speech"
    )
    said = models.JSONField(
        help_text="Pairs: highest score known by then (-1: none), characters the agent said."
    )
    voice = models.DecimalField(
        max_digits=12, decimal_places=6, help_text="USD charged for the agent's voice."
    )
    sent = models.DecimalField(
        max_digits=14, decimal_places=6, help_text="Thousands of characters the premium voice read."
    )
    heard = models.PositiveIntegerField(help_text="Characters heard in the premium voice.")

    class Meta:
        verbose_name = "words of a call"
        verbose_name_plural = "words of calls"

    def __str__(self) -> str:
        return f"{self.call_id}"
