"""What a manager sees of the difference between two versions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from agents.playbook.changes import Change, changes_between
from agents.tests.talking import SELLER


def script() -> dict[str, Any]:
    return deepcopy(SELLER.model_dump(mode="json"))


def seen(change: Change) -> tuple[str, str]:
    """Return a change's place and kind."""
    return change.where, change.kind


def test_the_same_script_has_no_changes() -> None:
    assert changes_between(script(), script()) == []


def test_a_field_that_came_since_the_version_is_no_change() -> None:
    earlier = script()
    del earlier["languages"], earlier["questions"][0]["cues"]
    assert changes_between(earlier, script()) == []


def test_a_changed_line_shows_which_words() -> None:
    later = script()
    later["closing"]["goodbye"] = "Thank you so much for your time. Goodbye."
    (change,) = changes_between(script(), later)
    assert change.section == "Closing"
    assert seen(change) == ("Closing, goodbye", "changed")
    assert [run.text for run in change.after if run.kind == "new"] == ["so much "]
    assert "".join(run.text for run in change.before) == script()["closing"]["goodbye"]


def test_an_added_phrase_shows_alone_among_many() -> None:
    later = script()
    later["objections"][1]["triggers"].append("a rip off")
    (change,) = changes_between(script(), later)
    assert change.where == "Objection commission, how it sounds"
    assert [run.text for run in change.after if run.kind == "new"] == ["a rip off\n"]
    assert all(run.kind == "same" for run in change.before)


def test_a_question_that_moved_is_the_same_question() -> None:
    later = script()
    later["questions"].insert(0, later["questions"].pop(3))
    later["questions"][0]["ask"] = ["What price would you like?"]
    changes = changes_between(script(), later)
    assert [seen(change) for change in changes] == [
        ("Question price", "moved"),
        ("Question price, asked as", "changed"),
    ]


def test_parts_are_added_and_removed_with_what_they_say() -> None:
    later = script()
    gone = later["facts"].pop()
    later["objections"].append(
        {"key": "busy_season", "triggers": ["busy season"], "answer": ["I see."], "reengage": "So?"}
    )
    del later["questions"][0]["options"][0]
    changes = {change.where: change for change in changes_between(script(), later)}
    assert changes["Fact recorded"].kind == "removed"
    assert gone["answer"][0] in changes["Fact recorded"].before[0].text
    added = changes["Objection busy season"]
    assert added.kind == "added"
    assert "How it sounds: busy season" in added.after[0].text
    assert changes["Question motivation, answer relocation"].kind == "removed"
