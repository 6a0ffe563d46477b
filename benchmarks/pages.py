"""How long a person waits for the desk's pages, with a million leads and 200 000 calls.

    DATABASE_URL=postgresql://… python -m benchmarks.pages
    DATABASE_URL=postgresql://… python -m benchmarks.pages --leads 10000 --calls 2000 --no-peer

PostgreSQL only. The database is migrated and filled up to those numbers, and keeps them: give it
one of its own. Each page is asked for `--times` times from the product's real server, logged in,
one request after the other, and so is Django's own admin over the same tables. Queries, and the
processor time of Python and of the database, are taken in this process: on a busy machine they say
more. Prints one JSON object. The goal is a p95 of 300 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LEADS, CALLS = "/admin/leads/lead/", "/admin/calls/call/"
CHARGES, BUDGETS = "/admin/billing/charge/", "/admin/billing/budget/"
COSTS = "/admin/costs/"
STOCK = (LEADS, CALLS, CHARGES, BUDGETS)
"""Lists that Django's own admin has too."""
WARM_UP = 2
COST_TIMES = 3
PEER_TIMES = 5
"""Some of the peer's pages take many seconds each."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=40, help="0: only what pages cost")
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--no-peer", action="store_true", help="leave Django's own admin out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "reauto_site.settings.test"
        print(json.dumps(measure(Path(folder), **vars(options)), indent=1))


def measure(
    folder: Path, *, leads: int, calls: int, times: int, only: str, no_peer: bool
) -> dict[str, Any]:
    """Return the figures of every page, by the page's name."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor != "postgresql":
        raise SystemExit("Pages are measured on PostgreSQL: set DATABASE_URL.")
    call_command("migrate", verbosity=0)
    from benchmarks.many_leads import fill
    from benchmarks.much_money import fill_money

    fill(leads=leads, calls=calls)
    fill_money()
    pages = {name: page for name, page in addresses().items() if only in name}
    peers = {
        name: page
        for name, page in pages.items()
        if page[1] == "bench-owner" and page[0].startswith(STOCK) and "change" not in page[0]
    }
    systems = [("product", "reauto_site.asgi:application", "reauto_site.urls", pages)]
    if not no_peer:
        stock = "benchmarks.stock_admin"
        systems.append(("stock_admin", f"{stock}:application", stock, peers))
    figures: dict[str, Any] = {name: {} for name in pages}
    for system, application, urls, theirs in systems:
        for name, (path, who) in theirs.items():
            cost = cost_of(path, who, urls=urls, times=COST_TIMES)
            figures[name][system] = cost
            print(f"{system}, {name}: {cost}", file=sys.stderr)
        if not times:
            continue
        with served(application, folder) as base:
            for name, (path, who) in theirs.items():
                how_often = times if system == "product" else min(times, PEER_TIMES)
                figures[name][system] |= fetched(base + path, session_of(who), how_often)
    return {"benchmark": "pages", "leads": leads, "calls": calls, "times": times, **figures}


def addresses() -> dict[str, tuple[str, str]]:
    """Return what is measured: the page's name, its address, and who opens it."""
    from benchmarks.many_leads import long_story
    from calls.models import Call

    story = long_story()
    reviewed = Call.objects.filter(lead=story).exclude(summary="")[0]
    owner, rep = "bench-owner", "bench-rep-3"
    return {
        "leads": (LEADS, owner),
        "leads, page 20": (f"{LEADS}?p=20", owner),
        "leads of a rep": (LEADS, rep),
        "leads, qualified": (f"{LEADS}?stage__exact=qualified", owner),
        "leads, in Texas": (f"{LEADS}?state=TX", owner),
        "leads, a rare name": (f"{LEADS}?q=kowalski4711", owner),
        "leads, a frequent name": (f"{LEADS}?q=maria", owner),
        "leads, a number": (f"{LEADS}?q=(512)+234-5678", owner),
        "a lead with 10 000 entries": (f"{LEADS}{story.pk}/change/", owner),
        "calls": (CALLS, owner),
        "calls, appointments": (f"{CALLS}?outcome__exact=appointment", owner),
        "calls of a rep": (CALLS, rep),
        "review of a call": (f"{CALLS}{reviewed.pk}/change/", owner),
        "dashboard": ("/admin/", owner),
        "dashboard of a rep": ("/admin/", rep),
        "duplicates": ("/admin/leads/leadmerge/", owner),
        **money_addresses(owner),
    }


