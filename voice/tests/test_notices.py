"""News reaches a live call through the channel layer, and no failure of the layer ends a call."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer

from calls.services.notices import group_of
from voice import notices


class Session:
    """What the call's session keeps of the news."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, item: Any) -> None:
        self.news.put_nowait(item)


async def _forwarding(session: Session, call_id: Any) -> asyncio.Task[None]:
    task = asyncio.create_task(notices.notices_forward(session, call_id))  # type: ignore[arg-type]
    await asyncio.sleep(0.2)
    return task


async def test_a_notice_reaches_the_call() -> None:
    session, call_id = Session(), uuid4()
    task = await _forwarding(session, call_id)
    message = {"type": "call.notice", "id": "n-1", "kind": "machine", "data": {"beep": True}}
    await get_channel_layer().group_send(group_of(call_id), message)
    notice = await asyncio.wait_for(session.news.get(), 5)
    task.cancel()
    assert (notice.id, notice.kind, dict(notice.data)) == ("n-1", "machine", {"beep": True})


async def test_a_layer_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = get_channel_layer()
    failures = 2

    class Flaky:
        async def new_channel(self) -> str:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise ConnectionError("Redis is gone")
            return str(await layer.new_channel())

        def __getattr__(self, name: str) -> Any:
            return getattr(layer, name)

    monkeypatch.setattr(notices, "get_channel_layer", Flaky)
    monkeypatch.setattr(notices, "RETRY_S", 0.01)
    session, call_id = Session(), uuid4()
    task = await _forwarding(session, call_id)
    message = {"type": "call.notice", "id": "n-2", "kind": "kill", "data": {}}
    await layer.group_send(group_of(call_id), message)
    notice = await asyncio.wait_for(session.news.get(), 5)
    task.cancel()
    assert notice.kind == "kill"
