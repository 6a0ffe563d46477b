"""Ask every language model that is configured, and say how it did."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agents.llm.checkup import checkup, prices_missing
from agents.llm.process import model_settings


class Command(BaseCommand):
    help = (
        "Ask every language model of the settings one question: is it reached, is the model there, "
        "how fast is it, and has it a price? Loads models that are not loaded. Fails if one cannot "
        "be used, and says what to do. Calls go on without any: playbooks then speak alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = model_settings()
        found = asyncio.run(checkup(settings))
        found += prices_missing(settings, day=timezone.now().date())
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found]))
        else:
            for each in found:
                mark = self.style.SUCCESS("ok  ") if each.ok else self.style.ERROR("FAIL")
                self.stdout.write(f"{mark}  {each.name}: {each.text}")
        if wrong := [each.name for each in found if not each.ok]:
            raise CommandError(f"Not usable as it is: {', '.join(wrong)}.")
