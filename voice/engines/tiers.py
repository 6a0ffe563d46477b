"""The two tiers of speech of a call, and the switch between them.

The premium tier is the paid voice with the local ones behind it; the local tier is the local ones.
Whoever watches the money or the lead's score says `choose`; the change is heard from the agent's
next turn on, never in the middle of one, and a failed premium voice is not chosen again.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import structlog
from django.utils import timezone

from voice.engines.failover import FailoverSynthesizer, VoiceFailure
from voice.engines.interface import SpeechSynthesizer

log = structlog.get_logger(__name__)

Tier = Literal["local", "premium"]


@dataclass(frozen=True, slots=True)
class TierChange:
    """A call speaks with another tier from now on.

    Attributes:
        tier: The tier from now on.
        before: The tier until now.
        reason: Why, for the call's timeline: what was given to `choose`, or what failed.
        at: When.
    """

    tier: Tier
    before: Tier
    reason: str
    at: datetime


class TierSwitch(Protocol):
    """What billing and scoring see of a call's voice."""

    @property
    def tier(self) -> Tier:
        """The tier that speaks."""
        ...

    def choose(self, tier: Tier, *, reason: str) -> bool:
        """Speak with a tier from the agent's next turn on.

        Returns:
            Whether it will: premium is refused once it has failed, or where there is none.
        """
        ...


class VoiceTiers:
    """A call's voice, as a `SpeechSynthesizer` and a `TierSwitch`.

    Args:
        premium: The paid voice; None where there is none, and every call is local.
        local: The local voices, in order of preference.
        tier: The tier to begin with; any word but "premium" is local.
        on_change: Told of every change, the one at the start included if premium is not there.
        saved: Where the cache counts what it spares, by engine.
    """

    def __init__(
        self,
        *,
        premium: SpeechSynthesizer | None,
        local: Sequence[SpeechSynthesizer],
        tier: str,
        on_change: Callable[[TierChange], None] | None = None,
        saved: Mapping[str, int] | None = None,
    ) -> None:
        self._on_change = on_change
        self.characters_saved: Mapping[str, int] = saved if saved is not None else {}
        """Characters that the cache has spared each engine in this call."""
        self._premium_name = premium.name if premium is not None else ""
        self._voices: dict[Tier, FailoverSynthesizer] = {"local": FailoverSynthesizer(local)}
        if premium is not None:
            self._voices["premium"] = FailoverSynthesizer(
                [premium, *local], on_failure=self._has_failed
            )
        self._tier: Tier = "local"
        self._wish: tuple[Tier, str] | None = None
        self._failure = "" if premium is not None else "no premium voice is set up"
        if tier == "premium" and premium is not None:
            self._tier = "premium"
        elif tier == "premium":
            self._report("premium", self._failure)

    @property
    def tier(self) -> Tier:
        """The tier that speaks."""
        return self._tier

    @property
    def name(self) -> str:
        """The name of the engine that speaks next."""
        return self._voice.name

    @property
    def voice_key(self) -> str:
        """The key of the voice that speaks next."""
        return self._voice.voice_key

    def choose(self, tier: Tier, *, reason: str) -> bool:
        """Speak with a tier from the agent's next turn on. See `TierSwitch.choose`."""
        if tier == "premium" and self._failure:
            log.info("tts_tier_refused", tier=tier, reason=self._failure)
            return False
        self._wish = None if tier == self._tier else (tier, reason)
        return True

    def turn_begins(self) -> None:
        """Let a choice take effect: call it before the first words of every turn of the agent."""
        if self._wish is None:
            return
        (tier, reason), self._wish = self._wish, None
        if tier != self._tier and not (tier == "premium" and self._failure):
            before, self._tier = self._tier, tier
            self._report(before, reason)

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech in the tier's voice. See `FailoverSynthesizer.stream`."""
        async with contextlib.aclosing(self._voice.stream(text, sample_rate)) as speech:
            async for audio in speech:
                yield audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])

    @property
    def _voice(self) -> FailoverSynthesizer:
        return self._voices[self._tier]

    def _has_failed(self, failure: VoiceFailure) -> None:
        if failure.voice != self._premium_name or self._failure:
            return
        self._failure = f"the premium voice failed: {failure.reason}"
        self._wish = None
        if self._tier == "premium":
            self._tier = "local"
            self._report("premium", self._failure)

    def _report(self, before: Tier, reason: str) -> None:
        log.info("tts_tier_changed", tier=self._tier, before=before, reason=reason)
        if self._on_change is not None:
            change = TierChange(self._tier, before, reason, timezone.now())
            self._on_change(change)
