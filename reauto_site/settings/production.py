"""Production: everything encrypted in transit, JSON logs."""

from __future__ import annotations

from reauto_site.settings.base import *  # noqa: F403
from reauto_site.settings.base import ENV, STORAGES
from reauto_site.settings.logging import logging_config

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
LOGGING = logging_config(level=ENV.log_level, json=True)
