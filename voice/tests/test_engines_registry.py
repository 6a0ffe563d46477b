"""Engines by the names that settings use."""

from __future__ import annotations

import pytest

from voice.engines import registry


@pytest.mark.parametrize("create", [registry.create_stt, registry.create_tts])
def test_an_unknown_name_is_answered_with_the_known_ones(create: object) -> None:
    with pytest.raises(registry.UnknownEngineError, match=r"'gramophone'; known: \w+"):
        create("gramophone")  # type: ignore[operator]


def test_preloading_refuses_an_unknown_name() -> None:
    with pytest.raises(registry.UnknownEngineError, match=r"espeak.*pocketsphinx"):
        registry.preload(["gramophone"])


def test_calls_share_one_engine() -> None:
    assert registry.synthesizer("espeak") is registry.synthesizer("espeak")
    assert registry.create_tts("espeak") is not registry.create_tts("espeak")
