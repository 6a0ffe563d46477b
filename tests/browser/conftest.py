"""A Chromium, logged in as a manager, that notes every error and every request elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from tests import factories


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if program is None:
        pytest.skip("no Chromium here: install it, or name it in CHROMIUM")
    # Playwright's loop runs in this thread, and Django would refuse to touch the database in it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextmanager
def visit(browser: Browser, base: str, client: Client) -> Iterator[tuple[Page, list[str]]]:
    """A page with a client's session, and what goes wrong on it: script errors, answers that
    refuse, requests to other hosts."""
    context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 900})
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
    page = context.new_page()
    page.set_default_timeout(8000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on(
        "response",
        lambda answer: problems.append(answer.url) if answer.status >= 400 else None,
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((base, "data:", "blob:"))
            else problems.append(f"asked another host: {request.url}")
        ),
    )
    yield page, problems
    context.close()


@pytest.fixture
def page(chromium: Browser, live_server: Any, client: Client) -> Iterator[Page]:
    """A page of the desk. Fails the test on whatever goes wrong on it."""
    client.force_login(factories.ManagerFactory(first_name="Dana", last_name="Reyes"))
    with visit(chromium, live_server.url, client) as (page, problems):
        yield page
    assert problems == []


def dark(page: Page) -> None:
    """Switch to Unfold's dark theme, from the next page on."""
    page.add_init_script(
        "if (location.protocol === 'http:')"
        " localStorage.setItem('adminTheme', JSON.stringify('dark'))"
    )
