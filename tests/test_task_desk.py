"""Tasks at the desk: given, listed, changed, ticked off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import (
    Task,
)
from tests.desk import page_of, step
from tests.factories import (
    LeadFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def test_a_task_is_given_from_the_page_and_ticked_off(manager: Client) -> None:
    lead = LeadFactory()
    ana = UserFactory(first_name="Ana")
    manager.cookies["viewer_zone"] = "America/Chicago"
    page = manager.get(step(lead, "task"), {"kind": "callback"})
    assert page.context["form"]["kind"].value() == "callback"
    data = {
        "kind": "callback", "title": "Ring back", "due_at": "2026-12-01T15:00",
        "owner": ana.pk, "remind": "60",
    }  # fmt: skip
    manager.post(step(lead, "task"), data)
    task = Task.objects.get()
    assert task.due_at.isoformat() == "2026-12-01T21:00:00+00:00"
    assert task.remind_at == task.due_at - timedelta(hours=1)
    assert "Ring back" in manager.get(page_of(lead)).content.decode()
    done = reverse("admin:leads_task_done", args=(task.pk,))
    assert manager.get(done).status_code == 405
    answer = manager.post(done + "?next=" + page_of(lead))
    assert answer["Location"] == page_of(lead)
    assert manager.post(done + "?next=https://evil.example/")["Location"].startswith("/admin/")
    task.refresh_from_db()
    assert task.done_at is not None


def test_the_page_of_tasks_has_them_by_when_they_are_due(manager: Client) -> None:
    me = manager.session["_auth_user_id"]
    now = timezone.now()
    for title, due in (("Late", -1), ("Soon", 30), ("Then", 24 * 20)):
        TaskFactory(title=title, owner_id=me, due_at=now + timedelta(hours=due))
    TaskFactory(title="Theirs", due_at=now - timedelta(hours=1))
    address = reverse("admin:leads_task_changelist")
    groups = {group.key: group.tasks for group in manager.get(address).context["groups"]}
    assert {key: [task.title for task in tasks] for key, tasks in groups.items()} == {
        "overdue": ["Late"], "today": [], "week": ["Soon"], "later": ["Then"]
    }  # fmt: skip
    everybody = manager.get(address, {"who": "all"}).content.decode()
    assert "Theirs" in everybody
    late = Task.objects.get(title="Late")
    manager.post(reverse("admin:leads_task_tomorrow", args=(late.pk,)))
    late.refresh_from_db()
    assert late.due_at.date() == now.date() + timedelta(days=1)


def test_a_task_is_changed_and_opened_again(manager: Client) -> None:
    task = TaskFactory()
    ben = UserFactory()
    address = reverse("admin:leads_task_change", args=(task.pk,))
    data = {"title": "Send it", "due_at": "2026-12-01T15:00", "owner": ben.pk, "remind": ""}
    manager.post(address, data)
    task.refresh_from_db()
    assert (task.title, task.owner, task.remind_at) == ("Send it", ben, None)
    manager.post(reverse("admin:leads_task_done", args=(task.pk,)))
    assert "Not done after all" in manager.get(address).content.decode()
    manager.post(reverse("admin:leads_task_reopen", args=(task.pk,)))
    task.refresh_from_db()
    assert task.done_at is None


def test_overdue_tasks_stand_on_the_dashboard(manager: Client) -> None:
    me = manager.session["_auth_user_id"]
    TaskFactory(title="Send contract", owner_id=me, due_at=timezone.now() - timedelta(hours=1))
    TaskFactory(title="Not mine", due_at=timezone.now() - timedelta(hours=1))
    page = manager.get(reverse("admin:index")).content.decode()
    assert "Send contract" in page
    assert "2 overdue tasks" in page
