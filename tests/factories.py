"""Rows for tests: each factory makes one valid row and what it needs, and nothing more."""

from __future__ import annotations

import hashlib
import io
import wave
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import factory
import numpy as np
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.utils import timezone
from factory.django import DjangoModelFactory

from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script
from agents.services.playbooks import DATA
from billing.models import Budget, BudgetPeriod, Charge, Price, Reconciliation, Reservation
from billing.models.price import Component, Unit
from calls.models import (
    Call,
    CallerNumber,
    CallEvent,
    Campaign,
    CarrierEvent,
    Enrolment,
    OutboxItem,
    Outcome,
    Recording,
    Turn,
)
from leads.models import (
    Appointment,
    Consent,
    DoNotCall,
    Lead,
    LeadScore,
    ScoreFactor,
    Task,
    TimelineEntry,
    TimeOff,
    WorkingHours,
)

PASSWORD = "correct-horse-battery"
CONSENT_TEXT = (
    "I agree that Harbor Homes may call me about real estate at the number above, also with an "
    "automated or artificial voice. Agreeing is not a condition of any purchase."
)


def stereo_wav(
    spans: list[tuple[str, int, int]], *, duration_ms: int, sample_rate: int = 8000
) -> bytes:
    """Return a 16-bit stereo WAV: left the lead, right the agent, a hum while each speaks.

    Args:
        spans: speaker ("lead" or "agent"), start and end in ms.
        duration_ms: length of the file in ms.
        sample_rate: Hz.
    """
    sound = np.zeros((duration_ms * sample_rate // 1000, 2))
    for speaker, started_ms, ended_ms in spans:
        first, last = started_ms * sample_rate // 1000, ended_ms * sample_rate // 1000
        clock = np.arange(last - first) / sample_rate
        pitch, channel = (130.0, 0) if speaker == "lead" else (210.0, 1)
        syllables = 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 2.3 * clock))
        hum = np.sin(2 * np.pi * pitch * clock) + 0.4 * np.sin(6 * np.pi * pitch * clock)
        sound[first:last, channel] = (0.35 * syllables * hum)[: max(0, len(sound) - first)]
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return target.getvalue()


class UserFactory(DjangoModelFactory[Any]):
    """A person of the staff; log in with `PASSWORD`."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"rep{n}")
    first_name = factory.Iterator(["Ana", "Ben", "Chloe", "Dan"])
    last_name = "Rivera"
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    is_staff = True
    password = factory.django.Password(PASSWORD)


class ManagerFactory(UserFactory):
    """A manager who may see and do everything."""

    username = factory.Sequence(lambda n: f"manager{n}")
    is_superuser = True


class LeadFactory(DjangoModelFactory[Lead]):
    """A seller in Austin with a number of its own."""

    class Meta:
        model = Lead

    phone = factory.Sequence(lambda n: f"+1512{2000000 + n}")
    raw_phone = factory.LazyAttribute(lambda lead: str(lead.phone)[2:])
    first_name = factory.Iterator(["Maria", "James", "Olivia", "Wei", "Priya", "Tom"])
    last_name = factory.Iterator(["Lopez", "Smith", "Brown", "Chen", "Patel", "Baker", "Young"])
    email = factory.Sequence(lambda n: f"lead{n}@example.com")
    kind = Lead.Kind.SELLER
    street = factory.Sequence(lambda n: f"{100 + n} Congress Avenue")
    city = "Austin"
    state = "TX"
    postal_code = "78701"
    time_zones = factory.LazyFunction(lambda: ["America/Chicago"])
    source = "website"


class ConsentFactory(DjangoModelFactory[Consent]):
    """Written consent to be called by machine, a month old."""

    class Meta:
        model = Consent

    lead = factory.SubFactory(LeadFactory)
    kind = Consent.Kind.EXPRESS_WRITTEN
    phone = factory.LazyAttribute(lambda consent: consent.lead.phone)
    text = CONSENT_TEXT
    seller = "Harbor Homes"
    source = "website form"
    given_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=30))


class DoNotCallFactory(DjangoModelFactory[DoNotCall]):
    """A number that must not be called."""

    class Meta:
        model = DoNotCall

    phone = factory.Sequence(lambda n: f"+1512{7000000 + n}")
    source = DoNotCall.Source.MANUAL
    reason = "Asked by letter"


class TimelineEntryFactory(DjangoModelFactory[TimelineEntry]):
    """One line of a lead's story."""

    class Meta:
        model = TimelineEntry

    lead = factory.SubFactory(LeadFactory)
    kind = TimelineEntry.Kind.NOTE
    text = "Asked for a comparison of recent sales."


