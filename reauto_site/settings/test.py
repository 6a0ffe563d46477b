"""Tests: quick password hashing, own data folder, SQLite unless DATABASE_URL says otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reauto_site.settings.base import *  # noqa: F403
from reauto_site.settings.base import ENV
from reauto_site.settings.logging import logging_config

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = Path(tempfile.mkdtemp(prefix="reauto-test-media-"))
LOGGING = logging_config(level=ENV.log_level, json=False)
