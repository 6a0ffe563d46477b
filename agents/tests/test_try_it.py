"""Try it: a chat with the agent over a socket, for those who may, and nothing of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Permission
from django.urls import path

from agents import consumers
from agents.consumers import TryItConsumer
from agents.models import Playbook
from agents.routing import websocket_urlpatterns
from agents.services.playbooks import playbook_version_save
from leads.models import Appointment, DoNotCall, Lead
from tests.factories import ManagerFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 20
READY = {"kind": "ready"}


class Page:
    """The page's side of one chat."""

    def __init__(self, user: Any, playbook: Playbook) -> None:
        app = URLRouter([path("try/<uuid:playbook_id>/", TryItConsumer.as_asgi())])
        self.socket = WebsocketCommunicator(app, f"/try/{playbook.pk}/")
        self.socket.scope["user"] = user

    async def open(self) -> bool:
        connected, _ = await self.socket.connect(timeout=WITHIN_S)
        return bool(connected)

    async def asks(self, **wish: Any) -> list[dict[str, Any]]:
        """Send a wish, and return what comes of it."""
        await self.socket.send_json_to(wish)
        came: list[dict[str, Any]] = []
        while (message := await self.socket.receive_json_from(timeout=WITHIN_S)) != READY:
            came.append(message)
        return came

    async def says(self, *words: str) -> list[dict[str, Any]]:
        came: list[dict[str, Any]] = []
        for each in words:
            came = await self.asks(do="say", text=each)
        return came


def spoken(came: list[dict[str, Any]]) -> str:
    return " ".join(each["text"] for each in came if each["kind"] == "say")


def known(came: list[dict[str, Any]]) -> dict[str, str]:
    return {slot["slot"]: slot["value"] for slot in came[-1]["slots"] if slot["value"]}


@pytest.fixture
def playbook(transactional_db: None) -> Playbook:
    from agents.services.playbooks import playbooks_seed

    playbooks_seed()
    return Playbook.objects.get(name="Seller")


@pytest.fixture
async def page(playbook: Playbook) -> AsyncIterator[Page]:
    manager = await asyncio.to_thread(ManagerFactory)
    page = Page(manager, playbook)
    assert await page.open()
    yield page
    await page.socket.disconnect(timeout=WITHIN_S)


async def test_a_whole_talk_fills_in_what_the_agent_knows_and_the_score(page: Page) -> None:
    began = await page.asks(do="start", lead={"first_name": "Ana", "business": "Oak Homes"})
    assert began[0] == {"kind": "started", "playbook": "Seller", "version": 1}
    assert "an AI assistant calling for Oak Homes" in spoken(began)
    assert "Ana, I am calling about selling your home" in spoken(began)
    came = await page.says("yes sure", "we are moving for a new job")
    assert known(came) == {"motivation": "relocation"}
    assert came[-1]["agent"] == "qualifier"
    assert came[-1]["why"] == "asks timeframe"
    first = came[-1]["score"]
    came = await page.says("in three months", "a house with three bedrooms", "400 thousand", "no")
    assert came[-1]["score"] > first
    came = await page.says("the first one", "yes")
    assert any(each["kind"] == "do" and each["action"] == "book" for each in came)
    assert "It is booked" in spoken(came)
    assert came[-1]["ended"]
    assert came[-1]["outcome"] == "appointment"
    assert "Appointment booked" in came[-1]["summary"]
    after = await page.says("hello?")
    assert after == [{"kind": "error", "text": "The agent has hung up: begin again."}]


async def test_nothing_of_it_is_kept(page: Page) -> None:
    await page.asks(do="start")
    await page.says("take me off your list")
    for model in (apps.get_model("calls", "Call"), Lead, Appointment, DoNotCall):
        assert await model._default_manager.acount() == 0


async def test_words_are_understood_while_they_are_written_and_change_nothing(page: Page) -> None:
    await page.asks(do="start")
    before = (await page.says("yes", "a divorce"))[-1]
    (preview,) = await page.asks(do="typing", text="in about two months i think")
    assert [(slot["slot"], slot["value"]) for slot in preview["slots"]] == [
        ("timeframe", "2 months")
    ]
    assert preview["score"] > before["score"]
    (nothing,) = await page.asks(do="typing", text="in ab")
    assert nothing["slots"] == []
    assert known(await page.asks(do="silence")) == {"motivation": "divorce"}


async def test_keys_silence_machines_and_the_end_of_money_are_pressed(page: Page) -> None:
    await page.asks(do="start")
    assert "could not hear you" in spoken(await page.asks(do="silence"))
    assert "still cannot hear" in spoken(await page.asks(do="silence"))
    await page.says("yes")
    assert "could not hear you" in spoken(await page.asks(do="silence"))  # counted anew
    came = await page.asks(do="key", digit="9")
    assert came[-1]["outcome"] == "do not call"
    await page.asks(do="start")
    assert "call this number back and say stop" in spoken(await page.asks(do="machine"))
    await page.asks(do="start")
    assert "I have to end the call here" in spoken(await page.asks(do="wrap_up"))


async def test_the_lead_is_whom_the_manager_pretends(page: Page) -> None:
    began = await page.asks(do="start", lead={"recorded": False, "spoken_before": True})
    assert "recorded" not in spoken(began)
    assert "we spoke before" in spoken(began)
    (refused,) = await page.asks(do="start", lead={"time_zone": "Mars/Olympus"})
    assert (
        refused["text"] == "Time zone: there is no time zone “Mars/Olympus”; take one from the list"
    )
    (refused,) = await page.asks(do="start", lead={"business": ""})
    assert refused["text"].startswith("Business:")


