"""Whether the demo's calls have a language model behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import Sum

from agents.llm.ollama_host import HostState
from agents.llm.process import model_settings
from agents.llm.service import ModelService
from agents.llm.settings import ModelSettings
from billing.models import Charge

USUAL_HOST = "http://127.0.0.1:11434"
"""Where `ollama serve` listens."""


def model_environment(*, wanted: bool, say: Callable[[str], None]) -> dict[str, str]:
    """Return the variables that give the demo a model, or none; `say` tells which it is.

    Args:
        wanted: whether the demo was asked to use a model. If not, none is used whatever is set, so
            that every run is the same.
    """
    if not wanted:
        return {"OLLAMA_HOST": ""}
    chosen = model_settings()
    chosen = replace(chosen, hosts=chosen.hosts or (USUAL_HOST,), redis_url="")
    usable = [state for state in _looked_at(chosen, say) if state.has_model]
    if not usable:
        say("No language model is used: playbooks speak alone, as they do whenever one fails")
        return {"OLLAMA_HOST": ""}
    return {
        "OLLAMA_HOST": ",".join(state.url for state in usable),
        "OLLAMA_MODEL": chosen.model,
    }


def model_used(campaign_id: UUID) -> str:
    """Return in a line what a campaign's calls asked of models."""
    used = dict(
        Charge.objects.filter(campaign_id=campaign_id, component__startswith="llm_")
        .values_list("component")
        .annotate(total=Sum("quantity"))
    )
    if not used:
        return "The language model was not asked for anything."
    read, written = (round(float(used.get(f"llm_{part}", 0)) * 1e6) for part in ("input", "output"))
    seconds = float(used.get("llm_gpu", 0))
    return (
        f"The language model read {read} tokens, wrote {written}, and worked for {seconds:.1f} s."
    )


def _looked_at(chosen: ModelSettings, say: Callable[[str], None]) -> Sequence[HostState]:
    async def look() -> Sequence[HostState]:
        async with ModelService(chosen) as service:
            return await service.states()

    states = asyncio.run(look())
    for state in states:
        if state.problem:
            say(f"Ollama at {state.url}: {state.problem}")
        else:
            say(f"Language model {chosen.model} on Ollama {state.version} at {state.url}")
    return states
