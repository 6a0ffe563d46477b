"""What keeps an eye on a live call beside its talk: its heart, its money, news of it, its time."""

from __future__ import annotations

import asyncio
import contextlib

from django.utils import timezone

from calls.services.metering import Meter, call_meter
from calls.services.streams import LiveCall
from voice.clerk import Clerk
from voice.dialogue import Dialogue
from voice.engines.tiers import TierSwitch
from voice.session import Notice

METER_EVERY_S = 5.0
METER_FIRST_S = 1.0
"""When a call begins its record and its first words come first."""
MINUTE_S = 60.0
WRAP_UP_BEFORE_S = 20.0
"""How long before the carrier's limit the agent says goodbye."""


class CallWatch:
    """Tells a call's dialogue and voice what they cannot know. Its coroutines run until cancelled.

    Args:
        live: the call.
        clerk: asks the database.
        dialogue: told of news, of the end of money or time, and that the call is over.
        voice: told which tier the money allows.
    """

    def __init__(
        self, live: LiveCall, *, clerk: Clerk, dialogue: Dialogue, voice: TierSwitch
    ) -> None:
        self._live = live
        self._clerk = clerk
        self._dialogue = dialogue
        self._voice = voice

    async def meter(self) -> None:
        """Beat the heart, count the money, and look for news."""
        await asyncio.sleep(METER_FIRST_S)
        while True:
            with contextlib.suppress(Exception):  # logged by the clerk; the next beat tries again
                self._take(
                    await self._clerk.ask(
                        call_meter, call_id=self._live.call_id, now=timezone.now()
                    )
                )
            await asyncio.sleep(METER_EVERY_S)

    def _take(self, meter: Meter) -> None:
        for notice in meter.notices:
            self._dialogue.notice(Notice(str(notice.id), notice.kind, notice.data))
        if not meter.active:
            self._dialogue.end("call_over")
            return
        self._voice.choose(meter.tier, reason=meter.tier_reason)
        if meter.pressure == "hard":
            self._dialogue.wrap_up("budget")

    async def time(self) -> None:
        """Say goodbye when the playbook's minutes are over or before the carrier cuts the call,
        and hang up if that takes too long."""
        most_s = self._live.max_seconds
        own_s = self._live.brief.script.limits.minutes * MINUTE_S
        await asyncio.sleep(min(own_s, max(most_s - WRAP_UP_BEFORE_S, most_s / 2)))
        self._dialogue.wrap_up("time")
        await asyncio.sleep(WRAP_UP_BEFORE_S)
        self._dialogue.end("time_limit")
