"""What the lists say of a lead's number: ours, the national registry's, the reassigned ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, QuerySet, Subquery

from leads.models import (
    CallingPolicy,
    DoNotCall,
    Lead,
    ReassignedCheck,
    RegistryArea,
    RegistryBlock,
)
from leads.policy.may_call import LookUp
from leads.policy.places import states_of_number
from leads.policy.registry import is_listed, place_of


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """A number on the lists, and the account's choices about them. See `CallFacts`."""

    do_not_call: bool
    national: LookUp | None
    reassigned: LookUp | None
    national_blocks: bool
    stale_national_blocks: bool
    stale_reassigned_blocks: bool


def number_facts(lead: Lead) -> NumberFacts:
    """Return what the lists say of a lead's number, in one query.

    The registry and the database of reassigned numbers know the United States only.
    """
    number = str(lead.phone)
    area, exchange, line = place_of(number) or (0, 0, 0)
    registry = RegistryArea.objects.filter(area_code=area)
    block = RegistryBlock.objects.filter(list__areas=area, exchange=exchange)
    check = ReassignedCheck.objects.filter(phone=number)
    # The lead's own row is the one to hang the questions on.
    row: Mapping[str, Any] = (
        Lead.objects.filter(pk=lead.pk)
        .order_by()
        .values(
            barred=Exists(DoNotCall.objects.filter(phone=number)),
            registry_on=_first(registry, "made_on"),
            block=_first(block, "listed"),
            checked_on=_first(check, "checked_on"),
            was_reassigned=_first(check, "reassigned"),
            national=_choice("on_national_registry"),
            national_old=_choice("national_check_old"),
            reassigned_old=_choice("reassigned_check_old"),
        )
        .get()
    )
    american = bool(states_of_number(number))
    listed = bool(row["block"]) and is_listed(row["block"], line)
    return NumberFacts(
        do_not_call=row["barred"],
        national=LookUp(row["registry_on"], listed) if american else None,
        reassigned=LookUp(row["checked_on"], bool(row["was_reassigned"])) if american else None,
        national_blocks=row["national"] != CallingPolicy.Then.WARN,
        stale_national_blocks=row["national_old"] == CallingPolicy.Then.BLOCK,
        stale_reassigned_blocks=row["reassigned_old"] == CallingPolicy.Then.BLOCK,
    )


def _first(rows: QuerySet[Any], field: str) -> Subquery:
    return Subquery(rows.values(field)[:1])


def _choice(field: str) -> Subquery:
    return _first(CallingPolicy.objects.filter(pk=1), field)
