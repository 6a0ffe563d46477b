"""How long the carrier waits for an answer to its webhooks.

    python -m benchmarks.webhooks [--calls 200] [--per-second 20]

Starts the product's real server on a database of its own (DATABASE_URL, or SQLite in DATA_DIR),
makes that many calls, and sends each the four status callbacks of a whole call, signed, at a fixed
rate, whether the one before was answered or not: 20 a second is what five new calls a second cause.
Prints one JSON line. The goal is 200 ms; Twilio gives up after 15 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from pathlib import Path

STATUSES = ("initiated", "ringing", "in-progress", "completed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "reauto_site.settings.dev"
        os.environ["PUBLIC_BASE_URL"] = "https://crm.example.com"
        print(json.dumps(measure(Path(folder), calls=options.calls, per_second=options.per_second)))


def measure(folder: Path, *, calls: int, per_second: float) -> dict[str, object]:
    """Return the figures."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from billing.services import prices_seed
    from calls.models import Call
    from reauto_site.demo.servers import Servers, port_take
    from tests.factories import CallFactory

    call_command("migrate", verbosity=0)
    prices_seed()
    made = [CallFactory(state=Call.State.DIALING) for _ in range(calls)]
    vendor = connections["default"].vendor
    connections.close_all()
    port = port_take(0, what="server", option="--port")
    with Servers(environment={}, log_dir=folder / "logs") as servers:
        servers.start(
            "server",
            ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "reauto_site.asgi:application"],
            ready_url=f"http://127.0.0.1:{port}/health/live",
        )
        took = asyncio.run(
            _send(f"http://127.0.0.1:{port}", [str(call.pk) for call in made], per_second)
        )
    took.sort()
    return {
        "benchmark": "webhooks",
        "database": vendor,
        "calls": calls,
        "per_second": per_second,
        "webhooks": len(took),
        "p50_ms": round(statistics.median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "max_ms": round(took[-1], 1),
    }


async def _send(base_url: str, calls: list[str], per_second: float) -> list[float]:
    import aiohttp
    from django.conf import settings
    from twilio.request_validator import RequestValidator

    validator = RequestValidator(settings.ENV.twilio_auth_tokens[0])
    loop = asyncio.get_running_loop()
    start = loop.time()
    took: list[float] = []

    async def whole_call(session: aiohttp.ClientSession, number: int, call: str) -> None:
        path = f"/twilio/status/{call}/"
        for sequence, status in enumerate(STATUSES):
            fields = {
                "CallSid": f"CA{number:032x}",
                "CallStatus": status,
                "SequenceNumber": str(sequence),
                "AccountSid": settings.ENV.twilio_account_sid,
            }
            url = settings.ENV.public_base_url + path
            signature = validator.compute_signature(url, fields)
            due = start + (number * len(STATUSES) + sequence) / per_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            began = loop.time()
            async with session.post(
                base_url + path, data=fields, headers={"X-Twilio-Signature": signature}
            ) as answer:
                assert answer.status == 204, answer.status
            took.append((loop.time() - began) * 1000)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(whole_call(session, n, call) for n, call in enumerate(calls)))
    return took


if __name__ == "__main__":
    main()
