"""What can be done to many leads at once: owner, tags, stage, do not call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from leads.calendars import rep_name
from leads.models import Appointment, BulkChange, DoNotCall, Lead, TimelineEntry
from leads.policy.stages import stage_problem
from leads.services.bulk import Before, BulkAction
from leads.services.do_not_call import do_not_call_add_many

_KIND = TimelineEntry.Kind
_MEETINGS = (Appointment.Status.BOOKED, Appointment.Status.HELD)


def _assign(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    owner_id = change.options["owner"]
    owner = get_user_model().objects.filter(pk=owner_id).first() if owner_id else None
    if owner_id and owner is None:
        raise ValidationError("Whoever was to get the leads is no user any more.")
    text = f"Assigned to {rep_name(owner)}." if owner else "Assigned to nobody."
    before: Before = {}
    for lead in leads:
        if lead.owner_id == owner_id and lead.owner_rule_id is None:
            continue
        rule_id = str(lead.owner_rule_id) if lead.owner_rule_id else None
        before[lead.pk] = [lead.owner_id, rule_id]
        lead.owner_id, lead.owner_rule_id = owner_id, None
    changed = [lead for lead in leads if lead.pk in before]
    _save(changed, ["owner", "owner_rule"], now)
    _tell(changed, _KIND.ASSIGNMENT, text, change, now)
    return before


def _assign_undo(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    users = set(get_user_model().objects.values_list("pk", flat=True))
    changed = []
    for lead, (owner_id, rule_id) in was.items():
        untouched = lead.owner_id == change.options["owner"] and lead.owner_rule_id is None
        if untouched and (owner_id is None or owner_id in users):
            lead.owner_id, lead.owner_rule_id = owner_id, rule_id
            changed.append(lead)
    _save(changed, ["owner", "owner_rule"], now)
    _tell(changed, _KIND.ASSIGNMENT, "Has the owner again that it had before.", change, now)
    return len(changed)


def _tag(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    before: Before = {}
    for lead in leads:
        added = [tag for tag in change.options["tags"] if tag not in lead.tags]
        if added:
            before[lead.pk] = added
            lead.tags = [*lead.tags, *added]
    return _tagged(leads, before, "added", change, now)


def _untag(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    before: Before = {}
    for lead in leads:
        taken = [tag for tag in change.options["tags"] if tag in lead.tags]
        if taken:
            before[lead.pk] = taken
            lead.tags = [tag for tag in lead.tags if tag not in taken]
    return _tagged(leads, before, "removed", change, now)


def _tag_undo(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    for lead, added in was.items():
        lead.tags = [tag for tag in lead.tags if tag not in added]
    return _tags_back(was, change, now)


def _untag_undo(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    for lead, taken in was.items():
        lead.tags = [*lead.tags, *(tag for tag in taken if tag not in lead.tags)]
    return _tags_back(was, change, now)


def _stage(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    """Move those that may go there; whom the rules for a single lead refuse stays."""
    new, reason = Lead.Stage(change.options["stage"]), str(change.options["reason"])
    ids = [lead.pk for lead in leads]
    called = _with(ids, calls__dialed_at__isnull=False)
    met = _with(ids, appointments__status__in=_MEETINGS)
    before: Before = {}
    for lead in leads:
        problem = stage_problem(
            lead.stage,
            new,
            reason=reason,
            was_called=lead.pk in called,
            has_meeting=lead.pk in met,
        )
        if lead.stage != new and problem is None:
            before[lead.pk] = lead.stage
            lead.stage = new
    changed = [lead for lead in leads if lead.pk in before]
    _save(changed, ["stage"], now)
    _tell_stage(changed, before, new, reason, change, now)
    return before


def _stage_undo(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    new = Lead.Stage(change.options["stage"])
    changed = [lead for lead in was if lead.stage == new]
    for lead in changed:
        lead.stage = was[lead]
    _save(changed, ["stage"], now)
    _tell(changed, _KIND.STAGE, f"Stage {new.label} taken back.", change, now)
    return len(changed)


def _do_not_call(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    phones = {str(lead.phone): lead for lead in leads}
    barred = set(
        map(str, DoNotCall.objects.filter(phone__in=list(phones)).values_list("phone", flat=True))
    )
    fresh = {phone: lead for phone, lead in phones.items() if phone not in barred}
    do_not_call_add_many(
        phones=list(fresh),
        source=DoNotCall.Source.MANUAL,
        reason=str(change.options.get("reason", "")) or change.title,
        origin=change.pk,
        actor_id=change.actor_id,
        now=now,
    )
    return dict.fromkeys((lead.pk for lead in fresh.values()), True)


def _with(ids: list[Any], **where: Any) -> set[Any]:
    found = Lead.objects.filter(pk__in=ids, **where).order_by().distinct()
    return set(found.values_list("pk", flat=True))


def _tagged(
    leads: Sequence[Lead], before: Before, verb: str, change: BulkChange, now: datetime
) -> Before:
    changed = [lead for lead in leads if lead.pk in before]
    _save(changed, ["tags"], now)
    words = ", ".join(change.options["tags"])
    _tell(changed, _KIND.EDIT, f"Tags {verb}: {words}.", change, now)
    return before


def _tags_back(was: Mapping[Lead, Any], change: BulkChange, now: datetime) -> int:
    _save(list(was), ["tags"], now)
    _tell(list(was), _KIND.EDIT, f"Taken back: {change.title}.", change, now)
    return len(was)


def _save(leads: list[Lead], fields: list[str], now: datetime) -> None:
    for lead in leads:
        lead.updated_at = now
    Lead.objects.bulk_update(leads, [*fields, "updated_at"])


def _tell(leads: Iterable[Lead], kind: str, text: str, change: BulkChange, now: datetime) -> None:
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            lead=lead,
            kind=kind,
            text=text,
            actor_id=change.actor_id,
            data={"bulk": str(change.pk)},
            at=now,
        )
        for lead in leads
    )


def _tell_stage(
    leads: list[Lead],
    before: Before,
    new: Lead.Stage,
    reason: str,
    change: BulkChange,
    now: datetime,
) -> None:
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            lead=lead,
            kind=_KIND.STAGE,
            text=f"Stage changed from {Lead.Stage(before[lead.pk]).label} to {new.label}"
            + (f": {reason}" if reason else "."),
            actor_id=change.actor_id,
            data={"from": before[lead.pk], "to": new.value, "bulk": str(change.pk)},
            at=now,
        )
        for lead in leads
    )


ACTIONS = (
    BulkAction("assign", _assign, _assign_undo),
    BulkAction("tag", _tag, _tag_undo),
    BulkAction("untag", _untag, _untag_undo),
    BulkAction("stage", _stage, _stage_undo),
    BulkAction("do_not_call", _do_not_call),
)
