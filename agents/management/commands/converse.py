"""Talk with a playbook's agent in the terminal, without a telephone."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError

from agents.conversation import Conversation, preload
from agents.interface import (
    Action,
    ActionDone,
    Brief,
    Do,
    Event,
    Item,
    KeyPress,
    Say,
    Silence,
    Slot,
    Utterance,
)
from agents.models import Playbook
from agents.playbook import Script
from agents.scoring import score
from agents.selectors import playbook_script, playbook_version_current
from agents.services.playbooks import playbooks_seed
from agents.summary import summarise


class Command(BaseCommand):
    help = (
        "Chat with a playbook's agent. Write what the lead says; a single key such as 9 is a key "
        "press, an empty line is silence. Nothing is booked or kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("playbook", nargs="?", default="Seller", help="Name of the playbook.")
        parser.add_argument("--zone", default="America/New_York", help="The lead's time zone.")

    def handle(self, *args: Any, **options: Any) -> None:
        script = _script(options["playbook"])
        preload()
        try:
            asyncio.run(_chat(self, script, options["zone"]))
        except (KeyboardInterrupt, EOFError):
            self.stdout.write("")


def _script(name: str) -> Script:
    playbooks_seed()
    playbook = Playbook.objects.filter(name__iexact=name).first()
    version = playbook_version_current(playbook.id) if playbook else None
    if version is None:
        known = ", ".join(Playbook.objects.values_list("name", flat=True))
        raise CommandError(f"There is no published playbook called {name!r}; there are: {known}.")
    return playbook_script(version)


def _free(now: datetime) -> tuple[Slot, ...]:
    """Return times for the chat: the next days at 15:00 and 18:00 UTC."""
    start = now.replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
    times = [start + timedelta(days=day, hours=hours) for day in range(3) for hours in (0, 3)]
    return tuple(Slot(0, "Dana", at, at + timedelta(minutes=30)) for at in times)


async def _chat(command: BaseCommand, script: Script, zone: str) -> None:
    now = datetime.now(UTC)
    call = Conversation(
        Brief(uuid4(), script, "Sunrise Realty", "Maria", zone, True, now, _free(now))
    )
    event: Event | None = await _shown(command, call.open())
    silences = 0
    while not call.talk.ended:
        if event is None:
            words = (await asyncio.to_thread(input, "> ")).strip()
            silences = 0 if words else silences + 1
            event = _event(words, silences)
        event = await _shown(command, call.respond(event))
    notes = await call.close()
    result = score(notes)
    command.stdout.write(f"\n{summarise(notes, script=script)}\nScore: {result.value}")
    for factor in result.factors:
        command.stdout.write(f"  {factor.points:+d} {factor.name}: {factor.value}")


def _event(words: str, silences: int) -> Event:
    if not words:
        return Silence(silences)
    return KeyPress(words) if len(words) == 1 and words in "0123456789*#" else Utterance(words)


async def _shown(command: BaseCommand, items: AsyncIterator[Item]) -> Event | None:
    """Print what the agent says and does; return the result of what reports back."""
    result: Event | None = None
    async for item in items:
        if isinstance(item, Say):
            command.stdout.write(f"  {item.agent:>10}  {item.text}")
        elif isinstance(item, Do):
            command.stdout.write(f"  {'':>10}  [{item.action}]")
            if item.action is Action.BOOK:
                result = ActionDone(Action.BOOK, True)
    return result
