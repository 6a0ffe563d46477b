"""Playbooks: what a manager is told about a faulty one, and how versions are kept."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from agents.models import Playbook
from agents.playbook import Script, ScriptInvalid
from agents.selectors import (
    playbook_script,
    playbook_version_current,
    playbook_version_newest,
)
from agents.services.playbooks import (
    PlaybookChanged,
    playbook_publish,
    playbook_version_publish,
    playbook_version_save,
    playbooks_seed,
)
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
        ({"disclosure__identity": None}, "disclosure, who is calling: is missing"),
        ({"closing__goodbye": LONG}, "too long"),
        ({"fillers": ["Let me have a good look at that for you."]}, "at most 6"),
        ({"closing__goodbye": "  "}, "closing, goodbye: the line is empty"),
        ({"closing__goodbye": "**Bye**"}, "cannot be spoken"),
        ({"closing__goodbye": "Goodbye {frist_name}."}, "{frist_name} is not known here"),
        ({"closing__goodbye": "See you {slot_1}."}, "{slot_1} is not known here"),
        ({"closing__goodbye": "I guarantee a sale."}, "never to say"),
        ({"scheduling__offer": "I have {slot_1}."}, "has to contain {slot_2}"),
        ({"questions__0__slot": "2nd?"}, "“2nd” is not a name"),
        ({"questions__1__slot": "price"}, "“price” is there more than once"),
        (
            {"questions__1__clarify": []},
            "question timeframe, if the answer is not clear: write at least 1",
        ),
        ({"questions__0__options": []}, "a question of type choice needs options"),
        ({"questions__1__cues": ["in about"]}, "only a question for the lead's own words has cues"),
        ({"questions__4__objection_on_yes": "nothing"}, "there is no such objection"),
        ({"questions__1__only_if": {"slot": "price", "at_least": 1}}, "not asked before it"),
        ({"questions__1__only_if": {"slot": "mood", "any_of": ["good"]}}, "“mood”, which is not"),
        (
            {"questions__1__only_if": {"slot": "motivation", "any_of": ["lottery"]}},
            "question timeframe, ask only if: this question is never asked: “lottery” is no answer",
        ),
        ({"questions__1__only_if": {"slot": "motivation"}}, "say after which answers"),
        (
            {"questions__2__only_if": {"slot": "timeframe", "at_least": 6, "at_most": 3}},
            "no answer is at least 6 and at most 3",
        ),
        ({"questions__2__only_if": {"slot": "timeframe", "any_of": ["soon"]}}, "is a number"),
        (
            {"questions__0__options__1__triggers": ["new job", "moving to"]},
            "answer divorce: this answer is never chosen",
        ),
        ({"objections__1__triggers": ["Think about it"]}, "already in objection “commission”"),
        ({"objections__1__triggers": ["is this recorded"]}, "already in objection “commission”"),
        ({"objections__1__triggers": ["okay"]}, "say more words"),
        ({"objections__1__triggers": ["take me off your list"]}, "always takes the lead off"),
        ({"objections__1__triggers": []}, "how it sounds: write at least 1"),
        ({"objections__1__reengage": "Let me go on."}, "make it a question"),
        ({"objections__1__answer": [" ".join(["word"] * 20) + "."] * 4}, "too long to listen to"),
        ({"facts__0__answer": ["No, I am a person."]}, "the answer has to say"),
        ({"voicemail": ["Call us back."]}, "message on voicemail: name {business}"),
        ({"languages": ["tlh"]}, "“tlh” is not one of"),
        ({"greetings": {}}, "not something a playbook has"),
        ({"limits__turns": 2}, "limits, turns of the lead: has to be 5 or more"),
        ({"limits__turns": 6}, "too few to ask 5 questions"),
    ],
)
def test_it_tells_a_manager_what_to_change(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptInvalid) as refused:
        Script.checked(changed(**changes))
    assert any(message.lower() in each.lower() for each in refused.value.messages), (
        refused.value.messages
    )


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


def test_names_are_kept_as_one_word_however_they_are_written() -> None:
    script = Script.checked(changed(questions__0__slot="Reason to sell"))
    assert script.questions[0].slot == "reason_to_sell"


@pytest.mark.django_db
def test_seeding_twice_leaves_one_playbook_and_a_managers_version() -> None:
    first, *_ = playbooks_seed()
    edited = playbook_publish(
        playbook_id=first.playbook_id,
        script=changed(closing__goodbye="Have a good day. Goodbye."),
        note="Friendlier.",
    )
    again, *_ = playbooks_seed()
    assert again == edited
    assert Playbook.objects.filter(name="Seller").count() == 1
    assert [v.number for v in first.playbook.versions.order_by("number")] == [1, 2]


@pytest.mark.django_db
def test_publishing_the_same_script_again_makes_no_version() -> None:
    first, *_ = playbooks_seed()
    assert playbook_publish(playbook_id=first.playbook_id, script=SELLER) == first


@pytest.mark.django_db
def test_a_version_keeps_its_script() -> None:
    first, *_ = playbooks_seed()
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
    first, *_ = playbooks_seed()
    with pytest.raises(ScriptInvalid):
        playbook_publish(playbook_id=first.playbook_id, script=changed(closing__goodbye=LONG))
    assert playbook_version_current(first.playbook_id) == first


@pytest.mark.django_db
def test_calls_begin_with_the_version_published_last_and_not_with_a_draft() -> None:
    first, *_ = playbooks_seed()
    draft = playbook_version_save(
        playbook_id=first.playbook_id, script=changed(closing__goodbye="So long. Goodbye.")
    )
    assert playbook_version_newest(first.playbook_id) == draft
    assert playbook_version_current(first.playbook_id) == first
    playbook_version_publish(version_id=draft.id)
    assert playbook_version_current(first.playbook_id) == draft


@pytest.mark.django_db
def test_an_edit_of_an_older_version_is_not_saved_over_a_newer_one() -> None:
    first, *_ = playbooks_seed()
    newer = playbook_version_save(
        playbook_id=first.playbook_id, script=changed(closing__goodbye="Bye now."), based_on=1
    )
    with pytest.raises(PlaybookChanged) as changed_meanwhile:
        playbook_version_save(
            playbook_id=first.playbook_id, script=changed(hold="Sure."), based_on=1
        )
    assert changed_meanwhile.value.newest == newer
    assert playbook_version_newest(first.playbook_id) == newer


def test_a_follow_up_of_a_question_that_is_not_asked_any_more_is_not_asked_either() -> None:
    data = changed()
    data["questions"][1]["only_if"] = {"slot": "motivation", "any_of": ["divorce"]}
    data["questions"][2]["only_if"] = {"slot": "timeframe", "at_most": 6}
    script = Script.checked(data)

    def asked(**answers: Any) -> list[str]:
        return [question.slot for question in script.questions_for(answers)][1:-2]

    assert asked() == []
    assert asked(motivation="divorce") == ["timeframe"]
    assert asked(motivation="divorce", timeframe=3) == ["timeframe", "property"]
    assert asked(motivation="divorce", timeframe=9) == ["timeframe"]
    assert asked(motivation="market", timeframe=3) == []
