"""The environment is read once, and says clearly what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from reauto_site.settings.env import read_environment

COMPLETE = {
    "DJANGO_ENV": "production",
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgresql://crm@db/crm",
    "REDIS_URL": "redis://cache/0",
    "PUBLIC_BASE_URL": "https://crm.example.com/",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "a-real-token",
}


def test_an_empty_environment_is_enough_for_a_laptop() -> None:
    environment = read_environment({})
    assert environment.django_env == "dev"
    assert environment.twilio_api_base_url.startswith("http://127.0.0.1")


def test_a_complete_production_environment_is_accepted() -> None:
    environment = read_environment(COMPLETE)
    assert environment.public_base_url == "https://crm.example.com"
    assert environment.media_stream_url == "wss://crm.example.com/ws/twilio/media/"


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("SECRET_KEY", "SECRET_KEY"),
        ("DATABASE_URL", "DATABASE_URL"),
        ("REDIS_URL", "REDIS_URL"),
        ("PUBLIC_BASE_URL", "PUBLIC_BASE_URL"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN"),
    ],
)
def test_production_names_what_is_missing(missing: str, named: str) -> None:
    variables = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(ImproperlyConfigured, match=named):
        read_environment(variables)


def test_production_names_everything_that_is_missing_at_once() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read_environment({"DJANGO_ENV": "production"})
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL", "TWILIO"):
        assert name in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJANGO_ENV", "prod"),
        ("PUBLIC_BASE_URL", "crm.example.com"),
        ("TWILIO_ACCOUNT_SID", "SK123"),
        ("TWILIO_CALLS_PER_SECOND", "0"),
        ("TWILIO_CALLS_PER_SECOND", "many"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        read_environment({name: value})


def test_a_wrong_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read_environment({**COMPLETE, "SECRET_KEY": "too-short-but-secret"})
    assert "too-short-but-secret" not in str(error.value)


def test_a_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    environment = read_environment({"TWILIO_AUTH_TOKEN_FILE": str(secret)})
    assert environment.twilio_auth_token.get_secret_value() == "from-a-file"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE"):
        read_environment({"SECRET_KEY_FILE": str(tmp_path / "nowhere")})


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("x")
    with pytest.raises(ImproperlyConfigured, match="both set"):
        read_environment({"SECRET_KEY": "y", "SECRET_KEY_FILE": str(secret)})


def test_a_secret_does_not_show_in_its_representation() -> None:
    assert "a-real-token" not in repr(read_environment(COMPLETE))


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ("", ()),
        ("127.0.0.1", ("http://127.0.0.1:11434",)),
        ("0.0.0.0:11434", ("http://127.0.0.1:11434",)),  # what a server listens on
        ("http://one:1, https://two/ollama/", ("http://one:1", "https://two:443/ollama")),
        ("[::1]:11434", ("http://[::1]:11434",)),
    ],
)
def test_ollama_hosts_may_be_written_as_ollama_itself_reads_them(
    given: str, hosts: tuple[str, ...]
) -> None:
    assert read_environment({"OLLAMA_HOST": given}).ollama_hosts == hosts


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OLLAMA_HOST": "ftp://one"}, "OLLAMA_HOST: has 'ftp://one' in it"),
        ({"OLLAMA_HOST": "one,one"}, "OLLAMA_HOST: names the same address twice"),
        ({"OLLAMA_MODEL": "llama 3"}, "OLLAMA_MODEL: must be a name without blanks"),
        ({"LLM_KEEP_ALIVE": "soon"}, "LLM_KEEP_ALIVE: must be a time such as 30m"),
        ({"LLM_DEADLINE_MS": "2500"}, "LLM_DEADLINE_MS: .* 1900"),
        ({"LLM_CONCURRENCY": "0"}, "LLM_CONCURRENCY: .* 1"),
        ({"LLM_QUEUE": "many"}, "LLM_QUEUE"),
        ({"LLM_CACHE_HOURS": "0"}, "LLM_CACHE_HOURS"),
        ({"LLM_FALLBACK_URL": "api.openai.com"}, "LLM_FALLBACK_URL: must be an address"),
        ({"LLM_FALLBACK_URL": "https://api.example.com/v1"}, "LLM_FALLBACK_MODEL must name"),
        ({"LLM_FALLBACK_MODEL": "small"}, "LLM_FALLBACK_URL must be set"),
    ],
)
def test_every_knob_of_the_language_model_says_what_is_wrong_with_it(
    variables: dict[str, str], told: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=told):
        read_environment(variables)