class LeadScoreFactory(DjangoModelFactory[LeadScore]):
    """A scoring of a lead; add reasons with `ScoreFactorFactory`."""

    class Meta:
        model = LeadScore

    lead = factory.SubFactory(LeadFactory)
    value = 82
    scorer_version = "test-1"


class ScoreFactorFactory(DjangoModelFactory[ScoreFactor]):
    """One reason for a score."""

    class Meta:
        model = ScoreFactor

    score = factory.SubFactory(LeadScoreFactory)
    name = factory.Sequence(lambda n: f"factor {n}")
    value = "within 3 months"
    points = 25
    evidence = "We want to sell in the next two months."
    turn_index = 3


class WorkingHoursFactory(DjangoModelFactory[WorkingHours]):
    """Monday, nine to five in Austin."""

    class Meta:
        model = WorkingHours

    rep = factory.SubFactory(UserFactory)
    weekday = WorkingHours.Weekday.MONDAY
    starts = time(9)
    ends = time(17)
    time_zone = "America/Chicago"


class TimeOffFactory(DjangoModelFactory[TimeOff]):
    """A day away, tomorrow."""

    class Meta:
        model = TimeOff

    rep = factory.SubFactory(UserFactory)
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
    ends_at = factory.LazyAttribute(lambda off: off.starts_at + timedelta(days=1))
    reason = "Dentist"


class TaskFactory(DjangoModelFactory[Task]):
    """Something to do tomorrow."""

    class Meta:
        model = Task

    lead = factory.SubFactory(LeadFactory)
    owner = factory.SubFactory(UserFactory)
    title = "Send the comparison"
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class PlaybookFactory(DjangoModelFactory[Playbook]):
    """A playbook without a version."""

    class Meta:
        model = Playbook

    name = factory.Sequence(lambda n: f"Sellers, script {n}")
    lead_kind = Lead.Kind.SELLER
    description = "Qualifies owners who may sell."


@cache
def seller_script() -> dict[str, Any]:
    """Return the data of the seller script that ships."""
    return Script.from_toml(DATA / "seller.toml").model_dump(mode="json")


class PlaybookVersionFactory(DjangoModelFactory[PlaybookVersion]):
    """The first version of a playbook."""

    class Meta:
        model = PlaybookVersion

    playbook = factory.SubFactory(PlaybookFactory)
    number = factory.LazyAttribute(lambda version: version.playbook.versions.count() + 1)
    script = factory.LazyFunction(lambda: deepcopy(seller_script()))
    note = "First words"
    published_at = factory.LazyFunction(timezone.now)


CALLER_NUMBER = "+15125550100"


class CallerNumberFactory(DjangoModelFactory[CallerNumber]):
    """A number of the account in Austin."""

    class Meta:
        model = CallerNumber

    number = factory.Sequence(lambda n: f"+1512555{1000 + n}")


class CampaignFactory(DjangoModelFactory[Campaign]):
    """A draft campaign of a business that records its calls itself."""

    class Meta:
        model = Campaign
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Austin sellers {n}")
    playbook = factory.SubFactory(PlaybookFactory)
    business_name = "Harbor Homes"

    @factory.post_generation
    def caller_number(self: Any, create: bool, extracted: str | None, **_more: Any) -> None:
        """Call from one number, unless "" is given."""
        if create and extracted != "":
            self.numbers.add(
                CallerNumber.objects.get_or_create(number=extracted or CALLER_NUMBER)[0]
            )

    class Params:
        running = factory.Trait(
            state=Campaign.State.RUNNING, started_at=factory.LazyFunction(timezone.now)
        )


