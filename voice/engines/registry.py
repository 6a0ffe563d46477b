"""Engines by the names that settings use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings

from voice.engines import vad
from voice.engines.elevenlabs import ElevenLabsSynthesizer, ElevenLabsVoice
from voice.engines.elevenlabs_keys import secrets_in
from voice.engines.espeak import EspeakSynthesizer
from voice.engines.fallback import FallbackRecognizer
from voice.engines.interface import EngineError, SpeechRecognizer, SpeechSynthesizer
from voice.engines.piper import PiperSynthesizer
from voice.engines.piper_http import PiperHttpSynthesizer
from voice.engines.pocketsphinx import PocketsphinxRecognizer
from voice.engines.stt_service import StreamingSTTService
from voice.engines.tts_service import StreamingTTSService

BUILT_IN: Final = "pocketsphinx"
"""The recogniser that is always there."""


def _whisper() -> SpeechRecognizer:
    # Its libraries take a second to import: only for those who use it.
    from voice.engines.whisper import WhisperRecognizer

    return FallbackRecognizer(WhisperRecognizer(), recognizer(BUILT_IN), beside=False)


def _whisper_server() -> SpeechRecognizer:
    from voice.engines.whisper import WhisperRecognizer
    from voice.engines.whisper_server import AT_ONCE, WhisperServer

    env = settings.ENV
    server = WhisperServer(
        env.whisper_url, api_key=env.whisper_api_key.get_secret_value(), model=env.whisper_model
    )
    remote = WhisperRecognizer(
        name="whisper_server", workers=AT_ONCE, load=lambda: server, must_answer=False
    )
    return FallbackRecognizer(remote, recognizer(BUILT_IN), beside=False)


def _openai() -> SpeechRecognizer:
    from voice.engines.openai_whisper import OpenAIWhisperRecognizer

    key = settings.ENV.openai_api_key.get_secret_value()
    service = OpenAIWhisperRecognizer(key, settings.ENV.openai_base_url)
    return FallbackRecognizer(service, recognizer(BUILT_IN))


def _elevenlabs() -> ElevenLabsSynthesizer:
    env = settings.ENV
    return ElevenLabsSynthesizer(
        ElevenLabsVoice(env.elevenlabs_voice, env.elevenlabs_model),
        secrets=secrets_in(env.elevenlabs_api_keys.get_secret_value()),
        base_url=env.elevenlabs_base_url,
        most_at_once=env.elevenlabs_most_at_once,
    )


RECOGNIZERS: Final[dict[str, Callable[[], SpeechRecognizer]]] = {
    "pocketsphinx": PocketsphinxRecognizer,
    "whisper": _whisper,
    "whisper_server": _whisper_server,
    "openai": _openai,
}
SYNTHESIZERS: Final[dict[str, Callable[[], SpeechSynthesizer]]] = {
    "elevenlabs": _elevenlabs,
    "espeak": EspeakSynthesizer,
    "piper": lambda: PiperSynthesizer(settings.ENV.piper_voice),
    "piper_http": lambda: PiperHttpSynthesizer(settings.ENV.piper_url),
}

_engines: dict[str, Any] = {}
_lock = threading.RLock()  # an engine may be made of others


class UnknownEngineError(EngineError):
    """Settings name an engine that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} engine {name!r}; known: {', '.join(sorted(known))}")


def recognizer(name: str) -> SpeechRecognizer:
    """Return the process's recogniser of that name.

    Raises:
        UnknownEngineError: There is none.
    """
    if name not in RECOGNIZERS:
        raise UnknownEngineError("speech-to-text", name, RECOGNIZERS)
    with _lock:
        engine: SpeechRecognizer = _engines.setdefault(name, None) or RECOGNIZERS[name]()
        _engines[name] = engine
        return engine


def synthesizer(name: str) -> SpeechSynthesizer:
    """Return the process's synthesiser of that name, in its default voice.

    Raises:
        UnknownEngineError: There is none.
    """
    if name not in SYNTHESIZERS:
        raise UnknownEngineError("text-to-speech", name, SYNTHESIZERS)
    with _lock:
        engine: SpeechSynthesizer = _engines.setdefault(name, None) or SYNTHESIZERS[name]()
        _engines[name] = engine
        return engine


def create_stt(name: str, **options: Any) -> StreamingSTTService:
    """Return a call's speech-to-text service; see `StreamingSTTService` for the options.

    Raises:
        UnknownEngineError: There is no engine of that name.
    """
    return StreamingSTTService(recognizer(name), **options)


def create_tts(name: str, **options: Any) -> StreamingTTSService:
    """Return a call's text-to-speech service; see `StreamingTTSService` for the options.

    Raises:
        UnknownEngineError: There is no engine of that name.
    """
    return StreamingTTSService(synthesizer(name), **options)


def preload(names: Iterable[str]) -> None:
    """Load engines, Silero and Smart Turn before readiness. Blocks; does nothing twice.

    Raises:
        UnknownEngineError: A name belongs to no engine.
        EngineError: An engine does not start.
    """
    for name in names:
        if name in RECOGNIZERS:
            engine: Any = recognizer(name)
        elif name in SYNTHESIZERS:
            engine = synthesizer(name)
        else:
            raise UnknownEngineError("speech", name, [*RECOGNIZERS, *SYNTHESIZERS])
        engine.preload()
    vad.preload()
