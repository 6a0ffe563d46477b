"""Staging: production in every respect but the data."""

from __future__ import annotations

from reauto_site.settings.production import *  # noqa: F403