class EnrolmentFactory(DjangoModelFactory[Enrolment]):
    """A lead that waits in a campaign and is due."""

    class Meta:
        model = Enrolment

    campaign = factory.SubFactory(CampaignFactory)
    lead = factory.SubFactory(LeadFactory)
    due_at = factory.LazyFunction(timezone.now)


class CallFactory(DjangoModelFactory[Call]):
    """A call that has just been created. Traits: `live`, `ended`, `unanswered`."""

    class Meta:
        model = Call

    lead = factory.SubFactory(LeadFactory)
    campaign = factory.SubFactory(CampaignFactory)
    playbook_version = factory.LazyAttribute(
        lambda call: (
            call.campaign.playbook.versions.first()
            or PlaybookVersionFactory(playbook=call.campaign.playbook)
            if call.campaign
            else PlaybookVersionFactory()
        )
    )
    to_number = factory.LazyAttribute(lambda call: call.lead.phone)
    from_number = factory.LazyAttribute(
        lambda call: str(call.campaign.numbers.first().number) if call.campaign else CALLER_NUMBER
    )

    class Params:
        began = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=5))
        seconds = 190
        live = factory.Trait(
            state=Call.State.IN_PROGRESS,
            provider_sid=factory.Sequence(lambda n: f"CA{n:032x}"),
            dialed_at=factory.SelfAttribute("began"),
            answered_at=factory.LazyAttribute(lambda call: call.began + timedelta(seconds=6)),
            stream_started_at=factory.LazyAttribute(lambda call: call.began + timedelta(seconds=7)),
            heartbeat_at=factory.LazyFunction(timezone.now),
        )
        ended = factory.Trait(
            state=Call.State.COMPLETED,
            outcome=Outcome.APPOINTMENT,
            provider_sid=factory.Sequence(lambda n: f"CB{n:032x}"),
            dialed_at=factory.SelfAttribute("began"),
            answered_at=factory.LazyAttribute(lambda call: call.began + timedelta(seconds=6)),
            stream_started_at=factory.LazyAttribute(lambda call: call.began + timedelta(seconds=7)),
            ended_at=factory.LazyAttribute(
                lambda call: call.began + timedelta(seconds=6 + call.seconds)
            ),
            settled_at=factory.LazyAttribute(lambda call: call.ended_at),
            end_reason="agent",
        )
        unanswered = factory.Trait(
            state=Call.State.NO_ANSWER,
            outcome=Outcome.NO_ANSWER,
            provider_sid=factory.Sequence(lambda n: f"CC{n:032x}"),
            dialed_at=factory.SelfAttribute("began"),
            ended_at=factory.LazyAttribute(lambda call: call.began + timedelta(seconds=25)),
            end_reason="carrier",
        )


class TurnFactory(DjangoModelFactory[Turn]):
    """One speaker's words, after what has been said on the call before."""

    class Meta:
        model = Turn

    call = factory.SubFactory(CallFactory, live=True)
    index = factory.LazyAttribute(lambda turn: turn.call.turns.count())
    speaker = factory.LazyAttribute(
        lambda turn: Turn.Speaker.LEAD if turn.index % 2 else Turn.Speaker.AGENT
    )
    text = "I was thinking of selling in the spring."
    started_ms = factory.LazyAttribute(lambda turn: turn.index * 3000)
    ended_ms = factory.LazyAttribute(lambda turn: turn.started_ms + 2500)


class CallEventFactory(DjangoModelFactory[CallEvent]):
    """Something that happened on a call."""

    class Meta:
        model = CallEvent

    call = factory.SubFactory(CallFactory, live=True)
    kind = "answered"
    at = factory.LazyFunction(timezone.now)


class CarrierEventFactory(DjangoModelFactory[CarrierEvent]):
    """A webhook of the carrier."""

    class Meta:
        model = CarrierEvent

    call = factory.SubFactory(CallFactory, live=True)
    kind = "status"
    key = factory.Sequence(str)
    payload = factory.LazyFunction(lambda: {"CallStatus": "in-progress"})


