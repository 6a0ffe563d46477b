"""No personal data reaches a log line."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger as pipecat_logger
from pydantic import BaseModel, ValidationError

from reauto_site.redaction import REDACTED, redact_event, redact_text
from reauto_site.settings.logging import logging_config


@pytest.mark.parametrize(
    "text",
    [
        "dialled +12125550123",
        "dialled (212) 555-0123 again",
        "dialled 212.555.0123",
        "wrote to jane.doe+crm@example.co.uk",
        "GET /x?token=abc.def-123&y=1",
        "Authorization: Bearer eyJhbGciOi.J9",
    ],
)
def test_personal_data_is_removed_from_text(text: str) -> None:
    cleaned = redact_text(text)
    assert REDACTED in cleaned
    for secret in ("555", "jane", "abc.def", "eyJ"):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "call 3f2b8c1e-0d4a-4a8e-9f61-2a4b8c6d1e0f ended",
        "CA0123456789abcdef0123456789abcdef completed",
        "answered after 1250 ms with code 21211",
        "2026-11-22T08:30:00Z",
    ],
)
def test_what_operators_need_stays(text: str) -> None:
    assert redact_text(text) == text


def test_the_row_that_a_database_error_quotes_is_removed() -> None:
    cleaned = redact_text(
        'IntegrityError: null value in column "index" violates not-null constraint\n'
        "DETAIL:  Failing row contains (7, lead, my mother died in (that) house,\nand so on, null)."
        "\n\nThe above exception was the direct cause of the following exception:"
    )
    assert "mother" not in cleaned
    assert "so on" not in cleaned
    assert 'column "index"' in cleaned
    assert cleaned.endswith("of the following exception:")


def test_the_value_that_a_model_refuses_is_removed() -> None:
    class Answer(BaseModel):
        rooms: int

    with pytest.raises(ValidationError) as refused:
        Answer.model_validate({"rooms": "my mother's, and mine"})
    cleaned = redact_text(str(refused.value))
    assert "mother" not in cleaned
    assert "valid integer" in cleaned


@given(st.integers(min_value=2_000_000_000, max_value=9_999_999_999))
def test_any_number_in_e164_is_removed(number: int) -> None:
    assert str(number) not in redact_text(f"to +1{number}, again")


@pytest.mark.parametrize("key", ["phone", "To", "text", "auth_token", "first_name"])
def test_private_keys_are_removed_whatever_they_hold(key: str) -> None:
    assert redact_event(None, "info", {key: "anything"})[key] == REDACTED


def _written(write: object) -> str:
    config = logging_config(level="INFO", json=True)
    sink = io.StringIO()
    config["handlers"]["stderr"]["stream"] = sink
    before = logging.root.handlers[:]
    logging.config.dictConfig(config)
    try:
        assert callable(write)
        write()
    finally:
        logging.root.handlers = before
    return sink.getvalue()


def test_a_log_line_is_json_without_personal_data() -> None:
    line = _written(
        lambda: structlog.get_logger("x").info("lead_called", phone="+12125550123", call_id="c-1")
    )
    assert '"call_id": "c-1"' in line
    assert "5550123" not in line


def test_an_exception_is_logged_without_personal_data() -> None:
    def fail() -> None:
        try:
            raise ValueError("cannot parse +12125550123")
        except ValueError:
            structlog.get_logger("x").exception("import_failed")

    line = _written(fail)
    assert "ValueError" in line
    assert "5550123" not in line


def test_what_callers_said_is_not_logged_by_pipecat() -> None:
    def speak() -> None:
        pipecat_logger.debug("transcription: take me off your list")
        pipecat_logger.warning("unexpected text: take me off your list")

    assert "off your list" not in _written(speak)
