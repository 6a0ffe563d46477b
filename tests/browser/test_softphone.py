"""A representative takes a call in the browser: Twilio's own SDK, with the far end played here.

Only the network beyond the browser is replaced: the signalling socket that the SDK opens to Twilio
is answered by this test in the SDK's protocol (`twilio.min.js`, "PStream"), and the media come from
a second page over a real peer connection.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from pydantic import SecretStr

from calls.models import Call, RepLine, Transfer, TransferLeg
from tests.factories import CallFactory, LeadFactory, ManagerFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OFFER = """async () => {
  const sound = new AudioContext();
  const tone = sound.createOscillator(), line = sound.createMediaStreamDestination();
  tone.connect(line);
  tone.start();
  window.far = new RTCPeerConnection();
  for (const track of line.stream.getTracks()) far.addTrack(track, line.stream);
  await far.setLocalDescription(await far.createOffer());
  await new Promise((done) => {
    if (far.iceGatheringState === "complete") done();
    far.onicegatheringstatechange = () => far.iceGatheringState === "complete" && done();
  });
  return far.localDescription.sdp;
}"""
HEARD = """async () => {
  let packets = 0;
  (await far.getStats()).forEach((row) => {
    if (row.type === "inbound-rtp") packets += row.packetsReceived;
  });
  return packets > 20;
}"""


@dataclass
class Signalling:
    """Twilio's end of the SDK's socket: lets a browser register, rings it, notes what it says."""

    socket: WebSocketRoute | None = None
    heard: list[dict[str, Any]] = field(default_factory=list)

    def connect(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._answer)

    def tell(self, kind: str, **payload: Any) -> None:
        assert self.socket is not None
        self.socket.send(json.dumps({"type": kind, "version": "1.6", "payload": payload}))

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [message["payload"] for message in self.heard if message["type"] == kind]

    def _answer(self, text: str | bytes) -> None:
        if str(text).isspace():
            return
        message = json.loads(text)
        self.heard.append(message)
        if message["type"] == "listen":
            self.tell("connected", region="US_EAST_VIRGINIA", edge="ashburn")
        if message["type"] == "register":
            self.tell("ready")


@pytest.fixture
def signalling() -> Signalling:
    return Signalling()


@pytest.fixture
def telephone(
    chromium: Browser, live_server: Any, client: Client, signalling: Signalling, settings: Any
) -> Iterator[Page]:
    """The representative's own page, in a Chromium with a microphone and an account with a key."""
    settings.ENV = django_settings.ENV.model_copy(
        update={"twilio_api_key_sid": "SK" + "1" * 32, "twilio_api_key_secret": SecretStr("s" * 40)}
    )
    browser = chromium.browser_type.launch(
        executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
        args=[
            "--no-sandbox",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--allow-loopback-in-peer-connection",
            "--disable-features=WebRtcHideLocalIpsWithMdns",
        ],
    )
    client.force_login(ManagerFactory(username="dana"))
    context = browser.new_context(base_url=live_server.url)
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    context.route_web_socket(re.compile(r"wss://[\w.-]+\.twilio\.com/signal"), signalling.connect)
    # What the SDK tells Twilio about the quality of calls.
    context.route(
        re.compile(r"https://eventgw\."), lambda route: route.fulfill(status=200, body="{}")
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(reverse("admin:calls_phone"))
    yield page
    browser.close()


@pytest.fixture
def far_end(telephone: Page) -> Page:
    """The side that Twilio plays: it offers a tone and takes what is answered."""
    page = telephone.context.new_page()
    page.goto(reverse("admin:login"))
    return page


def rung(telephone: Page, signalling: Signalling, far_end: Page, call: Call) -> None:
    """Have a lead passed on to the representative, so that the browser rings."""
    transfer = Transfer.objects.create(
        call=call, reason="wants a person", expires_at=timezone.now()
    )
    rep = User.objects.get(username="dana")
    TransferLeg.objects.create(transfer=transfer, rep=rep, address="client:rep", state="ringing")
    expect(telephone.locator("#phone-state")).to_have_text("You can be rung in this browser.")
    sdp = far_end.evaluate(OFFER)
    signalling.tell("invite", callsid="CA1", sdp=sdp, parameters={"From": "+15125550100"})


def test_a_lead_rings_is_taken_with_the_keyboard_heard_and_hung_up(
    telephone: Page, signalling: Signalling, far_end: Page
) -> None:
    call = CallFactory(live=True, lead=LeadFactory(first_name="Mia", last_name="Stone", score=82))
    rung(telephone, signalling, far_end, call)
    state = telephone.locator("#phone-state")
    expect(state).to_have_text("A call for you.")
    expect(telephone.get_by_role("heading", name="Mia Stone")).to_be_visible()
    expect(telephone.locator("#phone-facts")).to_contain_text("score 82 · wants a person")
    assert RepLine.objects.get(user__username="dana").can_ring(timezone.now())
    expect(telephone.get_by_role("button", name="Take the call")).to_be_focused()

    telephone.keyboard.press("Enter")
    telephone.wait_for_function("document.querySelector('#phone-accept').hidden")
    (answer,) = signalling.said("answer")
    far_end.evaluate("sdp => far.setRemoteDescription({ type: 'answer', sdp })", answer["sdp"])
    expect(state).to_contain_text("You speak with the lead")
    far_end.wait_for_function(HEARD)

    mute = telephone.get_by_role("button", name="Mute")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    telephone.get_by_role("button", name="Hang up").click()
    expect(state).to_have_text("You take calls in this browser.")
    assert signalling.said("hangup")[0]["callsid"] == "CA1"


def test_a_call_is_declined_and_one_that_another_took_stops_ringing(
    telephone: Page, signalling: Signalling, far_end: Page
) -> None:
    call = CallFactory(live=True)
    rung(telephone, signalling, far_end, call)
    telephone.get_by_role("button", name="Decline").click()
    expect(telephone.get_by_role("button", name="Take the call")).to_be_hidden()
    assert signalling.said("reject")[0]["callsid"] == "CA1"

    sdp = far_end.evaluate(OFFER)
    signalling.tell("invite", callsid="CA2", sdp=sdp, parameters={})
    expect(telephone.get_by_role("button", name="Take the call")).to_be_visible()
    signalling.tell("cancel", callsid="CA2")
    expect(telephone.get_by_role("button", name="Take the call")).to_be_hidden()


def test_what_twilio_refuses_is_said_and_a_closed_page_rings_no_more(
    telephone: Page, signalling: Signalling
) -> None:
    expect(telephone.locator("#phone-state")).to_have_text("You can be rung in this browser.")
    signalling.tell("error", error={"code": 31_005, "message": "The line to Twilio is bad"})
    expect(telephone.get_by_role("alert")).to_contain_text("cannot be rung just now")
    with telephone.expect_response(re.compile("ringing.json")):
        pass
    line = RepLine.objects.get()
    assert line.can_ring(timezone.now())
    telephone.goto(reverse("admin:index"))
    # The page says goodbye by a beacon, which no event of the browser reports.
    for _ in range(100):
        line.refresh_from_db()
        if line.browser_seen_at is None:
            break
        telephone.wait_for_timeout(100)
    assert not line.can_ring(timezone.now())


def test_without_a_key_the_page_says_who_has_to_do_what(page: Page) -> None:
    page.goto(reverse("admin:calls_phone"))
    expect(page.get_by_role("alert")).to_contain_text("TWILIO_API_KEY_SID")
    page.get_by_label("I take calls now").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("form [role=alert]")).to_contain_text("take calls on your telephone")
    page.get_by_label("On the telephone").check()
    page.get_by_label("My telephone").fill("(512) 555-0177")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#phone-state")).to_contain_text("You take calls on (512) 555-0177")
