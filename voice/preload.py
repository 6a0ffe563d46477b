"""Make a process ready to carry calls: engines and models loaded, before readiness goes green."""

from __future__ import annotations

import threading
import time

import structlog
from django.conf import settings

from agents.graph.build import conversation_graph
from agents.llm.process import load_models
from calls import carrier
from voice.call_voice import engine_names
from voice.engines import registry

logger = structlog.get_logger(__name__)

_lock = threading.Lock()
_ready = threading.Event()


def preload() -> None:
    """Load all that calls share. Blocks for a second or two; does nothing the second time.

    Raises:
        voice.engines.interface.EngineError: an engine of the settings does not start.
    """
    with _lock:
        if _ready.is_set():
            return
        began = time.monotonic()
        registry.preload((settings.ENV.stt_engine, *engine_names()))
        conversation_graph()  # compiled once, for all calls
        load_models()  # in the background: until it is done, playbooks speak alone
        carrier.preload()
        _ready.set()
        logger.info("voice_ready", ms=round((time.monotonic() - began) * 1000))


def is_ready() -> bool:
    """Return whether the engines are loaded."""
    return _ready.is_set()
