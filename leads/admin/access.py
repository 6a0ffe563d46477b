"""Who sees which leads."""

from __future__ import annotations

from django.contrib import admin

from leads.admin.single_row import SingleRowAdmin
from leads.models import AccessPolicy


@admin.register(AccessPolicy)
class AccessPolicyAdmin(SingleRowAdmin):
    """Which leads those see whose role does not see every lead."""

    fields = ("reps_see",)