async def test_a_lead_or_a_stranger_calls_us(page: Page) -> None:
    lead = spoken(await page.asks(do="start", lead={"who_calls": "lead"}))
    assert "Maria" in lead
    assert "I am calling" not in lead
    stranger = spoken(await page.asks(do="start", lead={"who_calls": "stranger"}))
    assert "May I have your name" in stranger


async def test_a_person_is_free_or_not(page: Page) -> None:
    await page.asks(do="start", lead={"person": "free"})
    came = await page.says("can i speak to a real person")
    assert [each["action"] for each in came if each["kind"] == "do"][:2] == ["transfer", "connect"]
    assert "I am putting you through to Dana" in spoken(came)
    await page.asks(do="start", lead={"person": "busy"})
    assert "nobody is free just now" in spoken(await page.says("can i speak to a real person"))


async def test_a_time_that_is_taken_meanwhile_is_pretended_too(page: Page) -> None:
    await page.asks(do="start", lead={"taken": True})
    await page.says("yes", "new job", "two months", "three bedroom house", "400 thousand", "no")
    came = await page.says("the first one", "yes")
    assert "That time was taken just now" in spoken(came)
    assert not came[-1]["ended"]


async def test_the_same_lead_is_called_again_and_remembered(page: Page) -> None:
    await page.asks(do="start")
    await page.says("yes", "a divorce", "call me back tomorrow at three", "yes")
    began = await page.asks(do="start", remember=True)
    assert "we spoke before" in spoken(began)
    assert known(began) == {"motivation": "divorce"}
    assert known(await page.asks(do="start")) == {}


async def test_a_draft_or_any_other_version_is_chosen(page: Page, playbook: Playbook) -> None:
    version = await playbook.versions.afirst()
    assert version is not None
    script = {**version.script, "hold": "Take all the time you need."}
    await asyncio.to_thread(playbook_version_save, playbook_id=playbook.pk, script=script)
    assert (await page.asks(do="start"))[0]["version"] == 2
    assert spoken(await page.says("hold on a moment")) == "Take all the time you need."
    assert (await page.asks(do="start", version=1))[0]["version"] == 1
    assert (await page.asks(do="start", version=7))[-1]["text"] == "There is no such version."


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"do": "say", "text": "hello"}, "Begin a talk first."),
        ({"do": "start", "lead": "nobody"}, ""),
        ({"do": "start", "version": "x", "lead": {"first_name": "x" * 99}}, "First name:"),
    ],
)
async def test_nonsense_is_answered(page: Page, wish: dict[str, Any], told: str) -> None:
    came = await page.asks(**wish)
    assert told in came[-1].get("text", "")


async def test_messages_that_no_page_sends_are_refused(page: Page) -> None:
    for text in ("nothing", "{", "[]", "x" * 5000, "[" * 3000):
        await page.socket.send_to(text_data=text)
        assert (await page.socket.receive_json_from(timeout=WITHIN_S))["kind"] == "error"
    await page.asks(do="start")
    assert (await page.asks(do="dance"))[-1]["text"] == "“dance” is nothing to be done."
    assert (await page.asks(do="key", digit="99"))[-1]["kind"] == "error"


async def test_a_talk_that_is_left_alone_is_closed(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.asks(do="start")
    monkeypatch.setattr(consumers, "IDLE_S", 0.05)
    await page.socket.send_json_to({"do": "typing", "text": ""})
    while (over := await page.socket.receive_json_from(timeout=WITHIN_S))["kind"] != "over":
        pass
    assert "nothing was written for a while" in over["text"]


async def test_there_is_only_so_much_room(
    playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_OPEN_EACH", 1)
    manager = await asyncio.to_thread(ManagerFactory)
    first, second = Page(manager, playbook), Page(manager, playbook)
    assert await first.open()
    assert await second.open()
    assert (await second.socket.receive_json_from(timeout=WITHIN_S))["kind"] == "over"
    await first.socket.disconnect(timeout=WITHIN_S)
    third = Page(manager, playbook)
    assert await third.open()
    assert (await third.asks(do="start"))[0]["kind"] == "started"
    await third.socket.disconnect(timeout=WITHIN_S)


async def test_only_who_may_try_playbooks_is_let_in(playbook: Playbook) -> None:
    def person(*permissions: str) -> Any:
        user = UserFactory(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    assert not await Page(AnonymousUser(), playbook).open()
    assert not await Page(await asyncio.to_thread(person), playbook).open()
    assert not await Page(await asyncio.to_thread(person, "view_playbook"), playbook).open()
    allowed = Page(await asyncio.to_thread(person, "try_playbook"), playbook)
    assert await allowed.open()
    await allowed.socket.disconnect(timeout=WITHIN_S)


async def test_a_page_of_another_site_is_not_let_in(playbook: Playbook) -> None:
    socket = WebsocketCommunicator(
        URLRouter(websocket_urlpatterns),
        f"/ws/playground/{playbook.pk}/text/",
        headers=[(b"origin", b"https://elsewhere.example")],
    )
    connected, _ = await socket.connect(timeout=WITHIN_S)
    assert not connected
