"""How long a dialer takes to find and claim the next lead among a million.

    python -m benchmarks.claim [--enrolments 1000000] [--claims 400] [--dialers 4] [--no-peer]

Runs PostgreSQL of its own. `claim` is the transaction that makes a lead this dialer's: campaign's
lock, pick, gate, call row, number, reservation. `pick` is the statement in it that finds and locks
the enrolment; `dial` is the product's whole `dial_next`, from the choice of the campaign to the
carrier's answer, which here comes at once. Each once with one dialer and once with several at the
same time, which must never get the same lead. `claim_own` is the dialer's own processor time of a
claim, and `claim_statements` how many it asks the database: a busy machine blurs neither much.

The peer is what one writes first: `ORDER BY … FOR UPDATE LIMIT 1` on the same rows with plain
indexes, without SKIP LOCKED; only picking and marking, no gate, no money.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from benchmarks.chaos.clusters import own_postgres

PEER_CLAIMS = 10
WARM_UP = 20


def main() -> None:
    """Measure, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--enrolments", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=400, help="of each dialer")
    parser.add_argument("--dialers", type=int, default=4)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    with own_postgres("claim"):
        report = measure(
            options.enrolments, options.claims, options.dialers, with_peer=options.peer
        )
        print(json.dumps(report))


def measure(enrolments: int, claims: int, dialers: int, *, with_peer: bool) -> dict[str, object]:
    """Return the figures."""
    _setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    campaign = fill(enrolments)
    alone = _all([_dialer(claims)])
    connections.close_all()
    with multiprocessing.get_context("spawn").Pool(dialers) as pool:
        together = _all(pool.map(_dialer, [claims] * dialers))
    report = {
        "benchmark": "claim",
        "enrolments": enrolments,
        "one_dialer": alone,
        f"{dialers}_dialers": together,
    }
    if not with_peer:
        return report
    naive = _peer(campaign)
    connections.close_all()
    with multiprocessing.get_context("spawn").Pool(dialers) as pool:
        naive_together = pool.map(_peer_claims, [campaign] * dialers)
    return report | {
        "peer_one_dialer": _figures(naive),
        f"peer_{dialers}_dialers": _figures([ms for one in naive_together for ms in one]),
    }


def fill(enrolments: int) -> str:
    """Make a running campaign with so many leads who may be called now; return its id."""
    from django.db import connection
    from django.utils import timezone

    from billing.services import prices_seed
    from calls.models import Campaign, Enrolment
    from leads.models import Consent, Lead
    from tests.factories import (
        BudgetFactory,
        CampaignFactory,
        ConsentFactory,
        EnrolmentFactory,
        PlaybookVersionFactory,
    )

    prices_seed()
    version = PlaybookVersionFactory()
    campaign = CampaignFactory(running=True, playbook=version.playbook)
    Campaign.objects.filter(pk=campaign.pk).update(max_concurrent=30_000)
    BudgetFactory(limit=100_000)
    BudgetFactory(campaign=campaign, limit=100_000)
    lead = ConsentFactory().lead
    EnrolmentFactory(campaign=campaign, lead=lead)
    _fill_fast(Lead)
    number = "'+1512' || (2000000 + n)"
    more = f"generate_series(1, {enrolments - 1}) AS n"
    _copy(Lead, more, phone=number, raw_phone=number, email="''")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE made AS SELECT id, phone FROM leads_lead")
    _copy(Consent, "made", lead_id="made.id", phone="made.phone")
    due = f"timestamptz '{timezone.now().isoformat()}' - random() * interval '1 day'"
    _copy(Enrolment, "made", lead_id="made.id", due_at=due, priority="(random() * 3)::int")
    with connection.cursor() as cursor:
        for model in (Lead, Consent, Enrolment):
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")
    return str(campaign.pk)


def _fill_fast(model: Any) -> None:
    """Leave out what only slows the filling down: keys are right, and lists are not read here."""
    from django.db import connection

    _run("SET session_replication_role = replica")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = %s::regclass "
            "AND NOT indisunique",
            [model._meta.db_table],
        )
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        _run(f"DROP INDEX {name}")


