"""The site's app: the accounts of Django in the words of the desk."""

from __future__ import annotations

from django.apps import AppConfig, apps


class SiteConfig(AppConfig):
    """Names the accounts once everything is loaded."""

    name = "reauto_site"

    def ready(self) -> None:
        from leads.calendars import rep_name

        apps.get_app_config("auth").verbose_name = "People"
        # Lists, filters and choices of the admin name people by `str`: by their login, as it comes.
        apps.get_model("auth", "User").__str__ = rep_name  # type: ignore[assignment]
