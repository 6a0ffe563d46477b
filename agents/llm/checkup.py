"""Look whether the language models that are configured can do what calls will ask of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agents.llm.errors import ModelError
from agents.llm.link import Link, Patience
from agents.llm.ollama_host import HostState
from agents.llm.prompt import Prompt
from agents.llm.service import LOAD_S, ModelService, nothing_spent
from agents.llm.settings import ModelSettings
from billing.models.price import Component
from billing.selectors import PriceUnknown, price_on

_TASK = "Say in one sentence that you are ready."
_PREFIX = "You answer in one short sentence."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        ok: whether it is as it should be.
        text: what was found; where it is not ok, also what to do.
    """

    name: str
    ok: bool
    text: str


async def checkup(settings: ModelSettings) -> list[Finding]:
    """Look at every host and the endpoint behind them. Raises nothing."""
    if not settings.enabled:
        return [
            Finding(
                "language model",
                True,
                "None is configured: playbooks speak alone. Set OLLAMA_HOST to use one.",
            )
        ]
    async with ModelService(settings) as service:
        states: Sequence[HostState] = await service.states()
        found = []
        for number, link in enumerate(service.links):
            state = states[number] if number < len(states) else None
            found.append(await _look(link, state, settings))
    return found


def prices_missing(settings: ModelSettings, *, day: date) -> list[Finding]:
    """Return what of the models has no price, so that its use would not be on any bill."""
    wanted = []
    tokens = (Component.LLM_INPUT, Component.LLM_OUTPUT)
    if settings.hosts:
        wanted += [("ollama", settings.model, part) for part in (*tokens, Component.LLM_GPU)]
    if settings.fallback is not None:
        fallback = settings.fallback
        wanted += [(fallback.provider, fallback.model, part) for part in tokens]
    missing = []
    for provider, model, component in wanted:
        try:
            price_on(provider=provider, component=component, region="US", model=model, day=day)
        except PriceUnknown as error:
            missing.append(Finding(f"price of {provider} {model}", False, str(error)))
    return missing


async def _look(link: Link, state: HostState | None, settings: ModelSettings) -> Finding:
    name = f"{link.name} ({state.url if state else link.provider.model})"
    if state is not None and state.problem:
        return Finding(name, False, state.problem)
    loaded = "" if state is None or state.loaded else "was not loaded, now it is; "
    try:
        first_s, rate = await _timed(link)
    except ModelError as error:
        return Finding(name, False, f"It does not answer a question: {error}")
    pace = f"{loaded}first word after {first_s * 1000:.0f} ms, {rate:.0f} words a second"
    if first_s > settings.first_token_s:
        return Finding(
            name,
            False,
            f"{pace}. That is slower than LLM_FIRST_TOKEN_MS: calls would seldom hear it. Use a "
            "smaller model or a faster machine.",
        )
    return Finding(name, True, f"{link.provider.model}: {pace}.")


async def _timed(link: Link) -> tuple[float, float]:
    """Return the seconds to the first token, once all is warm, and tokens per second."""
    first_s, count, rest_s = 0.0, 0, 0.0
    for _ in range(2):  # the first one loads what is not loaded
        began = time.monotonic()
        patience = Patience(began + LOAD_S, LOAD_S, LOAD_S)
        prompt = Prompt(_PREFIX, _TASK, version="checkup", most_tokens=30)
        first_s = count = 0
        try:
            async with asyncio.timeout(LOAD_S):
                async for _token in link.stream(
                    prompt, owner="checkup", patience=patience, last=True, spend=nothing_spent
                ):
                    first_s = first_s or time.monotonic() - began
                    count += 1
        except ModelError as error:
            if not count:
                raise error
        rest_s = time.monotonic() - began - first_s
    return first_s, (count - 1) / rest_s if count > 1 and rest_s > 0 else 0.0
