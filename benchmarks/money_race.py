"""Fifty calls want a budget's last dollar at the same moment: how much is promised too much?

    python -m benchmarks.money_race [--threads 50] [--rounds 10]

Runs PostgreSQL of its own. Each round has a budget of a dollar and as many calls as threads, which
all ask for ten cents at once: ten may have them. The peer checks what is left and inserts its
promise, in a transaction, without locks.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import timedelta
from decimal import Decimal

from benchmarks.chaos.clusters import own_postgres

TEN_CENTS = Decimal("0.10")
DOLLAR = Decimal(1)


def main() -> None:
    """Measure, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with own_postgres("money"):
        print(json.dumps(measure(options.threads, options.rounds)))


def measure(threads: int, rounds: int) -> dict[str, object]:
    """Return the figures."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    ours = [product_round(threads) for _ in range(rounds)]
    took = time.perf_counter() - began
    peers = [peer_round(threads) for _ in range(rounds)]
    return {
        "benchmark": "money_race",
        "threads": threads,
        "rounds": rounds,
        "limit_usd": str(DOLLAR),
        "promised_usd": [str(promised) for promised in sorted(set(ours))],
        "overspent_usd": str(sum((max(one - DOLLAR, Decimal(0)) for one in ours), Decimal(0))),
        "reservations_per_s": round(threads * rounds / took, 1),
        "peer_overspent_usd": str(
            sum((max(one - DOLLAR, Decimal(0)) for one in peers), Decimal(0))
        ),
        "peer_worst_usd": str(max(peers)),
    }


def product_round(threads: int) -> Decimal:
    """Let every thread reserve; return the USD promised in all."""
    from django.db import transaction
    from django.db.models import Sum
    from django.utils import timezone

    from billing.models import BudgetPeriod, Reservation
    from billing.services import budget_reserve
    from tests.factories import BudgetFactory, CallFactory, CampaignFactory
    from tests.threads import at_once

    now = timezone.now()
    campaign = CampaignFactory()
    budget = BudgetFactory(campaign=campaign, limit=DOLLAR)
    calls = [CallFactory(campaign=campaign, ended=True) for _ in range(threads)]

    def reserve(number: int) -> Reservation:
        with transaction.atomic():
            return budget_reserve(
                call_id=calls[number].pk,
                campaign_id=campaign.pk,
                amount=TEN_CENTS,
                now=now,
                expires_at=now + timedelta(minutes=15),
            )

    at_once(threads, reserve)
    rows = Reservation.objects.filter(call__campaign=campaign)
    promised = rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    kept = BudgetPeriod.objects.get(budget=budget).reserved
    assert kept == promised, f"the budget says {kept}, its reservations {promised}"
    return Decimal(promised)


def peer_round(threads: int) -> Decimal:
    """Let every thread check and insert, without locks; return the USD promised in all."""
    from django.db import connection, transaction

    from tests.threads import at_once

    def run(statement: str, *values: object) -> list[tuple[Decimal, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    run("DROP TABLE IF EXISTS promises")
    run("CREATE TABLE promises (amount numeric)")

    def reserve(_number: int) -> bool:
        with transaction.atomic():
            [(total,)] = run("SELECT coalesce(sum(amount), 0) FROM promises")
            if total + TEN_CENTS > DOLLAR:
                return False
            run("INSERT INTO promises VALUES (%s)", TEN_CENTS)
        return True

    at_once(threads, reserve)
    [(total,)] = run("SELECT coalesce(sum(amount), 0) FROM promises")
    return total


if __name__ == "__main__":
    main()
