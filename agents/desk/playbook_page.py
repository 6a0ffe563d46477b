"""What a playbook's page shows: its script in sections, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.models import Evaluation, Playbook, PlaybookVersion
from agents.playbook import Fault, Script
from agents.playbook.form import Node, form_of
from agents.selectors import playbook_version_current, playbook_version_newest

_SECTIONS: Final = (
    (
        "who",
        "Who speaks",
        "The agent's name and manner, and its languages.",
        ("persona", "languages", "other_language"),
    ),
    (
        "opening",
        "Opening",
        "The first sentences. Who calls, that it is an AI, the recording and the way out come "
        "before anything else, always.",
        ("disclosure", "greeting"),
    ),
    (
        "questions",
        "Questions",
        "Asked in this order. What the lead has already told is not asked again.",
        ("questions", "acknowledgements", "sympathy", "congratulations", "left_open"),
    ),
    (
        "objections",
        "Objections",
        "Answered once, then the agent asks one question to get going again. A second no is "
        "respected.",
        ("objections",),
    ),
    (
        "facts",
        "Facts",
        "What the agent may state when it is asked. Everything else it leaves to your people.",
        ("facts", "no_answer"),
    ),
    (
        "appointment",
        "Appointment",
        "Times come from your people's calendars: {slot_1} and {slot_2} stand for them.",
        ("scheduling", "callback", "transfer", "intake"),
    ),
    (
        "between",
        "In between",
        "Small words that keep a talk going.",
        ("hold", "fillers", "not_understood", "reprompts"),
    ),
    (
        "turns",
        "Taking turns",
        "How quickly the agent answers, and how it is interrupted. A campaign may set its own.",
        ("turn_taking",),
    ),
    (
        "closing",
        "Closing",
        "The last words, and the message on voicemail.",
        (
            "closing",
            "voicemail",
            "machines",
            "opt_out_confirm",
            "recording_stopped",
            "not_recorded",
        ),
    ),
    (
        "person",
        "To a person",
        "When a lead asks for one of your people, and when somebody unknown calls you.",
        ("transfer_triggers", "transfer", "intake"),
    ),
    (
        "limits",
        "Limits",
        "Where the agent stops, and what it never says.",
        ("limits", "never_say"),
    ),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page."""

    key: str
    title: str
    intro: str
    nodes: list[Node]

    @property
    def has_faults(self) -> bool:
        """Whether something in it has to be changed."""
        return any(node.has_faults for node in self.nodes)

    @property
    def count(self) -> int | None:
        """How many parts stand in it, None where there is nothing to count."""
        lists = [node for node in self.nodes if node.kind == "parts"]
        return sum(len(node.items) for node in lists) if lists else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which versions a playbook has: the newest, the one that calls begin with."""

    newest: PlaybookVersion | None
    live: PlaybookVersion | None
    evaluation: Evaluation | None = None
    """The newest version's last one."""

    @property
    def has_draft(self) -> bool:
        """Whether there are changes that no call uses yet."""
        if self.newest is None:
            return False
        return self.live is None or self.newest.number > self.live.number


def standing_of(playbook: Playbook) -> Standing:
    """Return where a playbook stands."""
    newest = playbook_version_newest(playbook.pk)
    evaluation = newest.evaluations.order_by("-created_at").first() if newest else None
    return Standing(newest, playbook_version_current(playbook.pk), evaluation)


def sections_of(data: Mapping[str, Any] | None, faults: Iterable[Fault] = ()) -> list[Section]:
    """Return a script's form in the sections of the page.

    A field that no section names stands in the last one: none is ever out of reach.
    """
    form = form_of(Script, data, faults)
    named = {name for *_, names in _SECTIONS for name in names}
    others = [node for name, node in form.children.items() if name not in named]
    sections = [
        Section(key, title, intro, [form.children[name] for name in names])
        for key, title, intro, names in _SECTIONS
    ]
    sections[-1].nodes.extend(others)
    return sections
