"""What is known about the numbers of a chunk of rows, and what each row therefore does.

The dry run and the commit ask the same question of the same function, so that a commit does what
was shown, or what has become right since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

from django.db.models import CharField, ExpressionWrapper, F

from leads.models import Consent, DoNotCall, ImportBatch, ImportRow, Lead
from leads.policy.import_changes import FIELDS, Changes, changes_of
from leads.services.checked_phone import CheckedPhone

UNDONE_VIA: Final = "import undone"
"""How consents of an undone import are revoked: by nobody's wish, so that it binds nobody."""


class Origin(Protocol):
    """Where rows come from: an uploaded file, or a pass over a linked sheet."""

    @property
    def pk(self) -> UUID:
        """Names the origin in the ids and keys of what its rows make."""

    @property
    def file_name(self) -> str:
        """What people call it."""

    @property
    def on_existing(self) -> str:
        """One of `ImportBatch.OnExisting`."""

    @property
    def created_by_id(self) -> int | None:
        """Whose act it was."""

    @property
    def entry_kind(self) -> str:
        """The kind of the timeline's lines about updates."""


@dataclass(frozen=True, slots=True)
class Known:
    """Leads by number, numbers not to be called, and consents by lead."""

    leads: Mapping[str, Mapping[str, Any]]
    do_not_call: frozenset[str]
    consents: frozenset[tuple[UUID, str, datetime]]
    withdrawn: Mapping[UUID, datetime]


@dataclass(slots=True)
class Decision:
    """What a row does. `consent` is the one to keep, if any."""

    verdict: str
    lead_id: UUID
    changes: Changes = field(default_factory=dict)
    consent: Mapping[str, str] | None = None
    notes: list[str] = field(default_factory=list)
    barred: bool = False


def known_load(phones: Collection[str], *, lock: bool = False) -> Known:
    """Read what is known about numbers. Three queries, however many numbers.

    Args:
        lock: keep the leads as they are until the transaction ends.
    """
    numbers = [CheckedPhone(phone) for phone in phones]
    e164 = ExpressionWrapper(F("phone"), output_field=CharField())
    rows = Lead.objects.filter(phone__in=numbers)
    if lock:
        rows = rows.select_for_update()
    fields = rows.annotate(e164=e164).order_by().values("pk", "e164", *FIELDS)
    leads = {row["e164"]: row for row in fields}
    consents = set()
    withdrawn: dict[UUID, datetime] = {}
    given = Consent.objects.filter(lead_id__in=[lead["pk"] for lead in leads.values()]).exclude(
        revoked_via=UNDONE_VIA
    )
    for lead_id, source, given_at, revoked_at in given.order_by().values_list(
        "lead_id", "source", "given_at", "revoked_at"
    ):
        consents.add((lead_id, source, given_at))
        if revoked_at:
            withdrawn[lead_id] = max(revoked_at, withdrawn.get(lead_id, revoked_at))
    barred = DoNotCall.objects.filter(phone__in=numbers).annotate(e164=e164)
    return Known(
        leads=leads,
        do_not_call=frozenset(barred.order_by().values_list("e164", flat=True)),
        consents=frozenset(consents),
        withdrawn=withdrawn,
    )


def decide(
    batch: Origin, number: int, phone: str, plan: Mapping[str, Any], known: Known
) -> Decision:
    """Return what one valid row does, given what is known.

    Args:
        plan: the row's `values`: fields, consent, do_not_call.
    """
    lead = known.leads.get(phone)
    barred = phone in known.do_not_call or bool(plan.get("do_not_call"))
    if lead is None:
        decision = Decision(ImportRow.Verdict.NEW, uuid5(batch.pk, str(number)))
    else:
        decision = Decision(ImportRow.Verdict.UPDATE, lead["pk"])
        if batch.on_existing != ImportBatch.OnExisting.SKIP:
            decision.changes = changes_of(
                lead,
                plan["fields"],
                overwrite=batch.on_existing == ImportBatch.OnExisting.OVERWRITE,
            )
    decision.barred = barred
    if lead is None or batch.on_existing != ImportBatch.OnExisting.SKIP:
        decision.consent = _consent(decision, plan, known)
    if phone in known.do_not_call:
        decision.notes.append("On the do-not-call list: will not be called")
    elif barred:
        decision.notes.append("Goes on the do-not-call list: the file says so")
    adds = decision.changes or decision.consent or (barred and phone not in known.do_not_call)
    if lead is not None and not adds:
        decision.verdict = ImportRow.Verdict.DUPLICATE
        decision.notes.insert(0, "This number is a lead already, and the row adds nothing")
    return decision


def _consent(decision: Decision, plan: Mapping[str, Any], known: Known) -> Mapping[str, str] | None:
    consent: Mapping[str, str] | None = plan.get("consent")
    if consent is None:
        return None
    if decision.barred:
        decision.notes.append("Consent not kept: the number is not to be called")
        return None
    given_at = datetime.fromisoformat(consent["given_at"])
    if (decision.lead_id, consent["source"], given_at) in known.consents:
        return None
    withdrawn = known.withdrawn.get(decision.lead_id)
    if withdrawn is not None and given_at <= withdrawn:
        decision.notes.append(
            f"Consent not kept: it was withdrawn after that, on {withdrawn:%Y-%m-%d}"
        )
        return None
    return consent
