"""A manager edits a playbook: saved as versions, refused with reasons, compared, rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script
from agents.playbook.form import form_of
from agents.selectors import playbook_script, playbook_version_current, playbook_version_newest
from agents.tests.test_playbook_form import fields
from leads.models import AuditEntry
from tests.factories import CallFactory, ManagerFactory, UserFactory

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def playbook() -> Playbook:
    return Playbook.objects.get(name="Seller")


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(ManagerFactory(first_name="Dana", last_name="Reyes"))
    return client


@pytest.fixture
def save(manager: Client, playbook: Playbook) -> Callable[..., Any]:
    """Send the form as a browser does, with some fields changed."""

    def send(do: str = "draft", *, how: dict[str, str] | None = None, **changes: str) -> Any:
        newest = playbook_version_newest(playbook.pk)
        assert newest is not None
        sent = {
            **fields(form_of(Script, newest.script)),
            "playbook_name": [playbook.name],
            "playbook_kind": [playbook.lead_kind],
            "playbook_description": [playbook.description],
            "based_on": [str(newest.number)],
            "note": ["Kinder words."],
            "do": [do],
        }
        sent |= {name.replace("__", "."): [text] for name, text in changes.items()}
        return manager.post(page(playbook), sent, **(JSON if how is None else how))

    return send


def page(playbook: Playbook, name: str = "change", *more: Any) -> str:
    return reverse(f"admin:agents_playbook_{name}", args=(playbook.pk, *more))


def newest(playbook: Playbook) -> PlaybookVersion:
    version = playbook_version_newest(playbook.pk)
    assert version is not None
    return version


def live(playbook: Playbook) -> PlaybookVersion:
    version = playbook_version_current(playbook.pk)
    assert version is not None
    return version


def test_the_page_reads_as_a_script(manager: Client, playbook: Playbook) -> None:
    text = manager.get(page(playbook)).content.decode()
    assert "What makes you think about selling?" in text
    assert "Save and go live" in text
    assert "questions.0.slot" in text
    assert "[[questions]]" not in text


def test_a_saved_change_is_a_draft_with_a_note_and_an_author(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    answer = save(closing__goodbye="Have a good day. Goodbye.")
    assert answer.json() == {"saved": page(playbook)}
    version = newest(playbook)
    assert (version.number, version.note, version.is_draft) == (2, "Kinder words.", True)
    assert version.author is not None
    assert playbook_script(version).closing.goodbye == "Have a good day. Goodbye."
    assert live(playbook).number == 1


def test_save_and_go_live_is_what_new_calls_use(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    call = CallFactory(playbook_version=live(playbook))
    save("live", closing__goodbye="Have a good day. Goodbye.")
    assert live(playbook).number == 2
    call.refresh_from_db()
    assert call.playbook_version.number == 1


def test_the_name_and_the_kind_are_changed_with_it(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    save(playbook_name="Home sellers", playbook_kind="investor")
    playbook.refresh_from_db()
    assert (playbook.name, playbook.lead_kind) == ("Home sellers", "investor")
    assert newest(playbook).number == 1  # not a word was changed


def test_a_fault_names_the_place_and_the_fix_and_saves_nothing(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    answer = save(closing__goodbye="I guarantee it.", playbook_name="Another")
    (fault,) = answer.json()["faults"]
    assert fault["path"] == ["closing", "goodbye"]
    assert fault["where"] == "Closing, goodbye"
    assert "take the word off the list" in fault["text"]
    playbook.refresh_from_db()
    assert playbook.name == "Seller"
    assert newest(playbook).number == 1


def test_without_scripts_the_page_comes_back_as_it_was_typed(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    answer = save(how={}, closing__goodbye="I guarantee it.", objections__0__answer="Ah, I see.")
    text = answer.content.decode()
    assert "I guarantee it." in text
    assert "Ah, I see." in text
    assert "Kinder words." in text
    assert "never to say" in text


def test_a_name_that_is_taken_is_a_fault_at_the_name(save: Callable[..., Any]) -> None:
    (fault,) = save(playbook_name="Buyer").json()["faults"]
    assert fault["path"] == ["playbook_name"]


def test_an_edit_of_an_older_version_is_told_who_was_faster(
    save: Callable[..., Any], playbook: Playbook
) -> None:
    save(closing__goodbye="Have a good day. Goodbye.")
    answer = save(based_on="1", hold="Take your time.")
    assert answer.json()["changed"] == {"by": "Dana Reyes", "number": 2, "note": "Kinder words."}
    assert newest(playbook).number == 2
    text = save(how={}, based_on="1", hold="Take your time.").content.decode()
    assert "Dana Reyes saved version 2 while you were writing" in text
    assert "Take your time." in text
    assert save(based_on="2", hold="Take your time.").json() == {"saved": page(playbook)}


def test_going_back_makes_a_version_of_its_own(
    save: Callable[..., Any], manager: Client, playbook: Playbook
) -> None:
    save("live", closing__goodbye="Have a good day. Goodbye.")
    asked = manager.get(page(playbook, "back", 1)).content.decode()
    assert "Version 3 is made with the words of version 1" in asked
    manager.post(page(playbook, "back", 1))
    assert live(playbook).number == 3
    assert live(playbook).note == "Back to version 1."
    assert live(playbook).script == playbook.versions.get(number=1).script


def test_a_draft_goes_live_after_one_question(
    save: Callable[..., Any], manager: Client, playbook: Playbook
) -> None:
    save(closing__goodbye="Have a good day. Goodbye.")
    asked = manager.get(page(playbook, "publish", 2)).content.decode()
    assert "1 place differs from version 1" in asked
    assert live(playbook).number == 1
    manager.post(page(playbook, "publish", 2))
    assert live(playbook).number == 2
    entry = AuditEntry.objects.get()
    assert entry.text == "Version 2 of the playbook “Seller” went live."
    assert entry.actor_name


def test_two_versions_are_compared(
    save: Callable[..., Any], manager: Client, playbook: Playbook
) -> None:
    save(closing__goodbye="Have a good day. Goodbye.")
    text = manager.get(page(playbook, "compare")).content.decode()
    assert "1 difference." in text
    assert "<ins>Have a good day. </ins>" in text
    same = manager.get(page(playbook, "compare"), {"from": "1", "to": "1"}).content.decode()
    assert "The two say the same" in same
    assert manager.get(page(playbook, "compare"), {"from": "9"}).status_code == 404


def test_a_version_is_read_and_each_call_leads_to_its_own(
    save: Callable[..., Any], manager: Client, playbook: Playbook
) -> None:
    call = CallFactory(playbook_version=live(playbook))
    save("live", closing__goodbye="Have a good day. Goodbye.")
    review = manager.get(reverse("admin:calls_call_change", args=(call.pk,))).content.decode()
    link = reverse("admin:agents_playbookversion_change", args=(call.playbook_version_id,))
    assert link in review
    read = manager.get(link, follow=True)
    assert read.redirect_chain[-1][0] == page(playbook, "version", 1)
    assert "1 call" in read.content.decode()
    versions = manager.get(page(playbook, "versions")).content.decode()
    assert "Kinder words." in versions


def test_a_file_takes_a_playbook_out_and_in(manager: Client, playbook: Playbook) -> None:
    answer = manager.get(page(playbook, "export"))
    assert answer["Content-Disposition"] == 'attachment; filename="seller-v1.toml"'
    words = answer.content.decode().replace("Sure, take your time.", "Take all the time you need.")
    file = SimpleUploadedFile("mine.toml", words.encode())
    manager.post(page(playbook, "import"), {"file": file})
    version = newest(playbook)
    assert (version.number, version.note) == (2, "From the file mine.toml.")
    assert playbook_script(version).hold == "Take all the time you need."
    assert live(playbook).number == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"hold = ", "is not a playbook file (TOML)"),
        (b"\xff\xfe\x00", "is not a text file"),
        (b"hold = 'x'\n", "is missing"),
        (b"#" * 600_000, "too large"),
    ],
)
def test_a_file_that_is_no_playbook_is_told_so(
    manager: Client, playbook: Playbook, content: bytes, told: str
) -> None:
    file = SimpleUploadedFile("mine.toml", content)
    text = manager.post(page(playbook, "import"), {"file": file}).content.decode()
    assert told in text
    assert newest(playbook).number == 1


def test_a_playbook_is_duplicated_as_a_draft_of_its_own(
    manager: Client, playbook: Playbook
) -> None:
    add = reverse("admin:agents_playbook_add")
    manager.post(add, {"name": "Sellers, spring", "from": str(playbook.pk)})
    copy = Playbook.objects.get(name="Sellers, spring")
    assert copy.lead_kind == playbook.lead_kind
    assert newest(copy).script == newest(playbook).script
    assert newest(copy).is_draft
    text = manager.post(add, {"name": "Buyer", "from": str(playbook.pk)}).content.decode()
    assert "already exists" in text
    text = manager.post(add, {"name": "Nobody's", "from": "x"}).content.decode()
    assert "Choose a playbook to begin with, or a file" in text


def test_who_may_only_read_cannot_write(client: Client, playbook: Playbook) -> None:
    reader = UserFactory(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_playbook"))
    client.force_login(reader)
    text = client.get(page(playbook)).content.decode()
    assert "Save and go live" not in text
    assert "fieldset disabled" in text
    assert client.post(page(playbook), {"do": "live"}).status_code == 403
    assert client.post(page(playbook, "back", 1)).status_code == 403
    assert client.post(page(playbook, "publish", 1)).status_code == 403
    assert client.get(page(playbook, "import")).status_code == 403
    assert client.get(reverse("admin:agents_playbook_add")).status_code == 403
    assert client.get(page(playbook, "versions")).status_code == 200


def test_who_may_not_read_sees_nothing(client: Client, playbook: Playbook) -> None:
    client.force_login(UserFactory(is_staff=True))
    for name in ("change", "versions", "compare", "export"):
        assert client.get(page(playbook, name)).status_code == 403


def test_a_form_full_of_nonsense_is_refused_and_not_an_error(
    manager: Client, playbook: Playbook
) -> None:
    nonsense = {"questions.0": "x", "questions..ask": "y", "limits.turns": "9" * 5000, "a.b": "c"}
    answer = manager.post(page(playbook), {**nonsense, "playbook_name": "Seller"}, **JSON)
    assert json.loads(answer.content)["faults"]
