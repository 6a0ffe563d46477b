"""What tests of leads share: a local Google."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leads.tests.sheets_server import SheetsServer, google


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SheetsServer]:
    with google(settings, tmp_path) as running:
        yield running
