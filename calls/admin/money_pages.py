"""The pages that answer what calls cost, for the links between them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

_PAGES = (
    ("costs", "Costs"),
    ("costs-what-if", "What would it have cost"),
    ("costs-promise", "The promise per call"),
    ("costs-variance", "Estimates against bills"),
    ("admin:billing_charge_changelist", "Ledger"),
)


@dataclass(frozen=True, slots=True)
class MoneyPage:
    """A page, and whether it is the one that is shown."""

    name: str
    link: str
    here: bool


def money_pages(request: HttpRequest) -> list[MoneyPage]:
    """Return the pages in their order. All need the permission to view charges."""
    return [MoneyPage(name, reverse(view), request.path == reverse(view)) for view, name in _PAGES]
