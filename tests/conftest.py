"""What tests of the desk share: somebody who may do everything there."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import ManagerFactory


@pytest.fixture
def manager(client: Client) -> Client:
    """Log Dana in."""
    client.force_login(ManagerFactory(username="dana", first_name="Dana"))
    return client
