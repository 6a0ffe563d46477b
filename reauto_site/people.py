"""The accounts of Django, in the words of the desk."""

from __future__ import annotations

from django.contrib.auth.apps import AuthConfig


class PeopleConfig(AuthConfig):
    """Users and roles."""

    verbose_name = "People"

    def ready(self) -> None:
        super().ready()
        from leads.calendars import rep_name

        # Lists, filters and choices of the admin name people by `str`: by their login, as it comes.
        self.get_model("User").__str__ = rep_name
