"""An operator is told whether the models can be used, and what to do if not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pydantic import SecretStr

from agents.llm import process
from agents.tests.models import Running, fast_standin
from billing.models import Price

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(settings: Any) -> Iterator[Running]:
    running = Running(fast_standin())
    configure(settings, ollama_host=running.standin.url)
    process._loading.__init__()  # type: ignore[misc]
    yield running
    running.close()


def configure(settings: Any, **changes: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update=changes)


def checked() -> list[dict[str, Any]]:
    out = StringIO()
    with contextlib.suppress(CommandError):
        call_command("check_model", "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def test_without_a_model_all_is_well(settings: Any) -> None:
    configure(settings, ollama_host="")
    (finding,) = checked()
    assert finding["ok"]
    assert "OLLAMA_HOST" in finding["text"]


def test_a_model_that_answers_is_fine(host: Running) -> None:
    (finding,) = checked()
    assert finding["ok"]
    assert "now it is" in finding["text"]  # it was not loaded before


@pytest.mark.parametrize(
    ("fault", "told"),
    [("refused", "ollama serve"), ("500", "does not answer a question")],
)
def test_one_that_does_not_is_named_with_the_way_out(host: Running, fault: str, told: str) -> None:
    host.run(host.standin.set(fault=fault))
    (finding,) = checked()
    assert not finding["ok"]
    assert told in finding["text"]
    with pytest.raises(CommandError, match="ollama-1"):
        call_command("check_model", stdout=StringIO())


def test_a_missing_model_is_to_be_pulled(host: Running) -> None:
    host.run(host.standin.set(models=("mistral",)))
    assert "ollama pull llama3.1:8b" in checked()[0]["text"]


def test_a_slow_model_is_told_to_be_of_no_use_on_calls(host: Running, settings: Any) -> None:
    host.run(host.standin.set(first_token_ms=130))
    configure(settings, llm_first_token_ms=100)
    (finding,) = checked()
    assert not finding["ok"]
    assert "LLM_FIRST_TOKEN_MS" in finding["text"]


def test_a_model_without_a_price_is_told(host: Running, settings: Any) -> None:
    Price.objects.filter(component="llm_gpu").delete()
    configure(
        settings,
        llm_fallback_url=f"{host.standin.url}/v1",
        llm_fallback_model="llama3.1:8b",
        llm_fallback_api_key=SecretStr("any"),
    )
    texts = [finding["text"] for finding in checked() if not finding["ok"]]
    assert len(texts) == 3  # the host's time, and both directions of the endpoint's tokens
    assert all("Add a price row" in text for text in texts)


def test_readiness_says_what_the_model_is_at_and_is_never_red_for_it(
    host: Running, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.preload.is_ready", lambda: True)
    host.run(host.standin.set(load_ms=200))
    loading = process.load_models()
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert "being loaded" in answer.json()["notes"]["language_model"]
    assert loading is not None
    loading.join(10)
    assert "notes" not in client.get("/health/ready").json()
    assert host.standin.engine.is_loaded("llama3.1:8b")


def test_readiness_says_that_no_model_could_be_loaded(
    host: Running, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.preload.is_ready", lambda: True)
    host.run(host.standin.set(fault="refused"))
    loading = process.load_models()
    assert loading is not None
    loading.join(10)
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert "check_model" in answer.json()["notes"]["language_model"]
