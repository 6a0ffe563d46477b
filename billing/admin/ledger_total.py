"""What the listed charges sum up to, without reading each of them where that can be spared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.utils import parse_datetime_str

from billing.models import Charge
from billing.spend import SpendScope, SpendTotal, account_zone, day_begins, spend_total, total_of

_KNOWN = frozenset(
    {"at_from_0", "at_from_1", "at_to_0", "at_to_1", "component__exact", "campaign__id__exact",
     "call__voice_tier", "outside"}
)  # fmt: skip
_SHOW = frozenset({"o", "p", "all"})
"""How the list is shown, not what is in it."""


if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator  # takes no type at run time


class LedgerPaginator(_Paginator):
    """Counts the charges of a list and adds them up."""

    scope: SpendScope | None = None
    """What is listed, if it is whole days: then their sums are read."""

    @cached_property
    def _sums(self) -> SpendTotal:
        if self.scope is not None:
            return spend_total(self.scope)
        return total_of(cast("QuerySet[Charge]", self.object_list))

    @cached_property
    def count(self) -> int:
        """How many charges the list has."""
        return self._sums.charges

    @cached_property
    def total(self) -> Decimal:
        """USD of all of them, also those on other pages."""
        return self._sums.amount


def scope_asked(asked: Mapping[str, str]) -> SpendScope | None:
    """Return which charges a list is asked for, or None if it is not whole days of the account."""
    given = {name: value for name, value in asked.items() if value and name not in _SHOW}
    if not given.keys() <= _KNOWN or given.get("outside", "campaign") not in {"campaign", "call"}:
        return None
    try:
        begins, ends = _moment(given, "at_from"), _moment(given, "at_to")
        campaign = given.get("campaign__id__exact")
        return SpendScope(
            first=_day_from(begins) if begins else None,
            last=_day_from(ends + timedelta(seconds=1)) - timedelta(days=1) if ends else None,
            component=given.get("component__exact"),
            campaign_id=UUID(campaign) if campaign else None,
            tier=given.get("call__voice_tier"),
            outside=cast(Literal["", "campaign", "call"], given.get("outside", "")),
        )
    except ValueError:
        return None


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    day, clock = given.get(f"{name}_0"), given.get(f"{name}_1")
    if not day and not clock:
        return None
    naive = parse_datetime_str(f"{day} {clock}") if day and clock else None
    if naive is None:
        raise ValueError("This is no moment.")
    return timezone.make_aware(naive)


def _day_from(moment: datetime) -> date:
    """Return the day that begins at a moment. Raises ValueError if none does."""
    day = moment.astimezone(account_zone()).date()
    if day_begins(day) != moment:
        raise ValueError("No day of the account begins then.")
    return day
