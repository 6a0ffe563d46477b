"""Several people save one playbook at the same moment: one is first, the others are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.models import PlaybookVersion
from agents.services.playbooks import PlaybookChanged, playbook_version_save, playbooks_seed
from tests.threads import at_once, shared_database

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_many_edits_of_one_version_one_is_saved_and_none_is_lost(tmp_path: Path) -> None:
    first, *_ = playbooks_seed()

    def save(number: int) -> PlaybookVersion:
        script = {**first.script, "hold": f"Take your time, all {number + 2} minutes of it."}
        return playbook_version_save(playbook_id=first.playbook_id, script=script, based_on=1)

    with shared_database(tmp_path):
        results = at_once(6, save)
    saved = [each for each in results if isinstance(each, PlaybookVersion)]
    refused = [each for each in results if isinstance(each, PlaybookChanged)]
    assert [version.number for version in saved] == [2]
    assert len(refused) == 5
