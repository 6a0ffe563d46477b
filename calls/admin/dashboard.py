"""The dashboard: the first page of the manager's desk."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from billing.standing import budget_uses
from calls.desk.dashboard import needs_a_person, periods
from calls.desk.live import kill_switch, live_calls
from leads.access import sees_every_lead
from leads.todo import desk_of


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures that the viewer may see to the context of the first page."""
    now = timezone.now()
    # The figures are those of everybody: who sees only their own leads has their own work here.
    sees_calls = request.user.has_perm("calls.view_call") and sees_every_lead(request.user)
    context.update(
        {
            "title": "Dashboard",
            "sees_calls": sees_calls,
            "switch": kill_switch(),
            "may_stop": request.user.has_perm("calls.change_killswitch"),
        }
    )
    if request.user.pk is not None and request.user.has_perm("leads.view_lead"):
        context["mine"] = desk_of(request.user.pk, now=timezone.localtime(now))
    if sees_calls:
        context.update(
            {
                "periods": periods(now),
                "live": live_calls(now, viewer=request.user),
                "attention": needs_a_person(now),
            }
        )
    if request.user.has_perm("billing.view_budget"):
        context["budgets"] = budget_uses(now)
    return context
