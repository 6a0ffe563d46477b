"""How many decisions the gate makes in a second, on one core.

    python -m benchmarks.may_call [--seconds 5]

`may_call` alone is the pure policy, over leads in every state and at every hour of a year, allowed
and refused; `with_facts` also reads what it depends on from the database (DATABASE_URL, or SQLite
in a folder of its own), as the dialer does right before each call. Seconds are of processor time:
a busy machine makes nothing look slower. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

LEADS = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "reauto_site.settings.dev"
        print(json.dumps(measure(options.seconds)))


def measure(seconds: float) -> dict[str, Any]:
    """Return decisions a second, and what they were."""
    import django

    django.setup()
    from leads.policy.may_call import may_call

    cases = pure_cases()
    allowed = sum(may_call(facts, now=now).allowed for facts, now in cases)

    def decide(n: int) -> None:
        facts, now = cases[n % len(cases)]
        may_call(facts, now=now)

    from django.core.management import call_command
    from django.db import connection, transaction

    call_command("migrate", verbosity=0)
    from leads.selectors import call_facts

    moment = datetime.now(UTC)
    with transaction.atomic():  # nothing of it stays
        leads = stored_leads()

        def decide_stored(n: int) -> None:
            may_call(call_facts(leads[n % LEADS], attempts_at=()), now=moment)

        stored = per_second(decide_stored, seconds)
        transaction.set_rollback(True)
    return {
        "benchmark": "may_call",
        "per_second": per_second(decide, seconds),
        "allowed_share": round(allowed / len(cases), 2),
        "with_facts_per_second": stored,
        "database": connection.vendor,
    }


def pure_cases() -> list[tuple[Any, datetime]]:
    """Return facts and moments: every state and hour, some without consent, some called often."""
    from leads.policy.may_call import CallFacts, LookUp
    from leads.policy.places import states

    randomly = random.Random(3)
    cases = []
    for _ in range(20_000):
        state = randomly.choice(list(states().values()))
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=randomly.randrange(525_600))
        attempts = [now - timedelta(hours=randomly.randrange(200)) for _ in range(4)]
        cases.append(
            (
                CallFacts(
                    time_zones=tuple(state.time_zones),
                    states=(state.code,),
                    has_consent=randomly.random() < 0.9,
                    consent_on=date(2025, 12, 1),
                    do_not_call=randomly.random() < 0.05,
                    national=LookUp(made_on=now.date(), listed=randomly.random() < 0.3),
                    attempts_at=tuple(attempts[: randomly.randrange(5)]),
                ),
                now,
            )
        )
    return cases


def stored_leads() -> list[Any]:
    """Make leads with consent."""
    from tests.factories import ConsentFactory

    return [ConsentFactory().lead for _ in range(LEADS)]


def per_second(work: Callable[[int], None], seconds: float) -> int:
    """Return how often work is done in a second of this process's processor time."""
    done, began = 0, time.process_time()
    while (passed := time.process_time() - began) < seconds:
        work(done)
        done += 1
    return round(done / passed)


if __name__ == "__main__":
    main()
