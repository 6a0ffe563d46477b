"""A database with many leads and calls, for benchmarks of pages. Filled up to what is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from calls.models import Call, Campaign, Outcome
from leads.models import Lead, Task, TimelineEntry
from tests.factories import CampaignFactory, UserFactory, call_with_everything

CHUNK = 50_000
LONG_STORY = 10_000
"""Entries in the timeline of the lead whose page is opened."""

_FIRST = ("Maria", "James", "Linda", "Robert", "Anna", "Michael", "Jenny", "Wei", "Aisha", "Omar")
_LAST = ("Garcia", "Smith", "Okafor", "Brown", "Nguyen", "Miller", "Davis", "Kowalski", "Lopez")
_PLACES = (
    ("Austin", "TX", "78701", "512"), ("Houston", "TX", "77002", "713"),
    ("Denver", "CO", "80202", "303"), ("Miami", "FL", "33101", "305"),
    ("Chicago", "IL", "60601", "312"), ("Phoenix", "AZ", "85001", "602"),
)  # fmt: skip
_SOURCES = ("website", "open house", "vendor A", "vendor B")


def people() -> tuple[User, list[User]]:
    """Return somebody who sees every lead, and twenty representatives."""
    reps = [_user(f"bench-rep-{n}", "Rep") for n in range(20)]
    return _user("bench-owner", "Owner"), reps


def fill(*, leads: int, calls: int) -> None:
    """Add leads and calls until there are so many, and one lead with a call and a long story.

    Rows are copies of one that the product made, with other values in what a list shows, looks
    for or sorts by: written by PostgreSQL itself, a million take minutes.
    """
    _, reps = people()
    campaigns = list(Campaign.objects.all()[:5]) or CampaignFactory.create_batch(5)
    if not Call.objects.exclude(summary="").exists():
        call_with_everything()
    story = long_story()
    for first in range(Lead.objects.count(), leads, CHUNK):
        _copies(Lead, story.pk, _lead_values(reps), first, min(first + CHUNK, leads))
    model = Call.objects.filter(lead=story).exclude(summary="")[0]
    for first in range(Call.objects.count(), calls, CHUNK):
        _copies(Call, model.pk, _call_values(campaigns), first, min(first + CHUNK, calls))
    entries = LONG_STORY - TimelineEntry.objects.filter(lead=story).count()
    TimelineEntry.objects.bulk_create(
        TimelineEntry(lead=story, kind="note", text=f"Note number {n}.", at=timezone.now())
        for n in range(entries)
    )
    _tasks(reps)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as PostgreSQL does by itself, a minute later


def _tasks(reps: list[User]) -> None:
    """Give each representative tasks with leads of others: those are seen, too."""
    if Task.objects.exists():
        return
    others = Lead.objects.filter(owner__isnull=True).order_by("phone")[: 20 * len(reps)]
    Task.objects.bulk_create(
        Task(lead=lead, title="Call back", due_at=timezone.now(), owner=reps[n % len(reps)])
        for n, lead in enumerate(others)
    )


def long_story() -> Lead:
    """Return the lead with the long story."""
    return Call.objects.exclude(summary="").order_by("created_at")[0].lead


def _user(name: str, role: str) -> User:
    user: User = User.objects.filter(username=name).first() or UserFactory(username=name)
    user.groups.set([Group.objects.get(name=role)])
    return user


def _copies(model: Any, of: Any, values: dict[str, str], first: int, last: int) -> None:
    """Copy a row; `values` are SQL over `n`, the number of the copy, by column."""
    columns = [field.column for field in model._meta.concrete_fields]
    chosen = ", ".join(f"({values[name]})" if name in values else f"row.{name}" for name in columns)
    source = values.get("FROM", "")
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {chosen} "
        f"FROM generate_series({first}, {last - 1}) n {source}, {model._meta.db_table} row "
        f"WHERE row.id = '{of}' "
        "ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)  # without parameters, a per cent sign is one


def _lead_values(reps: list[User]) -> dict[str, str]:
    place = f"n % {len(_PLACES)}"
    stages, kinds = list(Lead.Stage), list(Lead.Kind)
    return {
        "id": "gen_random_uuid()",
        # Not fictional numbers, of which there are few: nobody dials in a benchmark.
        "phone": f"'+1' || {_one_of([row[3] for row in _PLACES], place)} || 2000000 + n",
        "first_name": _one_of(_FIRST, f"n * 7 % {len(_FIRST)}"),
        "last_name": f"{_one_of(_LAST, f'n * 11 % {len(_LAST)}')} || n % 5000",
        # One in five hundred is of the same person as the one before.
        "email": "'lead' || n - (n % 500 = 1)::int || '@example.com'",
        "stage": _one_of(stages, f"n * 13 % {len(stages)}"),
        "kind": _one_of(kinds, f"n * 17 % {len(kinds)}"),
        "score": "CASE WHEN n % 2 = 0 THEN n % 101 END",
        "owner_id": f"CASE WHEN n % 3 > 0 THEN {_one_of([r.pk for r in reps], 'n % 20')}::int END",
        "street": "n % 9999 || ' Main Street'",
        "city": _one_of([row[0] for row in _PLACES], place),
        "state": _one_of([row[1] for row in _PLACES], place),
        "postal_code": _one_of([row[2] for row in _PLACES], place),
        "source": _one_of(_SOURCES, f"n * 19 % {len(_SOURCES)}"),
        "tags": """CASE WHEN n % 50 = 0 THEN '["vip"]' ELSE '[]' END::jsonb""",
        "created_at": "now() - random() * interval '1000 days'",
    }


def _call_values(campaigns: list[Campaign]) -> dict[str, str]:
    outcomes = list(Outcome)
    return {
        "FROM": "JOIN (SELECT id AS lead, phone, row_number() OVER (ORDER BY id) AS at "
        "FROM leads_lead LIMIT 200000) called ON called.at = n + 1",
        "id": "gen_random_uuid()",
        "lead_id": "called.lead",
        "to_number": "called.phone",
        "campaign_id": f"{_one_of([c.pk for c in campaigns], f'n % {len(campaigns)}')}::uuid",
        "enrolment_id": "NULL",
        "outcome": _one_of(outcomes, f"n * 7 % {len(outcomes)}"),
        "provider_sid": "'CA' || lpad(to_hex(n), 32, '0')",
        "score": "CASE WHEN n % 2 = 0 THEN n % 101 END",
        "created_at": "now() - random() * interval '365 days'",
        "summary": "''",
    }


def _one_of(values: Any, index: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"(ARRAY[{listed}])[1 + ({index})::int]"
