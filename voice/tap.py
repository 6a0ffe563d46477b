"""Let a supervisor hear a live call: its sound, a little late, into a group of the channel layer.

Nothing of it is in the call's own path: while nobody listens a frame costs one comparison, and a
layer that is slow or gone loses the listener sound and the call nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from channels.layers import get_channel_layer
from django.utils import timezone

from calls.services.listening import listeners_of
from voice.audio import mulaw_encode
from voice.clock import StreamClock
from voice.tracks import Tracks

logger = structlog.get_logger(__name__)

SEND_EVERY_S = 0.2
SEND_WITHIN_S = 1.0


class Tap:
    """One call's sound for those who listen in."""

    def __init__(self, call_id: UUID, clock: StreamClock) -> None:
        self._call_id = call_id
        self._clock = clock
        self._tracks = Tracks()
        self._until: datetime | None = None
        self._opened = asyncio.Event()

    def open(self, data: Mapping[str, Any]) -> None:
        """Let somebody listen until the moment in a `listen` notice."""
        until = datetime.fromisoformat(str(data["until"]))
        if until > timezone.now() and (self._until is None or until > self._until):
            if self._until is None:
                self._tracks = Tracks()
                self._tracks.take(self._clock.now_ms())
            self._until = until
            self._opened.set()

    def lead(self, at_ms: float, ulaw: bytes) -> None:
        """Take the lead's sound."""
        if self._until is not None:
            self._tracks.lead(at_ms, ulaw)

    def agent(self, at_ms: float, ulaw: bytes) -> None:
        """Take the agent's sound."""
        if self._until is not None:
            self._tracks.agent(at_ms, ulaw)

    def cut(self, at_ms: float) -> None:
        """Take back the agent's sound from a moment on."""
        self._tracks.cut(at_ms)

    async def run(self) -> None:
        """Send what has settled while somebody listens, until cancelled."""
        while True:
            await self._opened.wait()
            await asyncio.sleep(SEND_EVERY_S)
            if self._until is None or timezone.now() >= self._until:
                self._until = None
                self._opened.clear()
                continue
            both = self._tracks.take(self._tracks.settled_ms(self._clock.now_ms()))
            if len(both):
                mixed = np.clip(both.sum(axis=1, dtype=np.int32), -32768, 32767)
                await self._send(mulaw_encode(mixed.astype("<i2").tobytes()))

    async def _send(self, ulaw: bytes) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        message = {"type": "listen.sound", "ulaw": ulaw}
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                await layer.group_send(listeners_of(self._call_id), message)
        except Exception as error:
            logger.warning("listener_lost_sound", error=type(error).__name__)
