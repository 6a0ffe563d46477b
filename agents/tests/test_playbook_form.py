"""A script as a form: read back as it was written, and kept as it was typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from agents.playbook import Script, ScriptInvalid
from agents.playbook.form import Node, data_from, form_of
from agents.tests.talking import BUYER, OLD_LEAD, RENTER, SELLER


def fields(node: Node) -> dict[str, list[str]]:
    """Return what a browser would send of a form that nobody touched, in its order."""
    if node.kind in ("part", "condition"):
        inner = [fields(child) for child in node.children.values()]
    elif node.kind == "parts":
        inner = [fields(item) for item in node.items]
    elif node.kind == "flag":
        inner = [{f"{node.name}.shown": ["1"]}, {node.name: ["on"]} if node.value else {}]
    else:
        inner = [{node.name: node.value if node.kind == "choices" else [str(node.value)]}]
    return {name: values for part in inner for name, values in part.items()}


def typed(sent: dict[str, list[str]]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in sent.items():
        query.setlist(name, values)
    return query


def sent(script: Script) -> dict[str, list[str]]:
    return fields(form_of(Script, script.model_dump(mode="json")))


@pytest.mark.parametrize("script", [SELLER, BUYER, RENTER, OLD_LEAD])
def test_a_form_that_nobody_touched_gives_the_same_script(script: Script) -> None:
    assert Script.checked(data_from(typed(sent(script)), Script)) == script


def test_parts_stand_in_the_order_of_the_page() -> None:
    form = sent(SELLER)
    moved = {name: form.pop(name) for name in list(form) if name.startswith("questions.3.")}
    script = Script.checked(data_from(typed({**moved, **form}), Script))
    assert [question.slot for question in script.questions][:2] == ["price", "motivation"]


def test_a_part_that_was_added_has_any_place() -> None:
    form = sent(SELLER)
    form |= {
        "objections.n1.key": ["Busy season"],
        "objections.n1.triggers": ["busy season\r\n\r\n too much work \n"],
        "objections.n1.answer": ["I see.\nIt is a short meeting."],
        "objections.n1.reengage": ["Shall I go on?"],
        "objections.n1.refusal.shown": ["1"],
    }
    added = Script.checked(data_from(typed(form), Script)).objections[-1]
    assert added.key == "busy_season"
    assert added.triggers == ("busy season", "too much work")
    assert added.answer == ("I see.", "It is a short meeting.")
    assert added.refusal is False


def test_fields_of_another_kind_of_answer_do_not_count() -> None:
    form = sent(SELLER)
    form["questions.0.type"] = ["months"]
    data = data_from(typed(form), Script)
    assert "options" not in data["questions"][0]
    Script.checked(data)


def test_a_follow_up_is_read_and_taken_back() -> None:
    form = sent(BUYER)
    place = next(n for n, question in enumerate(BUYER.questions) if question.slot == "lender")
    assert form[f"questions.{place}.only_if.any_of"] == ["loan, not approved yet"]
    form[f"questions.{place}.only_if.slot"] = [""]
    assert Script.checked(data_from(typed(form), Script)).questions[place].only_if is None


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("closing.goodbye", "  So   long {x}", "closing.goodbye"),
        ("limits.turns", "many", "limits.turns"),
        ("limits.turns", "-1", "limits.turns"),
        ("questions.0.ask", "Why?\n**Why?**", "questions.0.ask"),
        ("questions.1.only_if.slot", "price", "questions.1.only_if"),
        ("questions.0.options.1.triggers", "", "questions.0.options.1.triggers"),
        ("objections.2.key", "Commission", "objections.2.key"),
        ("facts.1.answer", "", "facts.1.answer"),
    ],
)
def test_what_cannot_be_saved_stands_as_it_was_typed_with_the_fault_beside_it(
    name: str, text: str, place: str
) -> None:
    form = sent(SELLER)
    form[name] = [text]
    data = data_from(typed(form), Script)
    with pytest.raises(ScriptInvalid) as refused:
        Script.checked(data)
    again = form_of(Script, data, refused.value.faults)
    at: Any = again
    for step in place.split("."):
        at = at.items[int(step)] if step.isdigit() else at.children[step]
    assert at.faults
    if at.kind != "condition":
        assert str(at.value).split() == text.split()
    assert again.has_faults
