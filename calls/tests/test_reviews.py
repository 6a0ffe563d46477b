"""A settled call is written up by a model where there is one; nobody waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from agents.interface import Notes
from agents.tests.models import Running, fast_standin
from calls.models import Call, Campaign, OutboxItem, Outcome
from calls.services.outbox import outbox_run_due
from calls.services.record import notes_record, turn_record
from calls.services.reviews import KIND, call_review_run
from calls.tests.test_aftercall import ended, talked
from leads.models import ScoreFactor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_carrier")]

WRITTEN = {
    "situation": "The person moves for a new job and sells in three months.",
    "sentiment": "mixed",
    "mood": "Open, asks a lot",
    "next_step": "Bring recent sales to the meeting.",
    "evidence": [{"about": "engagement", "words": "how many homes did you sell here"}],
}
SAID = ("we are moving for a new job", "and how many homes did you sell here?")


@pytest.fixture
def host(settings: Any) -> Iterator[Running]:
    running = Running(fast_standin(say=(json.dumps(WRITTEN),)))
    settings.ENV = settings.ENV.model_copy(
        update={"ollama_host": running.standin.url, "llm_aftercall_seconds": 5}
    )
    yield running
    running.close()


def spoken(campaign: Campaign) -> Call:
    """Return a call on which something was said and learnt, still on the line."""
    call = talked(campaign, outcome=Outcome.QUALIFIED)
    for index, text in enumerate(SAID):
        turn_record(
            call_id=call.pk,
            index=index,
            speaker="lead",
            text=text,
            started_ms=index * 1000,
            ended_ms=index * 1000 + 500,
        )
    answer = {"value": "relocation", "said": SAID[0], "type": "choice", "strength": 3}
    notes = Notes(Outcome.QUALIFIED, {"motivation": answer}, {"questions_asked": 1}, {})
    notes_record(call_id=call.pk, notes=notes, now=timezone.now())
    call.refresh_from_db()
    return call


def written_up(call: Call) -> Call:
    """Do the work that is due until the review is."""
    deadline = time.monotonic() + 20
    while OutboxItem.objects.filter(kind=KIND, done_at__isnull=True).exists():
        assert time.monotonic() < deadline
        outbox_run_due(timezone.now())
    call.refresh_from_db()
    return call


def test_it_is_settled_with_the_template_and_written_up_after(
    campaign: Campaign, host: Running
) -> None:
    call = ended(spoken(campaign))
    assert call.settled_at is not None  # nobody waited
    assert "motivation: relocation" in call.summary
    assert (call.sentiment, call.review) == ("positive", "")
    score = call.score
    written_up(call)
    assert f"Lead: {WRITTEN['situation']}" in call.summary
    assert call.summary.startswith("Result: Qualified")
    assert (call.sentiment, call.review) == ("mixed", "llama3.1:8b")
    assert call.next_step == WRITTEN["next_step"]
    assert call.score == score
    factor = ScoreFactor.objects.get(score__call=call, name="engagement")
    assert (factor.evidence, factor.turn_index) == ("how many homes did you sell here", 1)


def test_the_models_work_is_on_the_bill_of_the_call(campaign: Campaign, host: Running) -> None:
    call = written_up(ended(spoken(campaign)))
    parts = dict(
        call.charges.filter(component__startswith="llm_").values_list("component", "quantity")
    )
    assert parts["llm_output"] > 0
    assert parts["llm_input"] > Decimal("0.0005")


def test_running_it_again_asks_nobody(campaign: Campaign, host: Running) -> None:
    call = written_up(ended(spoken(campaign)))
    asked = len(host.standin.requests)
    call_review_run(call_id=call.pk, now=timezone.now())
    assert len(host.standin.requests) == asked


@pytest.mark.parametrize("fault", ["refused", "invalid_json", "500"])
def test_without_an_answer_the_template_stands(
    campaign: Campaign, host: Running, fault: str
) -> None:
    host.run(host.standin.set(fault=fault))
    call = written_up(ended(spoken(campaign)))
    assert "motivation: relocation" in call.summary
    assert (call.sentiment, call.review) == ("positive", "")
    assert call.next_step == "Call to agree on a time to meet."


@pytest.mark.parametrize("off", [{"ollama_host": ""}, {"llm_aftercall_seconds": 0}])
def test_without_a_model_nothing_is_promised(
    campaign: Campaign, host: Running, settings: Any, off: dict[str, Any]
) -> None:
    settings.ENV = settings.ENV.model_copy(update=off)
    call = ended(spoken(campaign))
    assert call.summary
    assert not OutboxItem.objects.filter(kind=KIND).exists()


def test_the_pages_show_mood_next_step_and_who_helped(
    campaign: Campaign, host: Running, admin_client: Any
) -> None:
    call = written_up(ended(spoken(campaign)))
    page = admin_client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
    assert "Mixed" in page
    assert "Written with llama3.1:8b" in page
    lead = admin_client.get(f"/admin/leads/lead/{call.lead_id}/change/").content.decode()
    assert WRITTEN["next_step"] in lead
