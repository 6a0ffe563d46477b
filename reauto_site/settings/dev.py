"""A laptop: embedded mode, pages that explain their errors."""

from __future__ import annotations

from reauto_site.settings.base import *  # noqa: F403
from reauto_site.settings.base import ENV
from reauto_site.settings.logging import logging_config

DEBUG = True
LOGGING = logging_config(level=ENV.log_level, json=False)
