"""The models of this process: one service per event loop, and the model of a call."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

from agents.interface import Brief
from agents.llm.call import ServedCallModel
from agents.llm.link import circuit_of
from agents.llm.service import ModelService
from agents.llm.settings import ModelSettings
from agents.model import CallModel

log = structlog.get_logger(__name__)

_services: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[ModelSettings, ModelService]] = (
    WeakKeyDictionary()
)


def model_settings() -> ModelSettings:
    """Return what the environment says of models."""
    return ModelSettings.from_environment(settings.ENV, redis_url=settings.REDIS_URL)


def model_service() -> ModelService | None:
    """Return the service of the running loop; None where no model is configured."""
    chosen = model_settings()
    if not chosen.enabled:
        return None
    loop = asyncio.get_running_loop()
    known = _services.get(loop)
    if known is None or known[0] != chosen:
        known = _services[loop] = (chosen, ModelService(chosen))
    return known[1]


def call_model(brief: Brief) -> CallModel | None:
    """Return the model of a call; None where the playbook goes alone."""
    service = model_service()
    return None if service is None else ServedCallModel(service, brief)


@dataclass
class _Loading:
    """What became of loading the model when the process started."""

    begun: bool = False
    over: bool = False
    done: bool = False


_loading = _Loading()


def load_models() -> threading.Thread | None:
    """Have every host load the model, in a thread of its own: the process need not wait for it.

    Until it is loaded the deadline passes and the playbook speaks.
    """
    chosen = model_settings()
    if not chosen.hosts:
        return None

    async def load() -> None:
        async with ModelService(chosen) as service:
            await service.load()
            states = await service.states()
        _loading.done = any(state.loaded for state in states)
        _loading.over = True

    _loading.begun, _loading.over, _loading.done = True, False, False
    thread = threading.Thread(target=lambda: asyncio.run(load()), name="model-load", daemon=True)
    thread.start()
    return thread


def model_note() -> str:
    """Return what is to be known of the models of this process, "" if all is well or there is none.

    Never a reason not to take calls: playbooks carry them alone.
    """
    chosen = model_settings()
    if not chosen.hosts:
        return ""
    if _loading.begun and not _loading.over:
        return "The language model is being loaded; until then playbooks speak alone."
    answered = any(service.answered for _, service in _services.values())
    if _loading.over and not _loading.done and not answered:
        return "No host has loaded the language model. Run: manage.py check_model"
    resting = [url for url in chosen.hosts if circuit_of(f"{url}#{chosen.model}").is_open]
    if resting:
        return f"Not asked for a while after failures: {', '.join(resting)}."
    return ""
