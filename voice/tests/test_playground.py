"""Talk to it: a browser in the carrier's place, over a real socket, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.test import Client

from agents.interface import Action, Do, Event, Item, Say, Slot
from agents.models import Playbook
from agents.services.playbooks import playbook_version_save
from billing.models import Charge
from calls.models import Call, CallEvent, Recording, Turn
from calls.tests.conftest import playbook_version
from leads.models import Appointment
from tests.factories import ManagerFactory, UserFactory
from voice import call_watch
from voice.playground import PlaygroundConsumer
from voice.tests.conftest import (
    CONVERSATIONS,
    Answer,
    Caller,
    Daphne,
    ScriptedConversation,
    all_calls_over,
    start_message,
)

pytestmark = pytest.mark.django_db(transaction=True)

GREETING = "Good day."
THANKS = "Thank you, that is good to know."


NOW = datetime(2030, 1, 7, 15, tzinfo=UTC)
SLOT = Slot(0, "Dana", NOW, NOW + timedelta(minutes=30))


def thanks(_event: Event) -> Sequence[Item]:
    return [Say(THANKS, "ack", "qualifier", why="qualifier: asks nothing")]


def books(_event: Event) -> Sequence[Item]:
    return [Say("One moment please.", "booking", "scheduler"), Do(Action.BOOK, {"slot": SLOT})]


def talk(answer: Answer) -> ScriptedConversation:
    return ScriptedConversation([Say(GREETING, "greet", "greeter")], answer)


@pytest.fixture
def playbook(server: Daphne) -> Playbook:
    CONVERSATIONS["playground"] = talk(thanks)
    made: Playbook = playbook_version().playbook
    return made


def session_of(user: Any) -> str:
    """Return the cookie of a person who is logged in."""
    client = Client()
    client.force_login(user)
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


class Browser(Caller):
    """A page that talks to a playbook, with what it is told beside the sound."""

    def __init__(self, server: Daphne, playbook: Playbook, session: str, **lead: str) -> None:
        super().__init__(None, None)
        self.host = f"127.0.0.1:{server.port}"
        self.url = f"http://{self.host}/ws/playground/{playbook.pk}/"
        self.headers = {
            "Cookie": f"{django_settings.SESSION_COOKIE_NAME}={session}",
            "Origin": f"http://{self.host}",
        }
        self.lead = lead
        self.news: list[dict[str, Any]] = []
        self.told_more = asyncio.Event()

    async def _open(self, token: str | None) -> None:
        start = start_message("browser", None)
        start["start"]["customParameters"] = self.lead
        await self._begin(self.url, self.headers, start)

    def told(self, message: dict[str, Any]) -> None:
        self.news.append(message)
        self.told_more.set()

    async def until_told(
        self, event: str, *, within_s: float = 20, **values: Any
    ) -> dict[str, Any]:
        """Wait for a message with these values in its body."""
        async with asyncio.timeout(within_s):
            while True:
                for message in self.news:
                    body = message.get(event, message)
                    if message["event"] == event and values.items() <= body.items():
                        return message
                self.told_more.clear()
                await self.told_more.wait()

    async def says_until_heard(self, words: str) -> int:
        """Say it again where a busy machine was too late to hear it."""
        for _ in range(3):
            self.say(words)
            with contextlib.suppress(TimeoutError):
                heard = await self.until_told("turn", within_s=25, speaker="lead", text=words)
                return int(heard["turn"]["index"])
        raise AssertionError(f"“{words}” was never heard")


@pytest.fixture
async def browser(server: Daphne, playbook: Playbook) -> AsyncIterator[Browser]:
    session = await asyncio.to_thread(lambda: session_of(ManagerFactory()))
    async with Browser(server, playbook, session, first_name="Ana", recorded="false") as browser:
        yield browser


async def test_a_browser_talks_through_the_pipeline_of_calls(browser: Browser) -> None:
    started = await browser.until_told("news", kind="started")
    assert started["data"]["version"] == 1
    await browser.until_mark("greet")
    index = await browser.says_until_heard("yes this is a good time")
    said = (await browser.until_told("turn", speaker="agent", index=index + 1))["turn"]
    assert (said["agent"], said["text"]) == ("qualifier", THANKS)
    assert said["latency_ms"] >= 0
    assert browser.gaps_ms()
    brief = CONVERSATIONS["playground"].brief
    assert brief is not None
    assert (brief.lead_first_name, brief.recorded) == ("Ana", False)


async def test_nothing_of_it_is_kept_or_charged(browser: Browser) -> None:
    await browser.until_told("news", kind="started")
    CONVERSATIONS["playground"].answer = books
    await browser.until_mark("greet")
    browser.say("the first one is good for me")
    await browser.until_told("news", kind="book")
    await browser.send({"event": "stop", "streamSid": "MZ", "stop": {}})
    await browser.until_closed()
    for model in (Call, Turn, CallEvent, Charge, Recording, Appointment):
        assert await model.objects.acount() == 0


async def test_a_key_is_pressed_and_the_agent_is_interrupted(browser: Browser) -> None:
    await browser.until_mark("greet")
    await browser.press("5")
    await browser.until_told("news", kind="key")


async def test_a_draft_is_talked_to(server: Daphne, playbook: Playbook) -> None:
    def draft() -> str:
        first = playbook.versions.get()
        script = {**first.script, "hold": "Take all the time you need."}
        playbook_version_save(playbook_id=playbook.pk, script=script)
        return session_of(ManagerFactory())

    session = await asyncio.to_thread(draft)
    async with Browser(server, playbook, session, version="2") as browser:
        assert (await browser.until_told("news", kind="started"))["data"]["version"] == 2
    brief = CONVERSATIONS["playground"].brief
    assert brief is not None
    assert brief.script.hold == "Take all the time you need."


async def test_what_cannot_be_pretended_is_told(server: Daphne, playbook: Playbook) -> None:
    session = await asyncio.to_thread(lambda: session_of(ManagerFactory()))
    async with Browser(server, playbook, session, time_zone="Mars/Olympus") as browser:
        told = await browser.until_told("news", kind="refused")
        assert "there is no time zone" in told["data"]["text"]
        await browser.until_closed()


async def test_each_person_talks_once_at_a_time(
    browser: Browser, server: Daphne, playbook: Playbook
) -> None:
    await browser.until_told("news", kind="started")
    session = browser.headers["Cookie"].partition("=")[2]
    async with Browser(server, playbook, session) as second:
        told = await second.until_told("news", kind="refused")
        assert "Another talk is running" in told["data"]["text"]
        await second.until_closed()


async def test_a_page_that_is_left_ends_the_talk(browser: Browser, server: Daphne) -> None:
    await browser.until_told("news", kind="started")
    browser.drop()
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(all_calls_over(), server.loop))
    assert not PlaygroundConsumer.talking


async def test_the_agent_says_goodbye_when_the_playbooks_minutes_are_over(
    server: Daphne, playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_watch, "MINUTE_S", 0.01)
    session = await asyncio.to_thread(lambda: session_of(ManagerFactory()))
    async with Browser(server, playbook, session) as browser:
        await browser.until_mark("ack")
        kept = [type(event).__name__ for event in CONVERSATIONS["playground"].kept]
        assert "WrapUp" in kept


@pytest.mark.parametrize("who", ["nobody", "a reader", "another site"])
async def test_only_who_may_try_playbooks_is_let_in(
    server: Daphne, playbook: Playbook, who: str
) -> None:
    def person() -> str:
        if who == "nobody":
            return "x"
        user = ManagerFactory() if who == "another site" else UserFactory(is_staff=True)
        if who == "a reader":
            user.user_permissions.add(Permission.objects.get(codename="view_playbook"))
        return session_of(user)

    browser = Browser(server, playbook, await asyncio.to_thread(person))
    if who == "another site":
        browser.headers["Origin"] = "https://elsewhere.example"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with browser:
            pass
    assert refused.value.status == 403
    await browser._session.close()
