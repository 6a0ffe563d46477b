"""What people promise to do for a lead: given, changed, done, and reminded of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from leads.calendars import rep_name
from leads.models import Mail, Task, TimelineEntry
from leads.services.mail import mail_promise
from leads.services.timeline import timeline_add


@transaction.atomic
def task_add(
    *,
    lead_id: UUID,
    title: str,
    due_at: datetime,
    owner_id: int | None,
    kind: str = Task.Kind.TASK,
    remind_at: datetime | None = None,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> Task:
    """Note that somebody is to do something, and promise the reminder.

    Args:
        kind: one of `Task.Kind`.
        owner_id: who does it.
        remind_at: when the owner gets an e-mail; never if not given.

    Raises:
        ValidationError: what is to be done is missing.
    """
    title = title.strip()
    if not title:
        raise ValidationError({"title": "Say what is to be done."})
    task = Task(
        lead_id=lead_id,
        kind=Task.Kind(kind),
        title=title[:160],
        due_at=due_at,
        remind_at=remind_at,
        owner_id=owner_id,
        created_by_id=actor.pk if actor else None,
    )
    task.save(force_insert=True)
    whom = f" for {rep_name(task.owner)}" if task.owner else ""
    _tell(task, f"{task.get_kind_display()}{whom}: {task.title}", "added", actor, now)
    _promise_reminder(task)
    return task


@transaction.atomic
def task_change(
    *, task_id: UUID, actor: AbstractBaseUser | None = None, now: datetime, **changes: Any
) -> Task:
    """Change an open task: `title`, `due_at`, `remind_at`, `owner_id`. The reminder follows.

    Raises:
        ValidationError: it is done already, or what is to be done is missing.
    """
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.done_at is not None:
        raise ValidationError("This task is done: open it again to change it.")
    unknown = set(changes) - {"title", "due_at", "remind_at", "owner_id"}
    if unknown:
        raise TypeError(f"not of a task: {', '.join(sorted(unknown))}")
    if "title" in changes and not changes["title"].strip():
        raise ValidationError({"title": "Say what is to be done."})
    changed = [name for name, value in changes.items() if getattr(task, name) != value]
    if not changed:
        return task
    for name in changed:
        setattr(task, name, changes[name])
    task.save(update_fields=[name.removesuffix("_id") for name in changed])
    task.refresh_from_db()
    whom = f" for {rep_name(task.owner)}" if task.owner else ""
    text = f"{task.get_kind_display()} changed{whom}: {task.title}"
    _tell(task, text, f"changed:{now.isoformat()}", actor, now)
    _promise_reminder(task)
    return task


@transaction.atomic
def task_done(*, task_id: UUID, actor: AbstractBaseUser | None = None, now: datetime) -> Task:
    """Tick a task off. Safe to repeat."""
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.done_at is not None:
        return task
    task.done_at, task.done_by_id = now, actor.pk if actor else None
    task.save(update_fields=["done_at", "done_by"])
    _tell(task, f"Done: {task.title}", f"done:{now.isoformat()}", actor, now)
    return task


@transaction.atomic
def task_reopen(*, task_id: UUID, actor: AbstractBaseUser | None = None, now: datetime) -> Task:
    """Take a tick back. Safe to repeat."""
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.done_at is None:
        return task
    task.done_at, task.done_by = None, None
    task.save(update_fields=["done_at", "done_by"])
    _tell(task, f"Not done after all: {task.title}", f"reopened:{now.isoformat()}", actor, now)
    return task


def _promise_reminder(task: Task) -> None:
    if task.remind_at is None or task.owner_id is None:
        return
    mail_promise(
        kind=Mail.Kind.TASK_REMINDER,
        key=f"task:{task.pk}:{task.owner_id}:{task.remind_at.isoformat()}",
        lead_id=task.lead_id,
        user_id=task.owner_id,
        task_id=task.pk,
        due_at=task.remind_at,
    )


def _tell(task: Task, text: str, step: str, actor: AbstractBaseUser | None, now: datetime) -> None:
    timeline_add(
        lead_id=task.lead_id,
        kind=(
            TimelineEntry.Kind.CALLBACK
            if task.kind == Task.Kind.CALLBACK
            else TimelineEntry.Kind.TASK
        ),
        text=text,
        actor=actor,
        data={"task": str(task.pk), "due_at": task.due_at.isoformat()},
        key=f"task:{task.pk}:{step}",
        at=now,
    )
