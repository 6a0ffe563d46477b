"""The pages of leads at the desk, as tests open them."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from leads.models import Lead

LEADS = "admin:leads_lead_changelist"


def page_of(lead: Lead) -> str:
    """Return the address of a lead's page."""
    return reverse("admin:leads_lead_change", args=(lead.pk,))


def step(lead: Lead, name: str) -> str:
    """Return the address of something that is done from a lead's page."""
    return reverse(f"admin:leads_lead_{name}", args=(lead.pk,))


def shown(client: Client, **parameters: Any) -> set[Lead]:
    """Return the leads that the list shows."""
    return set(client.get(reverse(LEADS), parameters).context["cl"].result_list)


def told(answer: Any) -> list[str]:
    """Return the messages on a page."""
    return [str(message) for message in answer.context["messages"]]


def filled(client: Client, lead: Lead) -> dict[str, Any]:
    """Return the form of a lead's page as it is filled in."""
    form = client.get(page_of(lead)).context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}
