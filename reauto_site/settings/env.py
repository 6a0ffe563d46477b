"""The environment variables of the product: typed, validated at start, with clear errors.

Each may also be given as `NAME_FILE`, the path of a file that holds the value (for secrets).
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import (
    ConfigDict,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from billing.policy.money_format import money_format
from reauto_site.settings.llm import ModelEnvironment

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# The address and the credentials of `manage.py carrier`, so that nothing but a deliberate setting
# ever reaches a real telephone.
SIMULATOR_URL = "http://127.0.0.1:8900"
SIMULATOR_ACCOUNT_SID = "AC" + "5e" * 16
SIMULATOR_AUTH_TOKEN = "carrier-simulator-token"  # noqa: S105 - opens nothing but the simulator

_DEVELOPMENT_KEY = "development-only-key-which-must-never-leave-this-machine-0123456789"


class Environment(ModelEnvironment):
    """Everything the product reads from its environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    django_env: Literal["dev", "staging", "production", "test"] = "dev"
    secret_key: SecretStr = SecretStr(_DEVELOPMENT_KEY)
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    public_base_url: str = "http://127.0.0.1:8000"
    data_dir: Path = BASE_DIR / "var"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    twilio_account_sid: str = SIMULATOR_ACCOUNT_SID
    twilio_auth_token: SecretStr = SecretStr(SIMULATOR_AUTH_TOKEN)
    twilio_auth_token_secondary: SecretStr = SecretStr("")
    """The account's other token while tokens are being changed; both are valid at once."""
    twilio_api_key_sid: str = ""
    twilio_api_key_secret: SecretStr = SecretStr("")
    """Signs the tokens with which browsers are rung; empty: calls go to telephones only."""
    twilio_api_base_url: str = SIMULATOR_URL
    twilio_pricing_base_url: str = "https://pricing.twilio.com"
    twilio_calls_per_second: float = 1.0

    voice_max_sessions: PositiveInt = 20
    """Calls that one process carries at once."""
    stt_engine: str = "pocketsphinx"
    tts_engine: str = "espeak"
    elevenlabs_api_keys: SecretStr = SecretStr("")
    elevenlabs_base_url: str = "https://api.elevenlabs.io"
    elevenlabs_voice: str = "EXAVITQu4vr4xnSDxMaL"
    elevenlabs_model: str = "eleven_flash_v2_5"
    elevenlabs_most_at_once: int = 0
    piper_voice: str = ""
    piper_url: str = ""
    speech_cache_megabytes: int = 512
    whisper_model: str = ""
    whisper_device: Literal["auto", "cpu", "cuda"] = "auto"
    whisper_compute_type: str = ""
    whisper_url: str = ""
    whisper_api_key: SecretStr = SecretStr("")
    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = "https://api.openai.com/v1"
    models_base_url: str = "https://huggingface.co"

    twilio_delete_recordings: bool = False
    """Whether the carrier's copy of a recording goes once ours is stored and verified."""
    recordings_s3_bucket: str = ""
    """Where recordings are kept; empty: on disk, in DATA_DIR."""
    recordings_s3_endpoint: str = ""
    recordings_s3_region: str = ""
    recordings_s3_access_key: str = ""
    recordings_s3_secret_key: SecretStr = SecretStr("")
    recordings_keep_days: int = 0
    """After so many days a recording may be deleted; 0: never by itself."""

    account_time_zone: str = "UTC"
    account_money_format: str = "$1,234.56"
    """The amount 1234.56 as the account writes it. Carriers bill in USD; nothing is converted."""
    email_host: str = ""
    email_port: int = 587
    email_user: str = ""
    email_password: SecretStr = SecretStr("")
    email_security: Literal["starttls", "tls", "none"] = "starttls"
    email_from: str = "reautomation@localhost"

    webhooks_allow_private: bool = False
    """Whether webhooks may go to this machine's own network, and over plain http."""

    google_service_account_file: str = ""
    google_sheets_base_url: str = "https://sheets.googleapis.com"
    google_oauth_client_id: str = ""
    google_oauth_client_secret: SecretStr = SecretStr("")
    google_oauth_base_url: str = "https://oauth2.googleapis.com"
    google_accounts_base_url: str = "https://accounts.google.com"

    @field_validator(
        "public_base_url",
        "twilio_api_base_url",
        "twilio_pricing_base_url",
        "elevenlabs_base_url",
        "openai_base_url",
        "models_base_url",
        "google_sheets_base_url",
        "google_oauth_base_url",
        "google_accounts_base_url",
    )
    @classmethod
    def _is_http_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("must be an address such as https://crm.example.com")
        return value.rstrip("/")

    @field_validator("account_time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError("must be a time zone such as America/Chicago")
        return value

    @field_validator("account_money_format")
    @classmethod
    def _is_money(cls, value: str) -> str:
        money_format(value)
        return value

    @field_validator("twilio_account_sid")
    @classmethod
    def _is_account_sid(cls, value: str) -> str:
        if len(value) != 34 or not value.startswith("AC"):
            raise ValueError('must be "AC" and 32 hexadecimal digits, as the Twilio console shows')
        return value

    @field_validator("twilio_calls_per_second")
    @classmethod
    def _is_positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("must be more than 0")
        return value

    @model_validator(mode="after")
    def _production_is_complete(self) -> Self:
        if self.django_env not in {"staging", "production"}:
            return self
        problems = []
        key = self.secret_key.get_secret_value()
        if key == _DEVELOPMENT_KEY or len(key) < 50:
            problems.append("SECRET_KEY must be set to at least 50 random characters")
        if not self.database_url.get_secret_value().startswith(("postgres://", "postgresql://")):
            problems.append("DATABASE_URL must name a PostgreSQL database")
        if not self.redis_url.get_secret_value():
            problems.append("REDIS_URL must be set (channel layer, jobs, caches)")
        if not self.public_base_url.startswith("https://"):
            problems.append("PUBLIC_BASE_URL must be the https:// address Twilio reaches us at")
        if self.twilio_auth_token.get_secret_value() == SIMULATOR_AUTH_TOKEN:
            problems.append("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must be set")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def media_stream_url(self) -> str:
        """Address that the carrier opens the media WebSocket at (ws:// or wss://)."""
        return "ws" + self.public_base_url.removeprefix("http") + "/ws/twilio/media/"

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        """The tokens that are valid now, the one to use first first."""
        tokens = (self.twilio_auth_token, self.twilio_auth_token_secondary)
        return tuple(token.get_secret_value() for token in tokens if token.get_secret_value())

    @property
    def carrier_is_simulated(self) -> bool:
        """Whether the account is the simulator's: nobody real can be called."""
        return self.twilio_account_sid == SIMULATOR_ACCOUNT_SID

    @property
    def public_host(self) -> str:
        """Host name of the public address, without the port."""
        return urlsplit(self.public_base_url).hostname or "localhost"


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the validated environment.

    Raises:
        ImproperlyConfigured: a variable is missing or wrong; the message names each one.
    """
    variables = os.environ if variables is None else variables
    values: dict[str, str] = {}
    for field in Environment.model_fields:
        name = field.upper()
        if variables.get(f"{name}_FILE"):
            if variables.get(name):
                raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one.")
            values[field] = _read_secret(f"{name}_FILE", variables[f"{name}_FILE"])
        elif variables.get(name):
            values[field] = variables[name]
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        lines = [
            line
            for problem in error.errors(include_input=False)
            for line in _explain(problem).split("; ")
        ]
        raise ImproperlyConfigured(
            "The environment is not complete:\n" + "\n".join(f"  - {line}" for line in lines)
        ) from None


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot read {path}: {error.strerror}.") from None


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's error details are dictionaries
    where = ".".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