class OutboxItemFactory(DjangoModelFactory[OutboxItem]):
    """A piece of work that is due."""

    class Meta:
        model = OutboxItem

    kind = "after_call"
    key = factory.Sequence(lambda n: f"after_call:{n}")
    payload = factory.LazyAttribute(lambda item: {"key": item.key})
    due_at = factory.LazyFunction(timezone.now)


class RecordingFactory(DjangoModelFactory[Recording]):
    """A stored stereo WAV with a hum where the call's turns are (make the turns first)."""

    class Meta:
        model = Recording
        skip_postgeneration_save = True

    call = factory.SubFactory(CallFactory, ended=True)
    source = Recording.Source.LOCAL
    state = Recording.State.STORED
    sample_rate = 8000
    duration_ms = factory.LazyAttribute(
        lambda recording: max(
            (turn.ended_ms + 500 for turn in recording.call.turns.all()), default=2000
        )
    )
    file = factory.LazyAttribute(
        lambda recording: ContentFile(
            stereo_wav(
                [(t.speaker, t.started_ms, t.ended_ms) for t in recording.call.turns.all()]
                or [("agent", 200, 900), ("lead", 1000, 1800)],
                duration_ms=recording.duration_ms,
                sample_rate=recording.sample_rate,
            ),
            name=f"{recording.call.id}.wav",
        )
    )
    sha256 = factory.LazyAttribute(
        lambda recording: hashlib.sha256(recording.file.file.getvalue()).hexdigest()
    )


class AppointmentFactory(DjangoModelFactory[Appointment]):
    """A meeting of half an hour, each one later than the last."""

    class Meta:
        model = Appointment

    lead = factory.SubFactory(LeadFactory)
    rep = factory.SubFactory(UserFactory)
    starts_at = factory.Sequence(
        lambda n: (
            timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1, hours=n)
        )
    )
    ends_at = factory.LazyAttribute(lambda meeting: meeting.starts_at + timedelta(minutes=30))


class PriceFactory(DjangoModelFactory[Price]):
    """Outbound telephony at its list price, valid for years."""

    class Meta:
        model = Price
        django_get_or_create = ("provider", "component", "region", "model", "valid_from")

    provider = "twilio"
    component = Component.TELEPHONY_OUT
    region = "US"
    model = "*"
    unit = Unit.MINUTE
    unit_price = Decimal("0.014")
    valid_from = date(2020, 1, 1)
    source = "price list"


class ChargeFactory(DjangoModelFactory[Charge]):
    """Four begun minutes of telephony on a call."""

    class Meta:
        model = Charge

    key = factory.Sequence(lambda n: f"test:{n}")
    call = factory.SubFactory(CallFactory, ended=True)
    campaign = factory.LazyAttribute(lambda charge: charge.call.campaign if charge.call else None)
    price = factory.SubFactory(PriceFactory)
    component = factory.LazyAttribute(lambda charge: charge.price.component)
    provider = factory.LazyAttribute(lambda charge: charge.price.provider)
    quantity = Decimal("3.166667")
    billed_quantity = Decimal(4)
    unit = factory.LazyAttribute(lambda charge: charge.price.unit)
    unit_price = factory.LazyAttribute(lambda charge: charge.price.unit_price)
    amount = factory.LazyAttribute(lambda charge: charge.billed_quantity * charge.unit_price)
    at = factory.LazyFunction(timezone.now)


class ReconciliationFactory(DjangoModelFactory[Reconciliation]):
    """A call's line, billed as it was estimated."""

    class Meta:
        model = Reconciliation

    call = factory.SubFactory(CallFactory, ended=True)
    component = Component.TELEPHONY_OUT
    provider = "twilio"
    estimated = Decimal("0.056")
    actual = Decimal("0.056")
    at = factory.LazyFunction(timezone.now)


class BudgetFactory(DjangoModelFactory[Budget]):
    """Ten dollars a day for everything."""

    class Meta:
        model = Budget

    name = factory.Sequence(lambda n: f"Daily limit {n}")
    period = Budget.Period.DAY
    limit = Decimal(10)


