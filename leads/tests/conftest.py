"""What tests of leads share: a local Google."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leads.sheets import client, quota
from leads.tests.sheets_server import SheetsServer, google


@pytest.fixture
def server(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SheetsServer]:
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.0)
    for name in ("USER", "PROJECT"):  # they have tests of their own
        monkeypatch.setattr(quota, name, quota.Limit(per_minute=6000, burst=5000))
    with google(settings, tmp_path) as running:
        yield running
