"""The review page of a call: its words, its sound, and who may hear it."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls import carrier
from calls.desk.answer_time import answer_steps
from calls.models import Call
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory())
    return client


@pytest.fixture
def call() -> Call:
    return factories.call_with_everything()


def page_of(call: Call) -> str:
    return reverse("admin:calls_call_change", args=(call.pk,))


def sound_of(call: Call) -> str:
    return reverse("admin:calls_recording_file", args=(call.pk,))


def listener(*names: str) -> Any:
    user = factories.UserFactory()
    codenames = (*names, "view_every_lead")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_it_shows_words_marks_score_and_costs(manager: Client, call: Call) -> None:
    page = manager.get(page_of(call)).content.decode()
    for part in (
        "We want to sell in the next two months.",
        "answered in 160 ms",
        "Why: supervisor: the lead answers → qualifier: goes on",
        "interrupted",
        "$0.0180",
        "$0.0140",
        "Booked: Tuesday",
        "+35",
    ):
        assert part in page


def test_each_answer_says_where_its_time_went(manager: Client, call: Call) -> None:
    answer = manager.get(page_of(call))
    page = answer.content.decode()
    assert "noticing the pause" in page
    turn = call.turns.get(latency_ms=220)
    steps = answer_steps(turn)
    assert sum(step.ms for step in steps) == 220
    assert (steps[0].label, steps[0].ms) == ("noticing the pause", 134)
    assert round(steps[-1].before + steps[-1].share, 3) == 100
    usual = {step.name: step.ms for step in answer.context["page"].usual_steps}
    assert usual["vad_wait"] == 134
    assert usual["transport"] == 26, "the median of 11, 11, 41 and 71 ms"


def test_an_answer_without_its_parts_shows_the_whole_alone(manager: Client, call: Call) -> None:
    call.turns.update(details={})
    answer = manager.get(page_of(call))
    assert "answered in 220 ms" in answer.content.decode()
    assert "answer-steps" not in answer.content.decode()
    assert answer.context["page"].usual_steps == []
    call.turns.update(details={"vad_wait": "soon", "transport": -3})
    assert manager.get(page_of(call)).status_code == 200


def test_it_takes_as_many_queries_for_many_turns(manager: Client, call: Call) -> None:
    manager.get(page_of(call))
    with CaptureQueriesContext(connection) as few:
        manager.get(page_of(call))
    for index in range(20, 60):
        factories.TurnFactory(call=call, index=index)
        factories.CallEventFactory(call=call)
    with CaptureQueriesContext(connection) as many:
        manager.get(page_of(call))
    assert len(few) == len(many) < 25


def test_it_leads_to_the_calls_before_and_after(manager: Client) -> None:
    first, middle, last = (factories.CallFactory(ended=True) for _ in range(3))
    page = manager.get(page_of(middle)).context["page"]
    assert (page.previous, page.next) == (first.pk, last.pk)


def test_answers_are_in_words_and_lead_to_where_they_were_said(manager: Client, call: Call) -> None:
    call.notes = {
        "answers": {
            "timeframe": {
                "value": 2,
                "type": "months",
                "said": "in the next two months",
                "turn": 1,
            },
            "price": {"value": 450000, "type": "money", "said": "never said", "turn": 2},
            "property": {"value": {"bedrooms": 4, "kind": "house"}, "turn": 3},
            "has_agent": {"value": False, "type": "yes_no", "said": "Yes, sure.", "turn": 4},
            "timing": {"value": 0, "type": "months", "turn": 5},
        }
    }
    call.save()
    answers = manager.get(page_of(call)).context["page"].answers
    assert [(answer.value, answer.turn) for answer in answers] == [
        ("in 2 months", 3),
        ("$450,000", None),
        ("bedrooms 4, kind house", None),
        ("no", 1),
        ("at once", None),
    ]


def test_an_unknown_call_is_not_found(manager: Client) -> None:
    address = "/admin/calls/call/00000000-0000-4000-8000-000000000000/change/"
    assert manager.get(address).status_code == 404


def test_the_whole_recording_is_a_stereo_wav(manager: Client, call: Call) -> None:
    answer = manager.get(sound_of(call))
    assert answer.status_code == 200
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=10-999999999", slice(10, None)),
    ],
)
def test_it_serves_the_part_that_is_asked_for(
    manager: Client, call: Call, header: str, part: slice
) -> None:
    whole = manager.get(sound_of(call)).content
    answer = manager.get(sound_of(call), headers={"range": header})
    assert answer.status_code == 206
    assert answer.content == whole[part]
    first, last, _ = part.indices(len(whole))
    assert answer["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole)}"


@pytest.mark.parametrize("header", ["bytes=999999999-", "bytes=5-2", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused(manager: Client, call: Call, header: str) -> None:
    answer = manager.get(sound_of(call), headers={"range": header})
    assert answer.status_code == 416
    assert answer["Content-Range"].startswith("bytes */")


@pytest.mark.parametrize("header", ["bytes=-", "lines=1-2", "bytes=0-1,5-6", "nonsense"])
def test_a_range_it_cannot_read_gets_the_whole(manager: Client, call: Call, header: str) -> None:
    assert manager.get(sound_of(call), headers={"range": header}).status_code == 200


def test_a_changed_recording_is_sent_whole(manager: Client, call: Call) -> None:
    headers = {"range": "bytes=0-9", "if-range": '"another"'}
    assert manager.get(sound_of(call), headers=headers).status_code == 200


def test_the_outline_has_two_channels_that_speak_in_turn(manager: Client, call: Call) -> None:
    outline = manager.get(reverse("admin:calls_outline", args=(call.pk,))).json()
    lead, agent = outline["channels"]
    at = len(lead) * 6600 // outline["duration_ms"]
    assert lead[at] > 5
    assert agent[at] == 0


def test_a_recording_that_is_no_wav_says_so(manager: Client, call: Call) -> None:
    with open(call.recording.file.path, "wb") as file:
        file.write(b"not a sound")
    answer = manager.get(reverse("admin:calls_outline", args=(call.pk,)))
    assert answer.status_code == 422
    assert "WAV" in answer.json()["error"]


def test_hearing_needs_its_own_permission(client: Client, call: Call) -> None:
    client.force_login(listener("view_call"))
    page = client.get(page_of(call))
    assert page.status_code == 200
    assert b"<audio" not in page.content
    assert client.get(sound_of(call)).status_code == 403
    client.force_login(listener("view_call", "view_recording"))
    assert b"<audio" in client.get(page_of(call)).content
    assert client.get(sound_of(call)).status_code == 200


def test_strangers_hear_nothing(client: Client, call: Call) -> None:
    assert client.get(sound_of(call)).status_code == 302


def test_the_transcript_gives_turns_from_an_index_on(manager: Client) -> None:
    call = factories.CallFactory(live=True)
    for _ in range(4):
        factories.TurnFactory(call=call)
    news = manager.get(reverse("admin:calls_transcript", args=(call.pk,)), {"from": "2"}).json()
    assert news["live"] is True
    assert [turn["index"] for turn in news["turns"]] == [2, 3]
    assert 'id="turn-2"' in news["turns"][0]["html"]


def test_words_of_a_lead_cannot_become_markup(manager: Client) -> None:
    call = factories.CallFactory(live=True)
    factories.TurnFactory(call=call, text="<script>alert(1)</script>")
    news = manager.get(reverse("admin:calls_transcript", args=(call.pk,))).json()
    assert "<script>" not in news["turns"][0]["html"]


def test_live_calls_show_their_last_words_in_constant_queries(manager: Client) -> None:
    address = reverse("admin:calls_live_json")
    counts = []
    for more in (2, 8):
        for _ in range(more):
            call = factories.CallFactory(live=True)
            factories.TurnFactory(call=call, text="Hello?")
            factories.TurnFactory(call=call, text="Yes, speaking.")
        with CaptureQueriesContext(connection) as queries:
            news = manager.get(address).json()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert news["count"] == 10
    assert "Yes, speaking." in news["cards"][0]["html"]


def test_ending_a_call_is_asked_first_and_needs_permission(client: Client) -> None:
    call = factories.CallFactory(live=True)
    address = reverse("admin:calls_call_end", args=(call.pk,))
    client.force_login(listener("view_call"))
    assert client.get(address).status_code == 403
    client.force_login(listener("view_call", "change_call"))
    assert b"does not say goodbye" in client.get(address).content
    call.refresh_from_db()
    assert call.end_reason == ""


def test_a_carrier_that_cannot_be_reached_is_told_to_the_manager(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(sid: str) -> None:
        raise carrier.CarrierError(0, "no answer from the carrier")

    monkeypatch.setattr(carrier, "call_end", unreachable)
    call = factories.CallFactory(live=True)
    page = manager.post(reverse("admin:calls_call_end", args=(call.pk,)), follow=True)
    assert "no answer from the carrier" in page.content.decode()


def test_ending_a_call_that_has_ended_goes_back_to_it(manager: Client, call: Call) -> None:
    answer = manager.post(reverse("admin:calls_call_end", args=(call.pk,)))
    assert answer["Location"] == page_of(call)


def test_a_call_that_just_ended_is_watched_until_it_is_settled(manager: Client) -> None:
    now = timezone.now()
    call = factories.CallFactory(ended=True, settled_at=None, ended_at=now)
    assert manager.get(page_of(call)).context["page"].growing
    Call.objects.filter(pk=call.pk).update(settled_at=now)
    assert not manager.get(page_of(call)).context["page"].growing