def _copy(model: Any, each: str, **values: str) -> None:
    """Copy a table's row once for each row of a source; `values` are SQL in place of its own."""
    names = [field.column for field in model._meta.concrete_fields if not field.generated]
    new = {"id": "gen_random_uuid()", **values}
    chosen = ", ".join(new.get(name, f'one."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    table = model._meta.db_table
    _run(
        f"INSERT INTO {table} ({listed}) SELECT {chosen} FROM {each}, "
        f"(SELECT * FROM {table} LIMIT 1) AS one ON CONFLICT DO NOTHING"
    )


def _run(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _dialer(claims: int) -> dict[str, list[Any]]:
    """Dial so many leads as one dialer does; return the times in ms, and whom it got."""
    _setup()
    from unittest.mock import patch

    from django.db import connection
    from django.utils import timezone

    from calls import carrier
    from calls.models import Call
    from calls.services import dialer
    from leads.policy import may_call as gate

    picks: list[float] = []
    claims_ms: list[float] = []
    own_ms: list[float] = []
    statements: list[int] = []
    asked_for = 0
    claim = dialer._claim

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked_for
        asked_for += 1
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            if "SKIP LOCKED" in sql and "calls_enrolment" in sql:
                picks.append((time.perf_counter() - began) * 1000)

    def timed(*arguments: Any) -> Call | None:
        began, own, before = time.perf_counter(), time.process_time(), asked_for
        call = claim(*arguments)
        if call is not None:
            claims_ms.append((time.perf_counter() - began) * 1000)
            own_ms.append((time.process_time() - own) * 1000)
            statements.append(asked_for - before)
        return call

    def answer(_dial: carrier.Dial) -> carrier.CarrierCall:
        sid = f"CA{os.getpid():08x}{time.perf_counter_ns():024x}"
        return carrier.CarrierCall(sid, "queued", "", "", None, None, "")

    times: list[float] = []
    leads: list[str] = []
    lawful = gate.may_call
    hours = [timezone.now() + timedelta(hours=n) for n in range(24 * 7)]
    asked: list[datetime] = []

    def ask(facts: Any, *, now: datetime) -> Any:
        """Ask the gate for a time that is lawful in Austin."""
        if not asked:
            asked.append(next(at for at in hours if lawful(facts, now=at).allowed))
        return lawful(facts, now=asked[0])

    with (
        patch.object(carrier, "call_create", answer),
        patch.object(dialer, "may_call", ask),
        patch.object(dialer, "_claim", timed),
        connection.execute_wrapper(watch),
    ):
        while len(times) < claims + WARM_UP:
            began = time.perf_counter()
            call = dialer.dial_next(timezone.now())
            took = (time.perf_counter() - began) * 1000
            if call is None:
                continue  # another dialer has the campaign at this moment
            times.append(took)
            leads.append(str(call.lead_id))
            Call.objects.filter(pk=call.pk).update(state="failed", ended_at=timezone.now())
    return {
        "dial": times[WARM_UP:],
        "claim": claims_ms[WARM_UP:],
        "claim_own": own_ms[WARM_UP:],
        "statements": statements[WARM_UP:],
        "pick": picks[WARM_UP:],
        "leads": leads,
    }


def _all(dialers: list[dict[str, list[Any]]]) -> dict[str, object]:
    leads = [lead for one in dialers for lead in one["leads"]]
    return {
        **{
            f"{part}_ms": _figures([ms for one in dialers for ms in one[part]])
            for part in ("pick", "claim", "claim_own", "dial")
        },
        "claim_statements": max(count for one in dialers for count in one["statements"]),
        "claimed": len(leads),
        "claimed_twice": len(leads) - len(set(leads)),
    }


def _peer(campaign: str) -> list[float]:
    """Claim as one writes it first, on a copy of the rows with plain indexes."""
    _run(
        "CREATE TABLE naive AS SELECT id, campaign_id, state, priority, due_at FROM calls_enrolment"
    )
    _run("ALTER TABLE naive ADD PRIMARY KEY (id)")
    _run("CREATE INDEX ON naive (campaign_id)")
    _run("CREATE INDEX ON naive (state)")
    _run("VACUUM ANALYZE naive")
    return _peer_claims(campaign)


def _peer_claims(campaign: str) -> list[float]:
    _setup()
    from django.db import connection, transaction

    times = []
    for _ in range(PEER_CLAIMS):
        began = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM naive WHERE campaign_id = %s AND state = 'waiting' "
                "AND due_at <= now() ORDER BY priority DESC, due_at LIMIT 1 FOR UPDATE",
                [campaign],
            )
            row = cursor.fetchone()
            if row is not None:
                cursor.execute("UPDATE naive SET state = 'claimed' WHERE id = %s", row)
        times.append((time.perf_counter() - began) * 1000)
    return times


def _figures(ms: list[float]) -> dict[str, float]:
    ordered = sorted(ms)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p95": round(ordered[int(len(ordered) * 0.95)], 2),
        "max": round(ordered[-1], 2),
        "n": len(ordered),
    }


def _setup() -> None:
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


if __name__ == "__main__":
    main()
