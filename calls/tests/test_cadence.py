"""When a lead is called again: never too soon, inside their hours, in another part of their day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from calls.models import Call, Campaign, Enrolment
from calls.policy.cadence import PRESETS, Cadence, LeadHours, Rule, next_attempt
from calls.policy.cadence_words import cadence_words
from calls.selectors import enrolment_facts
from calls.services.aftercall import aftercall_run
from calls.tests.conftest import enrol
from leads.policy.calling_rules import current_rules
from leads.policy.may_call import may_call
from leads.policy.windows import CampaignWindow, is_open
from tests.factories import CallFactory

YEAR_2026 = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("America/Chicago", "America/New_York", "America/Los_Angeles", "America/Phoenix")


def hours(zone: str = "America/Chicago", *, states: tuple[str, ...] = (),
          window: CampaignWindow | None = None) -> LeadHours:  # fmt: skip
    return LeadHours((ZoneInfo(zone),), states, window or CampaignWindow(), current_rules())


def at(text: str, zone: str = "America/Chicago") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def again(rule: Rule, *called: str, now: str, times: int = 1) -> str:
    """Return when a lead in Chicago is called again, by the clock there."""
    found = next_attempt(rule, times=times, called_at=[at(one) for one in called], hours=hours(),
                         now=at(now))  # fmt: skip
    return f"{found.astimezone(ZoneInfo('America/Chicago')):%a %H:%M}" if found else "never"


EVERY_TWO_HOURS = Rule(gap_minutes=120, most=5)


def test_retries_go_through_the_parts_of_the_lead_s_day() -> None:
    morning, afternoon, evening = "2026-11-18T09:00", "2026-11-18T12:00", "2026-11-18T17:00"
    assert again(EVERY_TWO_HOURS, morning, now=morning) == "Wed 12:00"
    assert again(EVERY_TWO_HOURS, morning, afternoon, now=afternoon) == "Wed 17:00"
    assert again(EVERY_TWO_HOURS, morning, afternoon, evening, now=evening) == "Thu 08:00"


def test_a_retry_in_any_part_of_the_day_comes_when_the_gap_is_over() -> None:
    rule = Rule(gap_minutes=20, most=3, other_part=False)
    assert again(rule, "2026-11-18T09:00", now="2026-11-18T09:00") == "Wed 09:20"
    assert again(rule, "2026-11-18T20:50", now="2026-11-18T20:50") == "Thu 08:00"


def test_nobody_is_called_more_often_than_the_rule_says() -> None:
    rule = Rule(gap_minutes=60, most=2)
    called = "2026-11-18T09:00"
    assert again(rule, called, now=called, times=2) != "never"
    assert again(rule, called, now=called, times=3) == "never"
    assert again(Rule(gap_minutes=60, most=0), called, now=called) == "never"


def test_in_a_window_of_one_part_the_retry_falls_in_it_again() -> None:
    mornings = hours(window=CampaignWindow(time(9), time(11)))
    called = at("2026-11-18T09:30")
    found = next_attempt(EVERY_TWO_HOURS, times=1, called_at=[called], hours=mornings, now=called)
    assert found == at("2026-11-19T09:00")


def test_a_lead_without_a_known_clock_waits_for_the_gap() -> None:
    nowhere = LeadHours((), (), CampaignWindow(), current_rules())
    now = at("2026-11-18T09:00")
    found = next_attempt(EVERY_TWO_HOURS, times=1, called_at=[now], hours=nowhere, now=now)
    assert found == now + timedelta(hours=2)


@given(
    zone=st.sampled_from(ZONES),
    states=st.sampled_from([(), ("FL",), ("TX",), ("AL",)]),
    # Over both changes of the clock in 2026 and 2027.
    now=st.integers(0, 60 * 24 * 729).map(lambda minutes: YEAR_2026 + timedelta(minutes=minutes)),
    gap=st.integers(1, 60 * 24 * 10),
    other_part=st.booleans(),
    before=st.lists(st.integers(0, 60 * 24 * 5), max_size=6),
    window=st.sampled_from([(None, None), (time(9), time(17)), (time(16), None)]),
)
def test_a_retry_is_never_too_soon_nor_outside_hours(
    zone: str, states: tuple[str, ...], now: datetime, gap: int, other_part: bool,
    before: list[int], window: tuple[time | None, time | None],
) -> None:  # fmt: skip
    lead = hours(zone, states=states, window=CampaignWindow(*window))
    called = [now, *(now - timedelta(minutes=minutes) for minutes in before)]
    rule = Rule(gap_minutes=gap, most=9, other_part=other_part)
    found = next_attempt(rule, times=1, called_at=called, hours=lead, now=now)
    assert found is not None
    assert found >= now + timedelta(minutes=gap)
    assert is_open(lead.rules, zones=lead.zones, states=states, window=lead.window, now=found)
    if other_part and lead.part_of(found) == lead.part_of(now):
        # Only where the campaign calls in one part of the day.
        assert window == (time(16), None) or found > now + timedelta(days=8) - timedelta(hours=1)


def test_it_is_told_in_words() -> None:
    lines = cadence_words(Cadence(), max_attempts=4)
    assert lines[0] == (
        "If nobody answers: again after 4 h in another part of the day, at most 3 times."
    )
    assert lines[1] == "If the line is busy: again after 20 min, at most 3 times."
    gentle = cadence_words(PRESETS["Gentle"], max_attempts=1)
    assert "If they hang up before saying a word: not called again." in gentle
    assert gentle[-1].startswith("A lead gets at most 1 call in all")


@pytest.mark.parametrize("bad", [{"gap_minutes": 0, "most": 1}, {"gap_minutes": 5, "most": -1},
                                 {"gap_minutes": 5, "most": 1, "twice": True}])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Cadence.model_validate({"busy": bad})


def ended(enrolment: Enrolment, now: datetime, state: str, **fields: object) -> Enrolment:
    """Return the enrolment after the after-call work of a call that ended so."""
    call: Call = CallFactory(
        campaign=enrolment.campaign, lead=enrolment.lead, enrolment=enrolment, state=state,
        dialed_at=now, ended_at=now, **fields,
    )  # fmt: skip
    Enrolment.objects.filter(pk=enrolment.pk).update(
        state="claimed", claimed_at=now, attempts=enrolment.attempts + 1
    )
    aftercall_run(call_id=call.pk, now=now)
    enrolment.refresh_from_db()
    return enrolment


@pytest.mark.django_db
def test_after_a_call_the_lead_waits_as_the_cadence_says(campaign: Campaign, now: datetime) -> None:
    quick = Cadence(busy=Rule(gap_minutes=30, most=1, other_part=False))
    Campaign.objects.update(cadence=quick.model_dump(), max_attempts=9)
    enrolment = ended(enrol(campaign), now, "busy")
    assert (enrolment.state, enrolment.due_at) == ("waiting", now + timedelta(minutes=30))
    enrolment = ended(enrolment, now, "no_answer")
    assert enrolment.due_at == now + timedelta(hours=5)  # noon in Austin: 17:00 is evening
    enrolment = ended(enrolment, now, "busy")
    assert enrolment.state == "done"


@pytest.mark.django_db
def test_a_call_that_was_promised_is_made_however_many_were(
    campaign: Campaign, now: datetime
) -> None:
    Campaign.objects.update(max_attempts=1)
    tomorrow = now + timedelta(days=1)
    enrolment = ended(enrol(campaign), now, "completed", outcome="callback", callback_at=tomorrow,
                      answered_at=now)  # fmt: skip
    assert (enrolment.state, enrolment.due_at) == ("waiting", tomorrow)
    assert may_call(enrolment_facts(enrolment, now=tomorrow), now=tomorrow).allowed
    enrolment = ended(enrolment, tomorrow, "no_answer")
    assert (enrolment.state, enrolment.priority) == ("done", 0)
