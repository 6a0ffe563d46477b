"""Assignment rules at the desk: made, ordered, tried, refused."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import (
    AssignmentRule,
)
from tests.factories import (
    UserFactory,
    WorkingHoursFactory,
)

pytestmark = pytest.mark.django_db


def rules(client: Client) -> list[str]:
    page = client.get(reverse("admin:leads_assignmentrule_changelist"))
    return [item.row.name for item in page.context["rows"]]


def test_rules_are_made_ordered_and_tried(manager: Client) -> None:
    ana = UserFactory(first_name="Ana")
    WorkingHoursFactory(rep=ana)
    add = reverse("admin:leads_assignmentrule_add")
    for name, states in (("Texas", "tx"), ("Florida", "FL")):
        data = {"name": name, "active": "on", "states": states, "cities": "Austin, Miami",
                "reps": [ana.pk]}  # fmt: skip
        assert manager.post(add, data).status_code == 302
    assert rules(manager) == ["Texas", "Florida", "Everybody in turn"]
    florida = AssignmentRule.objects.get(name="Florida")
    assert (florida.states, florida.cities) == (["FL"], ["Austin", "Miami"])
    manager.post(reverse("admin:leads_assignmentrule_move", args=(florida.pk,)), {"to": "up"})
    assert rules(manager) == ["Florida", "Texas", "Everybody in turn"]
    page = manager.get(
        reverse("admin:leads_assignmentrule_changelist"),
        {"kind": "seller", "state": "TX", "city": "austin"},
    ).content.decode()
    assert "Ana Rivera, by “Texas”" in page
    assert "“Florida” is skipped: the state is TX." in page
    assert AssignmentRule.objects.get(name="Texas").turn == 0, "only tried"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"states": "Texas"}, "Not a US state: TEXAS"),
        ({"postal_prefixes": "78x"}, "One to five digits each"),
        ({"score_from": "80", "score_to": "20"}, "must not end below"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(
    manager: Client, data: dict[str, str], problem: str
) -> None:
    add = reverse("admin:leads_assignmentrule_add")
    page = manager.post(add, {"name": "Rule", "active": "on"} | data).content.decode()
    assert problem in unescape(page)


def test_the_default_rule_cannot_be_removed_moved_or_narrowed(manager: Client) -> None:
    rules(manager)
    rule = AssignmentRule.objects.get(is_default=True)
    change = reverse("admin:leads_assignmentrule_change", args=(rule.pk,))
    assert "states" not in manager.get(change).context["adminform"].form.fields
    assert manager.post(change, {"name": "All", "states": "TX"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.states, rule.active) == ("All", [], True)
    delete = reverse("admin:leads_assignmentrule_delete", args=(rule.pk,))
    assert manager.post(delete, {"post": "yes"}).status_code == 403
    move = reverse("admin:leads_assignmentrule_move", args=(rule.pk,))
    assert manager.post(move, {"to": "up"}).status_code == 404
