"""News for a live call from elsewhere in the product, as soon as the channel layer brings it.

The layer is a hint: the meter reads the same notices from the database every few seconds. So a
Redis that is gone delays news and ends no call. Channels' own way of listening would: a consumer
whose layer fails is ended, and the call with it.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer

from calls.services.notices import group_of
from voice.session import MediaSession, Notice

logger = structlog.get_logger(__name__)

RETRY_S = 5.0
JOIN_WITHIN_S = 2.0


async def notices_forward(session: MediaSession, call_id: UUID) -> None:
    """Hand every notice of the call to its session. Runs until it is cancelled."""
    layer = get_channel_layer()
    while layer is not None:
        try:
            await _forward(layer, session, group_of(call_id))
        except Exception as error:
            logger.warning("call_notices_delayed", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)


async def _forward(layer: Any, session: MediaSession, group: str) -> None:
    async with asyncio.timeout(JOIN_WITHIN_S):
        channel = await layer.new_channel()
        await layer.group_add(group, channel)
    try:
        while True:
            message = await layer.receive(channel)
            session.put(Notice(message["id"], message["kind"], message.get("data", {})))
    finally:
        async with asyncio.timeout(JOIN_WITHIN_S):
            await layer.group_discard(group, channel)
