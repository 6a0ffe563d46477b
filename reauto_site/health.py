"""Health and metrics: whether this process lives, whether it can work, and how it does."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.llm.process import model_note

logger = structlog.get_logger(__name__)


def live(_request: HttpRequest) -> JsonResponse:
    """Say that the process answers. Never looks at anything outside it."""
    return JsonResponse({"status": "live"})


def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether the process can take work: 200, or 503 with each reason why not.

    `notes` is what an operator should know and calls can do without.
    """
    problems = {
        name: text
        for name, text in (("database", _database()), ("redis", _redis()), ("voice", _voice()))
        if text
    }
    status = 503 if problems else 200
    answer = {"status": "unready" if problems else "ready", "problems": problems}
    if note := model_note():
        answer["notes"] = {"language_model": note}
    return JsonResponse(answer, status=status)


def metrics(_request: HttpRequest) -> HttpResponse:
    """Give the process's metrics in Prometheus' text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("readiness_database_failed", error=type(error).__name__)
        return "The database does not answer."
    return ""


def _redis() -> str:
    if not settings.REDIS_URL:
        return ""
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2).ping()
    except redis.RedisError as error:
        logger.warning("readiness_redis_failed", error=type(error).__name__)
        return "Redis does not answer."
    return ""


def _voice() -> str:
    # Here, because commands that never ask need not load the engines' libraries.
    from voice.live_calls import live_calls
    from voice.preload import is_ready

    if not is_ready():
        return "The speech engines are not loaded."
    return {
        "": "",
        "draining": "No new calls are taken: the process is about to stop.",
        "full": "Every place for a call is taken.",
        "strained": "Calls are answered too late already: no further one can be served well.",
    }[live_calls.refusal()]
