"""Finding a time: what suits the lead, said in whose zone, and changed on a later call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.interface import Action, ActionDone, Booked, Slot
from agents.tests.talking import NOW, ZONE, Talk, at_the_offer, opened, slot
from agents.understanding.wish import Wish
from agents.understanding.wishes import wish_in
from agents.understanding.words import normalised

APPOINTMENT = UUID(int=77)
# Half hours from nine to half past five on every weekday of four weeks.
ALL = tuple(
    Slot(7, "Dana", at.astimezone(UTC), at.astimezone(UTC) + timedelta(minutes=30))
    for day in range(28)
    for half in range(18)
    if (at := datetime(2026, 11, 23, 9, tzinfo=ZONE) + timedelta(days=day, minutes=30 * half))
    and at.weekday() < 5
)


def wish(words: str) -> Wish:
    offered = (slot(24, 10).starts_at, slot(25, 14).starts_at)
    return wish_in(normalised(words), now=NOW, zone=ZONE, offered=offered)


@pytest.mark.parametrize(
    ("words", "suits", "does_not"),
    [
        ("later in the week", ["26 10:00", "27 16:00"], ["24 10:00", "30 10:00"]),
        ("after five", ["24 17:00", "27 17:30"], ["24 16:30"]),
        ("mornings only", ["25 09:00"], ["25 12:00", "25 16:00"]),
        ("not tuesday", ["25 10:00"], ["24 10:00"]),
        ("tuesday does not work for me", ["25 10:00"], ["24 10:00"]),
        ("anything but monday or tuesday", ["25 10:00"], ["24 10:00", "30 10:00"]),
        ("i work tuesdays and thursdays", ["25 10:00"], ["24 10:00", "26 10:00"]),
        ("the week after next", ["7 10:00 12", "11 9:00 12"], ["30 10:00", "14 9:00 12"]),
        ("in two weeks", ["7 10:00 12"], ["30 10:00"]),
        ("early next week", ["30 10:00", "1 15:00 12"], ["3 10:00 12", "24 10:00"]),
        ("next week but not monday", ["1 10:00 12"], ["30 10:00", "24 10:00"]),
        ("thursday or friday afternoon", ["26 13:00", "27 16:30"], ["26 10:00", "25 13:00"]),
        ("not before ten", ["24 10:00"], ["24 09:30"]),
        ("no later than three", ["24 14:30"], ["24 15:30"]),
        ("between two and four", ["24 14:00", "24 15:30"], ["24 13:30", "24 16:00"]),
        ("around three", ["24 15:00", "24 15:30"], ["24 16:00"]),
        ("a quarter to five on wednesday", ["25 16:45"], ["25 17:00", "25 17:15"]),
        ("i get off work at five", ["24 17:30"], ["24 16:30"]),
        ("we are out of town until friday", ["27 10:00"], ["26 10:00"]),
        ("after thanksgiving", ["27 10:00", "30 10:00"], ["26 10:00", "25 10:00"]),
        ("december third at two p m", ["3 14:00 12"], ["3 15:00 12", "4 14:00 12"]),
        ("the same time on friday", ["27 10:00"], ["27 11:00"]),
        ("an hour later", ["24 11:00"], ["24 10:00"]),
        ("a week from thursday", ["3 10:00 12"], ["26 10:00"]),
        ("first thing monday", ["30 09:00"], ["30 11:00", "24 09:00"]),
        ("wednesday but not before noon", ["25 12:00"], ["25 11:30", "24 12:00"]),
        ("weekends only", ["28 10:00", "29 10:00"], ["27 10:00"]),
    ],
)
def test_it_hears_which_times_would_suit(words: str, suits: list[str], does_not: list[str]) -> None:
    def at(text: str) -> datetime:
        day, clock, month = (*text.split(), "11")[:3]
        hour, minute = clock.split(":")
        return datetime(2026, int(month), int(day), int(hour), int(minute), tzinfo=ZONE)

    wished = wish(words)
    assert [text for text in suits if not wished.fits(at(text))] == []
    assert [text for text in does_not if wished.fits(at(text))] == []


def test_a_wish_keeps_what_was_refused_before() -> None:
    both = wish("not tuesday").also(wish("mornings only"))
    assert both.fits(datetime(2026, 11, 25, 9, tzinfo=ZONE))
    assert not both.fits(datetime(2026, 11, 24, 9, tzinfo=ZONE))
    assert not both.fits(datetime(2026, 11, 25, 15, tzinfo=ZONE))


def test_a_wish_on_the_day_the_clocks_change_means_that_days_clock() -> None:
    before = datetime(2027, 3, 12, 10, tzinfo=ZONE)  # the clocks go forward on Sunday the 14th
    monday = wish_in("monday at nine", now=before, zone=ZONE)
    assert monday.fits(datetime(2027, 3, 15, 13, tzinfo=UTC).astimezone(ZONE))
    assert not monday.fits(datetime(2027, 3, 15, 14, tzinfo=UTC).astimezone(ZONE))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("do you have anything later in the week", "Thursday at nine A M"),
        ("i can only do after five", "five P M"),
        ("not today and not tuesday", "on Wednesday at nine A M"),
        ("how about the week after next", "December seventh"),
        ("thursday afternoon", "on Thursday at noon"),
    ],
)
async def test_a_counter_offer_brings_times_that_suit(words: str, said: str) -> None:
    talk = await (await at_the_offer(slots=ALL)).says(words)
    assert talk.asks == "offer_slot"
    assert said in talk.words


async def test_of_two_times_the_only_one_that_suits_is_taken() -> None:
    talk = await (await at_the_offer(slots=ALL)).says("mornings only please")
    assert talk.asks == "confirm_slot"
    assert "today at eleven A M" in talk.words


async def test_the_very_time_that_was_asked_for_is_repeated_at_once() -> None:
    talk = await (await at_the_offer(slots=ALL)).says("can we do thursday at three thirty")
    assert talk.asks == "confirm_slot"
    assert "on Thursday at three thirty P M" in talk.words
    await talk.says("yes")
    booking = talk.done(Action.BOOK)
    assert booking is not None
    assert booking["slot"].starts_at == datetime(2026, 11, 26, 20, 30, tzinfo=UTC)


async def test_it_says_so_when_nothing_suits_and_offers_what_is_nearest() -> None:
    talk = await (await at_the_offer(slots=ALL)).says("saturday morning")
    assert talk.words.startswith("I have nothing free then.")
    assert "on Friday" in talk.words


async def test_wishes_add_up_over_turns() -> None:
    talk = await (await at_the_offer(slots=ALL)).says("not tuesday", "mornings only")
    assert "Tuesday" not in talk.words
    assert "tomorrow" not in talk.words
    assert "P M" not in talk.words


async def test_a_wish_over_the_confirmation_brings_other_times() -> None:
    talk = await (await at_the_offer(slots=ALL)).says("the first one", "actually make it friday")
    assert "Friday" in talk.words
    assert talk.done(Action.BOOK) is None


def pacific(*slots: Slot) -> tuple[Slot, ...]:
    return tuple(replace(each, time_zone="America/Los_Angeles") for each in slots)


async def test_the_zone_is_said_where_the_representatives_clock_shows_another_time() -> None:
    talk = await at_the_offer(slots=pacific(slot(24, 13), slot(25, 14)))
    assert "tomorrow at one P M, or on Wednesday at two P M Eastern time" in talk.words
    await talk.says("the first one")
    assert "tomorrow at one P M Eastern time, your time" in talk.words


async def test_the_zone_is_not_said_where_both_clocks_show_the_same() -> None:
    same = tuple(
        replace(each, time_zone="America/Toronto") for each in (slot(24, 13), slot(25, 14))
    )
    assert "Eastern" not in (await at_the_offer(slots=same)).words


async def test_arizona_and_colorado_differ_in_summer_only() -> None:
    zone = ZoneInfo("America/Phoenix")
    for month, differ in ((12, False), (7, True)):
        now = datetime(2026, month, 6, 10, tzinfo=zone)
        at = datetime(2026, month, 8, 10, tzinfo=zone).astimezone(UTC)
        free = Slot(7, "Dana", at, at + timedelta(minutes=30), "America/Denver")
        talk = await at_the_offer(now=now, lead_time_zone="America/Phoenix", slots=(free,))
        assert ("Arizona time" in talk.words) is differ


def booked(day: int = 24, hour: int = 10) -> Booked:
    return Booked(APPOINTMENT, slot(day, hour))


async def test_a_lead_with_an_appointment_is_asked_whether_it_stands() -> None:
    talk = await opened(appointment=booked(), slots=ALL)
    assert "you have an appointment tomorrow at ten A M" in talk.words
    await talk.says("yes that still works")
    assert talk.done(Action.HANG_UP) == {"outcome": "appointment"}
    assert talk.done(Action.BOOK) is None


@pytest.mark.parametrize(
    "words",
    [
        "can we move it to thursday at three",
        "i need to reschedule to thursday at three p m",
        "i can't make it tomorrow can we do thursday at three instead",
        "something came up could you push it to thursday at three",
    ],
)
async def test_a_later_call_moves_the_appointment(words: str) -> None:
    talk = await (await opened(appointment=booked(), slots=ALL, inbound=True)).says(words)
    assert talk.asks == "confirm_slot"
    assert "on Thursday at three P M instead" in talk.words
    await talk.says("yes please")
    move = talk.done(Action.MOVE)
    assert move is not None
    assert move["appointment_id"] == APPOINTMENT
    assert move["slot"].starts_at == datetime(2026, 11, 26, 20, tzinfo=UTC)
    await talk.says(ActionDone(Action.MOVE, True))
    assert "It is moved. Dana will see you on Thursday at three P M." in talk.words
    assert talk.done(Action.HANG_UP) == {"outcome": "appointment"}


async def test_an_hour_later_is_an_hour_after_the_appointment() -> None:
    talk = await opened(appointment=booked(), slots=ALL)
    await talk.says("can you push it back an hour")
    assert "tomorrow at eleven A M instead" in talk.words


async def test_a_move_without_a_time_brings_times() -> None:
    talk = await (await opened(appointment=booked(), slots=ALL)).says("i need to reschedule")
    assert talk.words.startswith("I can move it to")
    await talk.says("none of those", "friday morning", "the first one", "yes")
    assert talk.done(Action.MOVE) is not None


async def test_a_time_that_was_taken_meanwhile_leaves_the_old_one_standing() -> None:
    talk = await opened(appointment=booked(), slots=(slot(26, 15),))
    await talk.says("can we move it to thursday at three", "yes", ActionDone(Action.MOVE, False))
    assert talk.done(Action.HANG_UP) == {"outcome": "appointment"}
    assert "taken" in talk.words


@pytest.mark.parametrize(
    "words",
    [
        "i want to cancel my appointment",
        "please cancel it",
        "we don't need the visit anymore",
    ],
)
async def test_a_later_call_cancels_the_appointment_after_asking_once(words: str) -> None:
    talk = await (await opened(appointment=booked(), slots=ALL, inbound=True)).says(words)
    assert talk.asks == "appointment.cancel"
    assert talk.done(Action.CANCEL) is None
    await talk.says("yes")
    assert talk.done(Action.CANCEL) == {"appointment_id": APPOINTMENT}
    await talk.says(ActionDone(Action.CANCEL, True))
    assert talk.topics == ["cancelled", "appointment.rebook"]
    await talk.says("no thanks")
    assert talk.done(Action.HANG_UP) is not None
    notes = await talk.close()
    assert notes.signals["appointment_cancelled"]
    assert notes.outcome != "appointment"


async def test_a_cancelled_appointment_can_be_made_anew_on_the_same_call() -> None:
    talk = await opened(appointment=booked(), slots=ALL)
    await talk.says("cancel my appointment", "yes", ActionDone(Action.CANCEL, True), "yes friday")
    await talk.says("the first one", "yes")
    assert talk.done(Action.BOOK) is not None
    assert talk.done(Action.MOVE) is None


async def test_a_no_to_the_cancellation_keeps_it() -> None:
    talk = await opened(appointment=booked(), slots=ALL)
    await talk.says("cancel my appointment", "no wait keep it")
    assert talk.topics[0] == "appointment.kept"
    assert talk.done(Action.HANG_UP) == {"outcome": "appointment"}


async def test_what_could_not_be_changed_is_not_said_to_be() -> None:
    talk = await opened(appointment=booked(), slots=ALL)
    await talk.says("cancel my appointment", "yes", ActionDone(Action.CANCEL, False))
    assert "not_changed" in talk.topics
    assert "cancelled" not in talk.topics


async def test_who_has_no_appointment_is_told_so_and_offered_one() -> None:
    talk = await (await opened(slots=ALL, inbound=True)).says("i want to cancel my appointment")
    assert talk.topics == ["no_appointment", "appointment.rebook"]
    await talk.says("yes")
    assert talk.asks == "offer_slot"


async def test_a_lead_who_calls_back_is_thanked_for_it() -> None:
    talk = await opened(inbound=True)
    assert "thank you for calling us back" in talk.words
    assert talk.topics == ["disclosure", "disclosure", "disclosure", "greet"]


async def test_every_line_says_how_it_came_to_be_said() -> None:
    talk = Talk(slots=ALL)
    await talk.open()
    await talk.says("yes")
    whys = [getattr(item, "why", "") for item in talk.items]
    assert all("qualifier: asks motivation" in why for why in whys if why)
    assert any(whys)


async def test_a_booking_whose_news_is_lost_does_not_hold_the_lead_for_ever() -> None:
    talk = await at_the_offer()
    await talk.says("the first one works", "yes that is correct")
    assert talk.done(Action.BOOK) is not None
    for _ in range(3):
        await talk.says("yes that is right")
        assert talk.done(Action.HANG_UP) is None
    await talk.says("yes that is right")
    assert talk.done(Action.HANG_UP) is not None


async def test_news_of_a_booking_is_told_however_often_the_lead_spoke_before() -> None:
    talk = await at_the_offer()
    await talk.says("the first one works", "yes that is correct")
    await talk.says("yes that is right", "yes that is right", ActionDone(Action.BOOK, ok=True))
    assert "booked" in talk.topics
    assert talk.done(Action.HANG_UP) is not None