class BudgetPeriodFactory(DjangoModelFactory[BudgetPeriod]):
    """Today of a budget, with nothing spent."""

    class Meta:
        model = BudgetPeriod

    budget = factory.SubFactory(BudgetFactory)
    starts_on = factory.LazyFunction(lambda: timezone.now().date())


class ReservationFactory(DjangoModelFactory[Reservation]):
    """Ten cents promised to a live call."""

    class Meta:
        model = Reservation

    call = factory.SubFactory(CallFactory, live=True)
    amount = Decimal("0.10")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=15))


def latency_parts(latency_ms: int | None) -> dict[str, int]:
    """Return an answer time in its parts, as voice keeps them."""
    if latency_ms is None:
        return {}
    parts = {"vad_wait": 134, "stt": 0, "decision": 4, "confirmation": 8, "synthesis": 3}
    return {**parts, "transport": latency_ms - sum(parts.values())}


def call_with_everything(*, began: datetime | None = None, **call: Any) -> Call:
    """Return an ended call with turns, events, charges, score, appointment and recording."""
    began = began or timezone.now() - timedelta(minutes=5)
    call = {"ended": True, "began": began, "seconds": 33, "score": 82, **call}
    row = CallFactory(**call)
    lines = (
        ("agent", 300, 5600, "Hi Maria, this is the automated assistant of Harbor Homes. "
         "This call is recorded. Is now a good time?", "greeter", "disclosure", None),
        ("lead", 6200, 7100, "Yes, sure.", "", "", None),
        ("agent", 7260, 9900, "Thanks! How soon are you thinking of selling?", "qualifier",
         "ask.timeframe", 160),
        ("lead", 10500, 13200, "We want to sell in the next two months.", "", "", None),
        ("agent", 13390, 16000, "Good to know. And what do you hope to get for", "qualifier",
         "ask.price", 190),
        ("lead", 15800, 18900, "Around four hundred and fifty thousand.", "", "", None),
        ("agent", 19120, 23900, "I can offer you Tuesday at three or Wednesday at ten. "
         "Which suits you?", "scheduler", "offer_slot", 220),
        ("lead", 24300, 25400, "Tuesday is fine.", "", "", None),
        ("agent", 25560, 29800, "Booked: Tuesday at three, with Ana. Talk to you then, goodbye!",
         "closer", "booked", 160),
    )  # fmt: skip
    for index, (speaker, started, ended, text, agent, topic, latency) in enumerate(lines):
        TurnFactory(
            call=row, index=index, speaker=speaker, text=text, started_ms=started, ended_ms=ended,
            agent=agent, topic=topic, latency_ms=latency, interrupted=index == 4,
            details=latency_parts(latency),
            tier="local" if speaker == "agent" else "",
            why=f"supervisor: the lead answers → {agent}: goes on" if speaker == "agent" else "",
        )  # fmt: skip
    for offset, kind in ((0, "stream_started"), (15800, "barge_in"), (30000, "hang_up")):
        CallEventFactory(
            call=row, kind=kind, offset_ms=offset, at=began + timedelta(milliseconds=offset)
        )
    ChargeFactory(call=row, billed_quantity=1, quantity=Decimal("0.55"), at=began)
    ChargeFactory(
        call=row,
        price=PriceFactory(component=Component.MEDIA_STREAM, unit_price=Decimal("0.004")),
        billed_quantity=1,
        quantity=Decimal("0.55"),
        at=began,
    )
    score = LeadScoreFactory(lead=row.lead, call=row, value=82)
    ScoreFactorFactory(score=score, name="timeframe", value="2 months", points=35, turn_index=3)
    ScoreFactorFactory(
        score=score, name="price", value="$450,000", points=20, turn_index=5,
        evidence="Around four hundred and fifty thousand.",
    )  # fmt: skip
    AppointmentFactory(lead=row.lead, call=row)
    RecordingFactory(call=row)
    row.cost = Decimal("0.018")
    row.summary = "Wants to sell in the next two months.\nHopes for $450,000.\nBooked: Tuesday."
    row.save()
    return row
