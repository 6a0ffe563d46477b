"""Campaigns of before: what the migrations make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from calls.policy.cadence import Cadence

BEFORE = ("calls", "0018_plain_words")
AFTER = ("calls", "0021_campaign_one_number_gone")

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def migrate(to: tuple[str, str]) -> Any:
    """Go to a migration, forwards or back, and return the models as they are there."""
    MigrationExecutor(connection).migrate([to])
    return MigrationExecutor(connection).loader.project_state([to]).apps


@pytest.fixture
def before() -> Iterator[Any]:
    """The models and tables of when a campaign had one number; those of today afterwards."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield migrate(BEFORE)
    MigrationExecutor(connection).migrate(newest)


def campaign(models: Any, name: str, **values: Any) -> Any:
    playbook, _ = models.get_model("agents", "Playbook").objects.get_or_create(
        name="Old sellers", defaults={"lead_kind": "seller"}
    )
    return models.get_model("calls", "Campaign").objects.create(
        name=name, playbook=playbook, business_name="Harbor Realty", **values
    )


def test_a_campaign_keeps_its_number_and_its_patience(before: Any) -> None:
    number = "+12125550199"
    one = campaign(before, "One", caller_number=number, retry_minutes=90, max_attempts=4)
    same = campaign(before, "Same", caller_number=number, retry_minutes=0, max_attempts=25)
    other = campaign(before, "Other", caller_number="+13105550188", retry_minutes=999_999)

    models = migrate(AFTER)
    numbers = models.get_model("calls", "CallerNumber").objects
    assert sorted(str(row.number) for row in numbers.all()) == [number, "+13105550188"]
    assert all(row.active and row.daily_cap is None for row in numbers.all())
    assert numbers.get(number=number).created_at in (one.created_at, same.created_at)
    now = {row.pk: row for row in models.get_model("calls", "Campaign").objects.all()}
    pools = {pk: [str(each.number) for each in row.numbers.all()] for pk, row in now.items()}
    assert pools == {one.pk: [number], same.pk: [number], other.pk: ["+13105550188"]}

    rules = Cadence.model_validate(now[one.pk].cadence)
    assert rules == Cadence.steady(gap_minutes=90, most=4)
    # What a form would refuse today is brought within its limits.
    assert Cadence.model_validate(now[same.pk].cadence).busy.gap_minutes == 1
    assert Cadence.model_validate(now[same.pk].cadence).busy.most == 20
    assert Cadence.model_validate(now[other.pk].cadence).busy.gap_minutes == 129_600


def test_it_can_be_taken_back(before: Any) -> None:
    made = campaign(before, "One", caller_number="+12125550199", retry_minutes=90)
    migrate(AFTER)
    kept = migrate(BEFORE).get_model("calls", "Campaign").objects.get(pk=made.pk)
    assert (str(kept.caller_number), kept.retry_minutes) == ("+12125550199", 90)
