"""A lead with one row of everything that can belong to it, in every table of the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db.models import Model
from django.utils import timezone

from billing.models import QualifiedLead, ReservationLine
from calls.models import CallSpeech, CarrierDifference, CarrierEvent, Transfer, TransferLeg
from leads.models import (
    BulkChange,
    BulkChangeLead,
    ImportRow,
    Lead,
    LeadMerge,
    Mail,
    Mention,
    NumberList,
    ReassignedCheck,
    SavedView,
    ScoreOverride,
    SheetConflict,
    SheetLink,
    SheetRow,
    Task,
    TimelineEntry,
)
from leads.services.imports import import_check, import_commit, import_create, import_step
from tests.factories import (
    AppointmentFactory,
    BudgetPeriodFactory,
    CampaignFactory,
    ConsentFactory,
    DoNotCallFactory,
    EnrolmentFactory,
    LeadFactory,
    ReconciliationFactory,
    ReservationFactory,
    call_with_everything,
)

MARKS: dict[str, Any] = {
    "first_name": "Zebulon",
    "last_name": "Quartermain",
    "phone": "+15127770199",
    "raw_phone": "512.777.0199",
    "email": "zanzibar@example.com",
    "street": "77 Zanzibar Lane",
    "city": "Zanzibar",
    "tags": ["zanzibar"],
    "custom_fields": {"Pet": "a parrot from zanzibar"},
}
SECRET = ("zebulon", "quartermain", "777-0199", "7770199", "zanzibar")
"""What tells of the person in any text, in lower case."""


@dataclass
class World:
    """A lead, and a row of every table that it has one in, by the table's label."""

    lead: Lead
    rows: dict[str, Model] = field(default_factory=dict)

    def add(self, *rows: Model) -> None:
        """Take rows in."""
        for row in rows:
            self.rows[row._meta.label_lower] = row


def world(owner: User, **marks: Any) -> World:
    """Make a lead of somebody's with a row of everything. `MARKS` make it recognisable."""
    lead = LeadFactory(owner=owner, **marks)
    made = World(lead)
    # The words that are the lead's own: only texts that name it are to be found and swept.
    name, phone = lead.full_name, str(lead.phone)
    now = timezone.now()
    call = call_with_everything(lead=lead, summary=f"{name} sells.", to_number=lead.phone,
                                notes={"answers": {"name": name}}, next_step=f"Call {name}",
                                settled_at=now)  # fmt: skip
    call.turns.filter(speaker="lead").update(text=f"My name is {name}")
    call.events.update(data={"said": name})
    campaign = CampaignFactory()
    link = SheetLink.objects.create(spreadsheet_id=f"sheet-{lead.pk.hex}", title="Fair",
                                    source="fair", state="paused")  # fmt: skip
    soon, later = now + timedelta(hours=2), now + timedelta(hours=3)
    meeting = AppointmentFactory(lead=lead, rep=owner, starts_at=soon, ends_at=later,
                                 notes=f"With {name}")  # fmt: skip
    note = TimelineEntry.objects.create(lead=lead, kind="note", text=f"{name}, {phone}, is kind")
    task = Task.objects.create(lead=lead, title=f"Ask {name}", due_at=now, owner=owner)
    change = BulkChange.objects.create(action="tag", title="Tag", at=now, state="done", actor=owner)
    reservation = ReservationFactory(call=call)
    period = BudgetPeriodFactory()
    transfer = Transfer.objects.create(call=call, reason=f"{name} asks", kind="takeover",
                                       state="ended", expires_at=now)  # fmt: skip
    score = call.scores.get()
    made.add(
        lead, call, campaign, link, call.recording, call.turns.all()[1], call.events.all()[0],
        score, score.factors.all()[0], call.charges.all()[0], meeting, note, task, reservation,
        transfer,
        ConsentFactory(lead=lead, source=f"Form of {name}", evidence={"ip": "192.0.2.7"}),
        EnrolmentFactory(lead=lead, campaign=campaign),
        Mention.objects.create(entry=note, user=owner),
        Mail.objects.create(kind="task", key=f"mail:{lead.pk}", lead=lead, task=task, due_at=now,
                            problem=f"No mailbox of {name}"),
        ScoreOverride.objects.create(lead=lead, value=90, reason=f"{name} called us",
                                     set_at=now),
        SheetRow.objects.create(link=link, lead=lead, number=2, agreed={"Name": name}),
        SheetConflict.objects.create(link=link, lead=lead, number=2, column="Name", ours=name,
                                     theirs="x"),
        LeadMerge.objects.create(winner=lead, winner_was=lead.pk, loser_id=uuid4(),
                                 loser_name=name, merged_at=now, changes={"name": [name, ""]}),
        BulkChangeLead.objects.create(change=change, lead_id=lead.pk, before={"name": name}),
        change,
        CarrierEvent.objects.create(call=call, kind="status", key="1", payload={"To": phone}),
        CarrierDifference.objects.create(call=call, kind="duration", sid=f"CA{lead.pk.hex}",
                                         found_at=now, seen_at=now),
        TransferLeg.objects.create(transfer=transfer, rep=owner, address="client:rep"),
        ReservationLine.objects.create(reservation=reservation, period=period, amount=Decimal(0)),
        QualifiedLead.objects.create(period=period, lead=lead, call=call, at=now),
        ReconciliationFactory(call=call),
        call.charges.all()[0].unsummed,
        CallSpeech.objects.create(call=call, said=[[-1, 90]], voice=0, sent=0, heard=0),
        ReassignedCheck.objects.create(phone=lead.phone, checked_on=now.date(), reassigned=False),
        NumberList.objects.create(purpose="national", file_name="512.txt", state="done",
                                  made_on=now.date()),
        SavedView.objects.create(owner=owner, name="Mine", query=f"q={name}"),
        DoNotCallFactory(phone=lead.phone, call=call, reason=f"{name} wrote"),
        imported(lead),
    )  # fmt: skip
    made.add(ImportRow.objects.get(batch=made.rows["leads.importbatch"]))
    return made


def imported(lead: Lead) -> Any:
    """Import a file in which the lead is a row, and has something new."""
    text = f"phone,name,favourite\n{lead.phone},{lead.full_name},tea\n"
    batch = import_create(file=ContentFile(text.encode()), name="fair.csv", source="fair")
    import_check(batch_id=batch.pk, mapping=["phone", "full_name", "custom"], on_existing="fill",
                 enqueue=False, now=timezone.now())  # fmt: skip
    import_step(batch_id=batch.pk, seconds=9)
    import_commit(batch_id=batch.pk, enqueue=False, now=timezone.now())
    import_step(batch_id=batch.pk, seconds=9)
    batch.refresh_from_db()
    return batch
