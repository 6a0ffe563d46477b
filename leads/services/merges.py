"""Two leads become one, and two again if that was a mistake."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F

from leads.formats import national
from leads.models import Consent, DoNotCall, Lead, LeadMerge, TimelineEntry
from leads.policy.import_changes import FIELDS, changed, changes_of, restored
from leads.policy.stages import stage_may_change
from leads.services.do_not_call import do_not_call_add
from leads.services.merge_rows import Joined, rows_join, rows_part
from leads.services.scores import override_in_force
from leads.services.timeline import timeline_add

_OTHER_PHONE = "Other phone"


class MergeRefused(Exception):  # noqa: N818 - says what happened
    """Two leads cannot be merged, or a merge not undone: the message says why and what to do."""


@transaction.atomic
def leads_merge(
    *, winner_id: UUID, loser_id: UUID, actor: AbstractBaseUser | None = None, now: datetime
) -> LeadMerge:
    """Merge one lead into another.

    Everything that points to the loser points to the winner afterwards, in every app. The winner
    gets what it lacks. A wish of either not to be called, or a consent withdrawn by either, holds
    for both numbers.

    Raises:
        MergeRefused: they are the same, one is gone, or the loser is on a call.
    """
    if winner_id == loser_id:
        raise MergeRefused("These are the same lead: choose two.")
    leads = Lead.objects.select_for_update().filter(pk__in=(winner_id, loser_id)).order_by("pk")
    found = {lead.pk: lead for lead in leads}
    if len(found) < 2:
        raise MergeRefused("One of these leads is gone: it was merged or erased meanwhile.")
    winner, loser = found[winner_id], found[loser_id]
    consents = _withdrawal_shared(winner, loser, now)
    barred = _do_not_call_shared(winner, loser, actor, now)
    joined = Joined()
    try:
        with transaction.atomic():
            rows_join(loser, winner, joined)
    except IntegrityError:
        raise MergeRefused(
            "One of these leads is on a call. Wait until it is over, then merge."
        ) from None
    merge = LeadMerge.objects.create(
        winner=winner,
        winner_was=winner_id,
        loser_id=loser_id,
        loser_name=(loser.full_name or national(loser.phone))[:170],
        removed=joined.removed,
        moved=joined.moved,
        changes=_fill(winner, loser),
        consents=[str(pk) for pk in consents],
        do_not_call=[str(pk) for pk in barred],
        actor_id=actor.pk if actor else None,
        merged_at=now,
    )
    timeline_add(
        lead_id=winner_id,
        kind=TimelineEntry.Kind.MERGE,
        text=f"Merged with {merge.loser_name}, {national(loser.phone)}.",
        actor=actor,
        data={"merge": str(merge.pk)},
        key=f"merge:{merge.pk}",
        at=now,
    )
    return merge


@transaction.atomic
def merge_undo(
    *, merge_id: UUID, actor: AbstractBaseUser | None = None, now: datetime
) -> LeadMerge:
    """Bring the loser back with all that was its own. What came after the merge stays.

    Raises:
        MergeRefused: it was undone before, or its number belongs to another lead by now.
    """
    merge = LeadMerge.objects.select_for_update().get(pk=merge_id)
    if merge.undone_at:
        raise MergeRefused("This merge was undone before.")
    if merge.winner_id != merge.winner_was:
        raise MergeRefused("The lead was merged again since: undo the later merge first.")
    winner = Lead.objects.select_for_update().get(pk=merge.winner_id)
    try:
        with transaction.atomic():
            rows_part(merge.removed, merge.moved)
    except IntegrityError:
        raise MergeRefused(
            f"{merge.loser_name}'s number belongs to another lead by now: merge that one first."
        ) from None
    fields = {name: getattr(winner, name) for name in FIELDS}
    values, _ = restored(fields, {k: v for k, v in merge.changes.items() if k not in _PLAIN})
    for name, (before, after) in merge.changes.items():
        if name in _PLAIN and _plain(winner, name) == after:
            values[name] = before
    for name, value in values.items():
        setattr(winner, name, value)
    winner.save(update_fields=[*values, "updated_at"])
    via = _via(merge.merged_at)
    Consent.objects.filter(pk__in=merge.consents, revoked_via=via).update(
        revoked_at=None, revoked_via=""
    )
    DoNotCall.objects.filter(pk__in=merge.do_not_call).delete()
    merge.undone_at = now
    merge.save(update_fields=["undone_at"])
    for lead_id in (merge.winner_id, merge.loser_id):
        timeline_add(
            lead_id=lead_id,
            kind=TimelineEntry.Kind.MERGE,
            text=f"Merge of {merge.loser_name} into {winner} undone.",
            actor=actor,
            key=f"merge:{merge.pk}:undone:{lead_id}",
            at=now,
        )
    return merge


_PLAIN = ("stage", "score", "owner_id", "owner_rule_id")


def _fill(winner: Lead, loser: Lead) -> dict[str, list[Any]]:
    """Give the winner what it lacks. Return what changed."""
    mine = {name: getattr(winner, name) for name in FIELDS}
    said = {name: getattr(loser, name) for name in FIELDS}
    said["custom_fields"] = {**said["custom_fields"], _OTHER_PHONE: str(loser.phone)}
    changes = changes_of(mine, said, overwrite=False)
    zones = list(dict.fromkeys([*mine["time_zones"], *said["time_zones"]]))
    if zones != mine["time_zones"]:
        # Where either may be, the person may be: the strictest of all zones counts.
        changes["time_zones"] = [mine["time_zones"], zones]
    values = changed(mine, changes)
    if stage_may_change(winner.stage, loser.stage, by_person=False):
        changes["stage"] = [winner.stage, loser.stage]
    if winner.owner_id is None and loser.owner_id is not None:
        for name in ("owner_id", "owner_rule_id"):
            changes[name] = [_plain(winner, name), _plain(loser, name)]
    override = override_in_force(winner.pk)  # of either: the loser's is the winner's by now
    score = override.value if override else loser.score
    if score is not None and score != winner.score and (override or winner.score is None):
        changes["score"] = [winner.score, score]
    values |= {name: changes[name][1] for name in _PLAIN if name in changes}
    for name, value in values.items():
        setattr(winner, name, value)
    winner.save(update_fields=[*values, "updated_at"])
    return changes


def _plain(lead: Lead, name: str) -> Any:
    value = getattr(lead, name)
    return str(value) if isinstance(value, UUID) else value


def _withdrawal_shared(winner: Lead, loser: Lead, now: datetime) -> list[UUID]:
    """Withdraw all consents of both if either withdrew or is barred. Return those that were valid.

    Here and not with the do-not-call entry, so that an undo knows which they were.
    """
    consents = Consent.objects.select_for_update().filter(lead__in=(winner, loser))
    withdrew = DoNotCall.objects.filter(phone__in=(winner.phone, loser.phone)).exists()
    for lead in (winner, loser):
        own = list(consents.filter(lead=lead).values_list("revoked_at", flat=True))
        withdrew |= bool(own) and all(own)
    if not withdrew:
        return []
    valid = consents.filter(revoked_at__isnull=True)
    ids = list(valid.values_list("pk", flat=True))
    _revoke(ids, now)
    return ids


def _do_not_call_shared(
    winner: Lead, loser: Lead, actor: AbstractBaseUser | None, now: datetime
) -> list[UUID]:
    """Bar both numbers if either is barred. Return the entries that were made."""
    numbers = [str(winner.phone), str(loser.phone)]
    known = set(
        map(str, DoNotCall.objects.filter(phone__in=numbers).values_list("phone", flat=True))
    )
    if not known:
        return []
    return [
        do_not_call_add(
            phone=number,
            source=DoNotCall.Source.MANUAL,
            reason="The same person as a number on the list (merge)",
            actor=actor,
            now=now,
        ).pk
        for number in numbers
        if number not in known
    ]


def _revoke(ids: list[UUID], now: datetime) -> None:
    consents = Consent.objects.filter(pk__in=ids)
    consents.filter(given_at__lte=now).update(revoked_at=now, revoked_via=_via(now))
    consents.filter(given_at__gt=now).update(revoked_at=F("given_at"), revoked_via=_via(now))


def _via(now: datetime) -> str:
    return f"withdrawn on the other lead of a merge, {now:%Y-%m-%d %H:%M:%S}"
