"""What tests of the language model share: the stand-in at full speed, and a service for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from agents.llm import link
from agents.llm.prompt import Prompt
from agents.llm.service import ModelService
from agents.llm.settings import ModelSettings
from agents.model import ModelUse
from agents.standin.behaviour import Behaviour
from agents.standin.server import OllamaStandIn

FAST = Behaviour(first_token_ms=0, tokens_per_second=5000)
PREFIX = "You are Ava.\n- We have sold homes here for twenty years."
SETTINGS = ModelSettings(first_token_s=1.0, deadline_s=2.0, reading_s=2.0, stall_s=1.0)


def fast_standin(**changes: Any) -> OllamaStandIn:
    """Return a stand-in that is not running yet."""
    return OllamaStandIn(Behaviour.model_validate({**FAST.model_dump(), **changes}))


@asynccontextmanager
async def served(*hosts: OllamaStandIn, **changes: Any) -> AsyncIterator[ModelService]:
    """Run stand-ins and a service that asks them in that order."""
    link._circuits.clear()  # ports come again
    async with AsyncExitStack() as stack:
        for host in hosts:
            await stack.enter_async_context(host.running())
        urls = tuple(host.url for host in hosts)
        settings = replace(SETTINGS, **{"hosts": urls, **changes})
        yield await stack.enter_async_context(ModelService(settings))


def prompt(task: str = "How long have you sold homes?", **changes: Any) -> Prompt:
    """Return a request."""
    return Prompt(**{"prefix": PREFIX, "task": task, "version": "test-1", **changes})


class Asking:
    """Asks a service, and keeps what was used."""

    def __init__(self, service: ModelService) -> None:
        self.service = service
        self.uses: list[ModelUse] = []

    async def words(self, owner: str = "call", within_s: float = 2.0, **changes: Any) -> str:
        """Return all of an answer."""
        return "".join([token async for token in self.tokens(owner, within_s, **changes)])

    def tokens(self, owner: str = "call", within_s: float = 2.0, **changes: Any) -> Any:
        """Return an answer as it comes."""
        return self.service.stream(
            prompt(**changes),
            owner=owner,
            until=time.monotonic() + within_s,
            spend=self.uses.append,
        )


class Running:
    """A stand-in in a thread, for commands that have a loop of their own."""

    def __init__(self, standin: OllamaStandIn) -> None:
        self.standin = standin
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.run(standin.start())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def close(self) -> None:
        self.run(self.standin.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
