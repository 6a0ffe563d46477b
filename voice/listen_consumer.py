"""The supervisor's WebSocket: the sound of a live call, 8 kHz µ-law in binary messages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth.models import AbstractBaseUser, User
from django.utils import timezone

from calls.models import Call
from calls.services.listening import LISTEN_FOR, listen_in, listeners_of
from leads.access import seen_by
from voice.clerk import in_database

logger = structlog.get_logger(__name__)

FORBIDDEN, NOT_LIVE = 4003, 4004


class ListenConsumer(AsyncWebsocketConsumer):
    """Lets in who may listen, and passes on what the call's process sends."""

    async def connect(self) -> None:
        """Check the person and the call, then join the listeners."""
        await self.accept()
        self._renewal: asyncio.Task[None] | None = None
        self._call_id: UUID = self.scope["url_route"]["kwargs"]["call"]
        self._group = listeners_of(self._call_id)
        user = self.scope.get("user")
        if not await in_database(_may_listen, user=user, call_id=self._call_id):
            await self.close(code=FORBIDDEN)
            return
        layer = get_channel_layer()
        if layer is not None:
            await layer.group_add(self._group, self.channel_name)
        if not await in_database(listen_in, call_id=self._call_id, actor=user, now=timezone.now()):
            await self.close(code=NOT_LIVE)
            return
        self._renewal = asyncio.create_task(self._renew(user))

    async def listen_sound(self, message: dict[str, Any]) -> None:
        """Pass a piece of sound on."""
        await self.send(bytes_data=message["ulaw"])

    async def disconnect(self, code: int) -> None:
        """Leave the listeners."""
        if self._renewal is not None:
            self._renewal.cancel()
        layer = get_channel_layer()
        if layer is not None:
            with contextlib.suppress(Exception):  # it forgets members who do not leave
                await layer.group_discard(self._group, self.channel_name)

    async def _renew(self, user: Any) -> None:
        while True:
            await asyncio.sleep(LISTEN_FOR.total_seconds() * 0.9)
            if not await in_database(
                listen_in, call_id=self._call_id, actor=user, now=timezone.now()
            ):
                await self.close(code=NOT_LIVE)
                return


def _may_listen(user: AbstractBaseUser | None, call_id: UUID) -> bool:
    """Whether somebody may hear calls, and this lead is one that they may see."""
    return (
        isinstance(user, User)
        and user.is_active
        and user.is_staff
        and user.has_perm("calls.listen_in")
        and seen_by(Call.objects.filter(pk=call_id), user).exists()
    )
