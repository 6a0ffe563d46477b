"""Logs: one event a line, JSON in production, no personal data in any of them."""

from __future__ import annotations

from typing import Any

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
    renderer: Any = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    finish = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
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
            "twilio.http_client": {"level": "WARNING"},
        },
    }
