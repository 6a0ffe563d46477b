"""The Django project: settings, URLs, ASGI entry point, health and metrics."""

from __future__ import annotations

import os


def choose_settings() -> None:
    """Choose the settings module by DJANGO_ENV, unless DJANGO_SETTINGS_MODULE is set already.

    Raises:
        SystemExit: DJANGO_ENV names no environment, or a variable is missing or wrong.
    """
    from django.core.exceptions import ImproperlyConfigured

    from reauto_site.settings.env import read_environment

    known = ("dev", "staging", "production", "test")
    chosen = os.environ.get("DJANGO_ENV") or "dev"
    if chosen not in known:
        raise SystemExit(f'DJANGO_ENV is "{chosen}", but must be one of: {", ".join(known)}.')
    try:
        read_environment()
    except ImproperlyConfigured as error:
        # The list of what is wrong, rather than a traceback that ends in it.
        raise SystemExit(str(error)) from None
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"reauto_site.settings.{chosen}")