def money_addresses(owner: str) -> dict[str, tuple[str, str]]:
    """Return the pages of money, as `addresses` does."""
    from billing.models import Budget
    from calls.models import Campaign

    today = datetime.now(UTC).date()
    year = f"since={today - timedelta(days=365)}&until={today}"
    daily = Budget.objects.filter(period="day").order_by("name")[0]
    campaign = Campaign.objects.order_by("pk")[0]
    pages = {
        "costs": COSTS,
        "costs of a year": f"{COSTS}?{year}",
        "costs of a campaign": f"{COSTS}?campaign={campaign.pk}",
        "what if": f"{COSTS}what-if/",
        "what if, a year": f"{COSTS}what-if/?{year}",
        "bills": f"{COSTS}variance/",
        "bills of a year": f"{COSTS}variance/?{year}",
        "charges": CHARGES,
        "charges, a component": f"{CHARGES}?component__exact=tts",
        "charges, a day": f"{CHARGES}?at_from_0={today}&at_from_1=00:00:00"
        f"&at_to_0={today}&at_to_1=23:59:59",
        "charges, a key": f"{CHARGES}?q=no-such-key",
        "budgets": BUDGETS,
        "a budget": f"{BUDGETS}{daily.pk}/change/",
    }
    return {f"money: {name}": (path, owner) for name, path in pages.items()}


def cost_of(path: str, who: str, *, urls: str, times: int) -> dict[str, Any]:
    """Return what a page costs whoever else is busy: queries, and ms of processor time.

    Args:
        urls: module of addresses; the product's or the peer's.
    """
    import psutil
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client, override_settings
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username=who))
    backend = psutil.Process(connection.connection.info.backend_pid)
    with override_settings(ROOT_URLCONF=urls):
        client.get(path)  # what is read once per process is not the page's
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        asked = len(queries)  # the next request begins a log of its own
        assert answer.status_code == 200, (path, answer.status_code)
        before, began = sum(backend.cpu_times()[:2]), time.process_time()
        for _ in range(times):
            client.get(path)
        python = time.process_time() - began
        database = sum(backend.cpu_times()[:2]) - before
    return {
        "queries": asked,
        "python_ms": round(python / times * 1000),
        "database_ms": round(database / times * 1000),
    }


def session_of(who: str) -> str:
    """Return a session's cookie for somebody."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username=who))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@contextmanager
def served(application: str, folder: Path) -> Iterator[str]:
    """Serve an application on a port of its own, and give its address."""
    from reauto_site.demo.servers import Servers, port_take

    port = port_take(0, what="server", option="--port")
    with Servers(environment={}, log_dir=folder / "logs") as servers:
        servers.start(
            "server", ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application],
            ready_url=f"http://127.0.0.1:{port}/admin/login/",
        )  # fmt: skip
        yield f"http://127.0.0.1:{port}"


def fetched(url: str, cookie: str, times: int) -> dict[str, Any]:
    """Return how long a page takes in ms."""
    took = []
    for turn in range(times + WARM_UP):
        request = urllib.request.Request(url, headers={"Cookie": cookie})
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=120) as answer:
            body = answer.read()
        if turn >= WARM_UP:
            took.append((time.monotonic() - began) * 1000)
    took.sort()
    return {
        "p50_ms": round(statistics.median(took)),
        "p95_ms": round(took[int(len(took) * 0.95)]),
        "max_ms": round(took[-1]),
        "kilobytes": len(body) // 1024,
    }


if __name__ == "__main__":
    main()
