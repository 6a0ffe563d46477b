"""Talk with a playbook's agent in the terminal, without a telephone."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agents.consumers import Chosen, version_chosen
from agents.conversation import Conversation, preload
from agents.interface import Brief, Event, KeyPress, Silence, Utterance
from agents.llm.process import call_model
from agents.models import Playbook
from agents.rehearsal import Message, Pretend, PretendInvalid, Rehearsal, brief_of, times_to_offer
from agents.services.playbooks import playbooks_seed


class Command(BaseCommand):
    help = (
        "Chat with a playbook's agent. Write what the lead says; a single key such as 9 is a key "
        "press, an empty line is silence. Nothing is booked or kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("playbook", nargs="?", default="Seller", help="Name of the playbook.")
        parser.add_argument("--version-number", type=int, help="Its version; else the newest.")
        parser.add_argument("--name", default="Maria", help="The lead's first name.")
        parser.add_argument("--zone", default="America/New_York", help="The lead's time zone.")
        parser.add_argument("--business", default="Sunrise Realty", help="Who calls.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["playbook"], options["version_number"])
        given = {
            "first_name": options["name"],
            "time_zone": options["zone"],
            "business": options["business"],
        }
        try:
            lead = Pretend.checked(given)
        except PretendInvalid as error:
            raise CommandError(str(error)) from None
        now = timezone.now()
        slots = times_to_offer(lead.time_zone, now)
        brief = brief_of(chosen.script, lead, slots, now=now, lead_kind=chosen.lead_kind)
        preload()
        try:
            asyncio.run(self._chat(brief, lead))
        except (KeyboardInterrupt, EOFError):
            self.stdout.write("")

    async def _chat(self, brief: Brief, lead: Pretend) -> None:
        conversation = Conversation(brief, model=call_model(brief))
        rehearsal = Rehearsal(brief, lead, conversation=conversation)
        state = await self._shown(rehearsal.open())
        silences = 0
        while not rehearsal.ended:
            words = (await asyncio.to_thread(input, "> ")).strip()
            silences = 0 if words else silences + 1
            state = await self._shown(rehearsal.respond(_event(words, silences)))
        await rehearsal.close()
        self.stdout.write(f"\n{state['summary']}\nScore: {state['score']}")
        for factor in state["factors"]:
            self.stdout.write(f"  {factor['points']:+d} {factor['name']}: {factor['value']}")

    async def _shown(self, messages: AsyncIterator[Message]) -> Message:
        """Print what the agent says and does; return what it knows then."""
        state: Message = {}
        async for message in messages:
            if message["kind"] == "say":
                self.stdout.write(f"  {message['agent']:>10}  {message['text']}")
            elif message["kind"] == "do":
                self.stdout.write(f"  {'':>10}  [{message['text']}]")
            else:
                state = message
        return state


def _chosen(name: str, number: int | None) -> Chosen:
    playbooks_seed()
    playbook = Playbook.objects.filter(name__iexact=name).first()
    chosen = version_chosen(playbook.pk, number) if playbook else None
    if chosen is None:
        known = ", ".join(Playbook.objects.values_list("name", flat=True))
        version = "" if number is None else f" with a version {number}"
        raise CommandError(f"There is no playbook called {name!r}{version}; there are: {known}.")
    return chosen


def _event(words: str, silences: int) -> Event:
    if not words:
        return Silence(silences)
    return KeyPress(words) if len(words) == 1 and words in "0123456789*#" else Utterance(words)
