"""Logs: one event a line, JSON in production, no personal data in any of them."""

from __future__ import annotations

import logging
from typing import Any

import loguru
import structlog

from reauto_site.redaction import redact_event


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """Return Django's LOGGING and set structlog up to the same end.

    Args:
        level: least level that is written.
        json: one JSON object a line, else lines for people.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _adopt_loguru()
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    finish = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": finish,
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The request line names paths and query strings; the proxy in front logs it, redacted.
            "django.channels.server": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            "aiohttp.access": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "twilio.http_client": {"level": "WARNING"},
        },
    }


def _adopt_loguru() -> None:
    """Bring Pipecat's own logs here: errors in full, warnings by place alone.

    Its messages below errors quote what callers said, which must not reach a log.
    """
    pipecat = logging.getLogger("pipecat")

    def write(message: loguru.Message) -> None:
        record = message.record
        place = f"{record['module']}:{record['line']}"
        if record["level"].no >= logging.ERROR:
            pipecat.error("%s %s", place, record["message"])
        else:
            pipecat.warning("warning at %s", place)

    loguru.logger.remove()
    loguru.logger.add(write, level="WARNING", format="{message}")
