"""Playbooks: what a manager is told about a faulty one, and how versions are kept."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script, ScriptInvalid, spoken_lines
from agents.selectors import playbook_script, playbook_version_current
from agents.services.playbooks import playbook_publish, playbooks_seed
from agents.tests.talking import SELLER

LONG = " ".join(["word"] * 30) + "."


def changed(**changes: Any) -> dict[str, Any]:
    """Return the seller script as data with dotted places changed: `a__b=value`."""
    data: dict[str, Any] = deepcopy(SELLER.model_dump(mode="json"))
    for place, value in changes.items():
        *path, last = place.split("__")
        at: Any = data
        for step in path:
            at = at[int(step)] if step.isdigit() else at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"disclosure__identity": "Hello, {business} here."}, "say that the caller is an AI"),
        ({"disclosure__identity": "Hello, an AI here."}, "has to contain {business}"),
        ({"disclosure__opt_out": "You can always leave."}, "say stop"),
        ({"disclosure__recorded": "Just so you know."}, "say that the call is recorded"),
        ({"disclosure__identity": None}, "disclosure, identity is missing"),
        ({"closing__goodbye": LONG}, "too long"),
        ({"closing__goodbye": "  "}, "closing, goodbye: the line is empty"),
        ({"closing__goodbye": "**Bye**"}, "cannot be spoken"),
        ({"closing__goodbye": "Goodbye {frist_name}."}, "{frist_name} is not known here"),
        ({"closing__goodbye": "See you {slot_1}."}, "{slot_1} is not known here"),
        ({"closing__goodbye": "I guarantee a sale."}, "never to say"),
        ({"scheduling__offer": "I have {slot_1}."}, "has to contain {slot_2}"),
        ({"questions__0__slot": "Why Sell?"}, "question Why Sell?"),
        ({"questions__1__slot": "price"}, "“price” is there more than once"),
        ({"questions__1__clarify": []}, "question timeframe, clarify: write at least 1"),
        ({"questions__0__options": []}, "a question of type choice needs options"),
        ({"questions__4__objection_on_yes": "nothing"}, "there is no such objection"),
        ({"facts__0__answer": ["No, I am a person."]}, "the answer has to say"),
        ({"voicemail": ["Call us back."]}, "voicemail: name {business}"),
        ({"greetings": {}}, "not something a playbook has"),
        ({"limits__turns": 2}, "limits, turns"),
    ],
)
def test_it_tells_a_manager_what_to_change(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptInvalid) as refused:
        Script.checked(changed(**changes))
    assert any(message in each for each in refused.value.messages), refused.value.messages


def test_it_tells_all_faults_at_once() -> None:
    with pytest.raises(ScriptInvalid) as refused:
        Script.checked(changed(closing__goodbye="Bye {x}.", disclosure__opt_out="Well."))
    assert len(refused.value.messages) == 2


def test_a_script_needs_a_required_question() -> None:
    data = changed()
    for question in data["questions"]:
        question["required"] = False
    with pytest.raises(ScriptInvalid, match="mark at least one as required"):
        Script.checked(data)


def test_the_shipped_lines_are_short_enough_to_be_listened_to() -> None:
    longest = max(len(line.split()) for _, line in spoken_lines(SELLER))
    assert longest <= 24


@pytest.mark.django_db
def test_seeding_twice_leaves_one_playbook_and_a_managers_version() -> None:
    (first,) = playbooks_seed()
    edited = playbook_publish(
        playbook_id=first.playbook_id,
        script=changed(closing__goodbye="Have a good day. Goodbye."),
        note="Friendlier.",
    )
    (again,) = playbooks_seed()
    assert again == edited
    assert Playbook.objects.filter(name="Seller").count() == 1
    assert [v.number for v in PlaybookVersion.objects.order_by("number")] == [1, 2]


@pytest.mark.django_db
def test_publishing_the_same_script_again_makes_no_version() -> None:
    (first,) = playbooks_seed()
    assert playbook_publish(playbook_id=first.playbook_id, script=SELLER) == first


@pytest.mark.django_db
def test_a_version_keeps_its_script() -> None:
    (first,) = playbooks_seed()
    playbook_publish(
        playbook_id=first.playbook_id, script=changed(closing__goodbye="So long. Goodbye.")
    )
    first.refresh_from_db()
    assert playbook_script(first) == SELLER
    current = playbook_version_current(first.playbook_id)
    assert current is not None
    assert playbook_script(current).closing.goodbye == "So long. Goodbye."


@pytest.mark.django_db
def test_a_faulty_script_is_not_published() -> None:
    (first,) = playbooks_seed()
    with pytest.raises(ScriptInvalid):
        playbook_publish(playbook_id=first.playbook_id, script=changed(closing__goodbye=LONG))
    assert playbook_version_current(first.playbook_id) == first
