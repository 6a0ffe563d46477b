"""Whole calls over real sockets and real audio: dialled, talked through, written up, paid."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from billing.models import Charge, Reservation
from calls.models import Call, Recording
from leads.models import Appointment, DoNotCall, Lead
from tests.stage import stage

pytestmark = [
    pytest.mark.whole_call,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]


def test_an_eager_seller_books_and_a_quiet_one_is_never_called_again(tmp_path: Path) -> None:
    with stage(tmp_path) as set_up:
        campaign, leads = set_up.cast(
            ["eager_seller", "dnc_voice", "no_answer"], questions=["motivation", "timeframe"]
        )
        set_up.start_carrier()
        set_up.start_server()
        set_up.open(campaign, leads)
        set_up.start_dialer()
        results = {
            result["persona"]: result for result in set_up.watch(campaign, leads, seconds=180)
        }

    assert {name: result["outcome"] for name, result in results.items()} == {
        "eager_seller": "appointment",
        "dnc_voice": "do_not_call",
        "no_answer": "no_answer",
    }
    seller = Call.objects.get(pk=results["eager_seller"]["id"])
    appointment = Appointment.objects.get(call=seller)
    assert appointment.lead_id == seller.lead_id
    assert Lead.objects.get(pk=seller.lead_id).score == seller.score

    quiet = Call.objects.get(pk=results["dnc_voice"]["id"])
    assert DoNotCall.objects.filter(phone=quiet.to_number, source="voice").exists()

    for call in (seller, quiet):
        first = call.turns.order_by("index").filter(speaker="agent").first()
        assert first is not None
        assert "AI assistant" in first.text
        assert "recorded" in first.text
        assert "say stop or press nine" in first.text
        recording = Recording.objects.get(call=call)
        assert recording.state == Recording.State.STORED
        with wave.open(recording.file.path) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
            last = call.turns.order_by("-ended_ms").first()
            assert last is not None
            assert sound.getnframes() / 8 >= last.ended_ms - 200
        assert call.cost == sum(charge.amount for charge in Charge.objects.filter(call=call)) > 0
        assert call.reservation.state == Reservation.State.SETTLED

    unanswered = Call.objects.get(pk=results["no_answer"]["id"])
    assert unanswered.cost == 0
    assert not Reservation.objects.filter(state=Reservation.State.OPEN).exists()


@pytest.mark.slow
def test_a_call_survives_the_death_of_the_server_on_paper(tmp_path: Path) -> None:
    with stage(tmp_path) as set_up:
        campaign, leads = set_up.cast(["eager_seller"])
        set_up.start_carrier()
        set_up.start_server()
        set_up.open(campaign, leads)
        set_up.start_dialer()
        talking = set_up.wait_for(campaign, lambda call: call.turns.count() >= 3, seconds=90)
        spoken = list(talking.turns.order_by("index").values_list("index", "text"))
        set_up.kill("server")
        set_up.start_server()
        set_up.watch(campaign, leads, seconds=120)

    call = Call.objects.get(pk=talking.pk)
    assert not call.is_active
    kept = list(call.turns.order_by("index").values_list("index", "text"))
    assert kept[: len(spoken)] == spoken
    assert call.charges.filter(component="telephony_out").exists()
    assert call.reservation.state == Reservation.State.SETTLED
    assert Call.objects.filter(lead=call.lead).count() == 1
    with wave.open(Recording.objects.get(call=call).file.path) as sound:
        assert sound.getnframes() > 8000
