"""The product and the stock bot as systems whose media sockets are opened directly."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from twilio.request_validator import RequestValidator

from benchmarks.sockets import Door
from reauto_site.demo.servers import Servers, port_take


class DirectProduct:
    """The product's web and voice server; its calls are rows made beforehand."""

    name = "product"

    def __init__(self, servers: Servers, *, port: int) -> None:
        self._campaign: Any = None
        servers.start(
            "server",
            ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "reauto_site.asgi:application"],
            ready_url=f"http://127.0.0.1:{port}/health/ready",
        )
        self.pid = servers.pid("server")

    def doors(self, count: int) -> list[Door]:
        """Make so many calls whose leads have just picked up."""
        from django.conf import settings
        from django.db import transaction
        from django.utils import timezone

        from agents.selectors import playbook_version_current
        from billing.services import budget_reserve
        from calls.models import Call
        from calls.services.streams import stream_token_issue
        from reauto_site.demo import seed

        now = timezone.now()
        leads = seed.leads_seed(calls=count, now=now, cast=seed.cast_of(["silent"]))
        if self._campaign is None:
            seed.rep_seed(time_zone=leads[0].place.time_zone)
            self._campaign = seed.campaign_seed(now=now)
        version = playbook_version_current(self._campaign.playbook_id)
        url = settings.ENV.media_stream_url
        validator = RequestValidator(settings.ENV.twilio_auth_token.get_secret_value())
        signature = validator.compute_signature(url, {})
        doors = []
        for lead in leads:
            call = Call.objects.create(
                lead_id=lead.lead_id,
                campaign=self._campaign,
                playbook_version=version,
                to_number=lead.phone,
                from_number=seed.CALLER_NUMBER,
                state=Call.State.RINGING,
                provider_sid="CA" + secrets.token_hex(16),
                dialed_at=now,
                max_seconds=3600,
            )
            with transaction.atomic():
                budget_reserve(
                    call_id=call.pk,
                    campaign_id=self._campaign.pk,
                    amount=Decimal("0.05"),
                    now=now,
                    expires_at=now + timedelta(hours=2),
                )
            token = stream_token_issue(call_id=call.pk, now=now)
            doors.append(
                Door(
                    url=url,
                    account_sid=settings.ENV.twilio_account_sid,
                    call_sid=call.provider_sid,
                    parameters={"call": str(call.pk), "token": str(token)},
                    signature=signature,
                )
            )
        return doors


class DirectStockBot:
    """The stock Pipecat bot in a process of its own."""

    name = "stock_pipecat"

    def __init__(self, servers: Servers, *, folder: Path) -> None:
        port = port_take(0, what="stock bot", option="--port")
        self._url = f"ws://127.0.0.1:{port}/ws"
        servers.start(
            "stock_bot",
            [
                "-m", "benchmarks.stock_bot", "--port", str(port),
                "--events", str(folder / "stock_bot.jsonl"),
            ],
            ready_url=f"http://127.0.0.1:{port}",
        )  # fmt: skip
        self.pid = servers.pid("stock_bot")

    def doors(self, count: int) -> list[Door]:
        """Return doors for so many calls: whoever connects is a call."""
        account = os.environ["TWILIO_ACCOUNT_SID"]
        return [Door(self._url, account, "CA" + secrets.token_hex(16)) for _ in range(count)]
