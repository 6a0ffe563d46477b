"""Make a campaign's fixed lines before its first call."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agents.selectors import playbook_script, playbook_version_current
from billing.selectors import PriceUnknown
from billing.services import charge_record
from calls.models import Campaign
from voice.call_voice import cached_voice, local_names, premium_name
from voice.engines.cached import CachedSynthesizer
from voice.engines.delivery import SpeechUsage
from voice.engines.interface import EngineError
from voice.fixed_lines import fixed_phrases
from voice.speech_preparing import Preparation, prepare


class Command(BaseCommand):
    """Synthesise what the campaign's playbook says on every call, in the voices of its tier.

    Running it again makes only what is missing. What a paid voice charges is written to the
    ledger, on the campaign.
    """

    help = "Prepare a campaign's speech: its fixed lines, in the voices that its calls use."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the campaign."""
        parser.add_argument("campaign", help="the campaign's id or name")
        parser.add_argument(
            "--seconds", type=float, default=math.inf, help="how long to work (default: to the end)"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        """Prepare, voice by voice; return what is left to do, "" for nothing."""
        campaign = _campaign(options["campaign"])
        version = playbook_version_current(campaign.playbook_id)
        if version is None:
            raise CommandError(f"The playbook {campaign.playbook.name} has no version: publish it.")
        phrases = fixed_phrases(playbook_script(version), campaign.business_name)
        names = [local_names()[0]]
        if campaign.voice_tier != Campaign.VoiceTier.LOCAL:
            if premium_name():
                names.append(premium_name())
            else:
                self.stderr.write("No premium voice is set up (ELEVENLABS_API_KEYS): local only.")
        until = time.monotonic() + options["seconds"]
        left = 0
        for name in names:
            left += self._prepare(campaign, name, phrases, until - time.monotonic())
        return f"{left} phrases are left: run this again." if left else ""

    def _prepare(
        self, campaign: Campaign, name: str, phrases: frozenset[str], within_s: float
    ) -> int:
        bill: list[SpeechUsage] = []
        try:
            voice = cached_voice(name, fixed=phrases, on_usage=bill.append)
            done = asyncio.run(self._make(name, phrases, voice, within_s))
        except EngineError as error:
            raise CommandError(f"{name}: {error}. Run this again to go on from here.") from error
        finally:
            self._charge(campaign, bill)
        self.stdout.write(
            f"{name}: {done.total} phrases, {done.made} made ({done.characters} characters), "
            f"{done.kept} were there."
        )
        return done.left

    async def _make(
        self, name: str, phrases: frozenset[str], voice: CachedSynthesizer, within_s: float
    ) -> Preparation:
        async with contextlib.aclosing(voice):
            return await prepare(
                phrases, voice, lambda state: self._show(name, state), within_s=within_s
            )

    def _show(self, name: str, state: Preparation) -> None:
        told = f"{name}: {state.done}/{state.total}"
        if self.stdout.isatty():
            self.stdout.write(told, ending="\r")
            self.stdout.flush()
        elif state.done % 20 == 0:
            self.stdout.write(told)

    def _charge(self, campaign: Campaign, bill: list[SpeechUsage]) -> None:
        for usage in bill:
            try:
                charge_record(
                    key=f"{campaign.pk}:{usage.key}",
                    call_id=None,
                    campaign_id=campaign.pk,
                    component="tts",
                    provider=usage.provider,
                    model=usage.model,
                    quantity=Decimal(usage.characters) / 1000,
                    at=timezone.now(),
                )
            except PriceUnknown as error:
                self.stderr.write(f"Not in the ledger: {error}")


def _campaign(named: str) -> Campaign:
    campaigns = Campaign.objects.select_related("playbook")
    try:
        return campaigns.get(pk=UUID(named))
    except (ValueError, Campaign.DoesNotExist):
        found = campaigns.filter(name=named).first()
    if found is None:
        raise CommandError(f"There is no campaign {named!r}: give its id or its exact name.")
    return found
