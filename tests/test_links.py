"""Whatever a page links to opens for whoever sees the link."""

from __future__ import annotations

import html
import json
import re
from collections import deque
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from tests.addresses import ROLES, Everything

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.django_db]

_LINK = re.compile(r"""<a\b[^>]*\bhref="([^"#]+)""")


def _links(address: str, page: str) -> list[str]:
    found = (urljoin(address, html.unescape(link)) for link in _LINK.findall(page))
    return [link for link in found if link.startswith("/admin/")]


@pytest.mark.parametrize("role", ROLES)
def test_no_link_of_any_page_leads_to_a_refusal(role: str) -> None:
    client = Everything().client(role)
    client.raise_request_exception = False  # an error is a refusal like others
    wrong: dict[str, str] = {}
    ways = deque([("/admin/", "")])
    seen: set[tuple[str, frozenset[str]]] = set()
    while ways:
        address, via = ways.popleft()
        parts = urlsplit(address)
        # Of the many ways to filter or sort a list, one of each kind.
        kind = parts.path, frozenset(parse_qs(parts.query, keep_blank_values=True))
        if kind in seen:
            continue
        seen.add(kind)
        answer = client.get(address)
        if answer.status_code not in (200, 302):
            wrong[address] = f"{answer.status_code}, linked from {via}"
        elif answer.headers.get("Content-Type", "").startswith("text/html"):
            ways += ((link, address) for link in _links(address, answer.content.decode()))
    assert len(seen) > 30
    assert not wrong, json.dumps(wrong, indent=1)
