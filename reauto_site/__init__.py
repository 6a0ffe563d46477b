"""The Django project: settings, URLs, ASGI entry point, health and metrics."""

from __future__ import annotations

import os


def choose_settings() -> None:
    """Choose the settings module by DJANGO_ENV, unless DJANGO_SETTINGS_MODULE is set already.

    Raises:
        SystemExit: DJANGO_ENV names no environment.
    """
    known = ("dev", "staging", "production", "test")
    chosen = os.environ.get("DJANGO_ENV") or "dev"
    if chosen not in known:
        raise SystemExit(f'DJANGO_ENV is "{chosen}", but must be one of: {", ".join(known)}.')
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"reauto_site.settings.{chosen}")
