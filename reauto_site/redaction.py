"""Keep personal data and secrets out of logs."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

_PRIVATE_KEYS = frozenset(
    {
        "phone", "to", "from", "to_number", "from_number", "number", "name", "first_name",
        "last_name", "email", "address", "text", "transcript", "utterance", "token", "password",
        "secret", "authorization", "auth_token", "payload", "body",
    }
)  # fmt: skip
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
# E.164 and its usual spellings: seven digits or more, perhaps with separators. Ids keep their
# letters and dashes, so a UUID or a SID does not match.
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ().-]{0,2}\d){6,14}(?![\w-])")
_TOKEN = re.compile(r"(?i)(bearer|basic)\s+[\w.~+/=-]+|(?<=token=)[^&\s\"']+")
# An error may quote what it is about: PostgreSQL the row, Pydantic the value.
_ROW = re.compile(r"(?<=DETAIL:)\s.*?(?=\n\s*\n|\nCONTEXT:|\Z)", re.DOTALL)
_INPUT = re.compile(r"(?<=input_value=).*?(?=, input_type=)", re.DOTALL)
REDACTED = "[redacted]"


def redact_text(text: str) -> str:
    """Return the text without e-mail addresses, telephone numbers, tokens, and values in errors."""
    text = _INPUT.sub(REDACTED, _ROW.sub(f" {REDACTED}", text))
    return _PHONE.sub(REDACTED, _EMAIL.sub(REDACTED, _TOKEN.sub(REDACTED, text)))


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Remove personal data from a log event (a structlog processor)."""
    for key, value in event.items():
        if key == "timestamp":
            continue
        if key.lower() in _PRIVATE_KEYS:
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = redact_text(value)
    return event
