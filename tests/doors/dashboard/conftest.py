"""The stage of the dashboard's tests: a server with pages, over a store in which something of everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tasker_core import dashboard
from tests.doors.dashboard.chromium import CHROMIUM
from tests.doors.dashboard.reader import Reader
from tests.doors.dashboard.stage import Stage, set_up
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.guard import Guard
from tests.support.served import Served, served

PATIENCE = 10_000
"""Milliseconds for which something may take to show in a browser."""

__all__ = ["postgres_of_the_suites", "store_url"]


@dataclass(frozen=True)
class Shown:
    """A running server with its stage, and a reader who may do everything."""

    served: Served
    stage: Stage
    reader: Reader

    @property
    def url(self) -> str:
        return self.served.url

    def task(self, name: str) -> str:
        """The path of the page of the stage's task of this name."""
        return f"/tasks/{self.stage.tasks[name]}"


@contextmanager
def showing(folder: Path, finished: int = 1) -> Iterator[Shown]:
    """A server that asks nobody who they are, over a stage on which so many tasks are finished."""
    with (
        served(f"sqlite:///{folder}/tasker.db", pages=dashboard.PAGES, webhooks_to_private_addresses=True) as running,
        httpx.Client(base_url=running.url, timeout=30) as http,
    ):
        yield Shown(running, set_up(running.engine, finished), Reader(http))


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """One server for all tests that look at tasks, namespaces and workers of their own."""
    with showing(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest.fixture(scope="module")
def guard() -> Guard:
    guard = Guard()
    guard.key("ann", "tasks:*", "steps:*", "templates:*", "audit:read", "workers:read", "system:*", "dlq:*")
    guard.key("onlooker", "tasks:list", "tasks:read", "steps:read")
    guard.key("lister", "tasks:list")
    return guard


@pytest.fixture(scope="module")
def guarded_pages(tmp_path_factory: pytest.TempPathFactory, guard: Guard) -> Iterator[Shown]:
    """The same of a server that knows its callers; its reader has signed in nowhere."""
    url = f"sqlite:///{tmp_path_factory.mktemp('guarded')}/tasker.db"
    access = guard.access()
    with (
        served(url, access, pages=dashboard.PAGES) as running,
        httpx.Client(base_url=running.url, timeout=30) as http,
    ):
        yield Shown(running, set_up(running.engine, finished=1), Reader(http))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of a module's own: while it is there, nothing else in this process can run an event loop."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, shown: Shown) -> Iterator[Page]:
    """A window on the dashboard; an error in its console, or a script that fails, fails the test."""
    context = browser.new_context(base_url=shown.url, viewport={"width": 1360, "height": 900})
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
