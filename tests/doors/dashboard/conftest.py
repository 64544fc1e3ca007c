"""The stage of the dashboard's tests: a server with pages, over a store in which something of everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tasker_core import dashboard
from tests.doors.dashboard.reader import Reader
from tests.doors.dashboard.stage import Stage, set_up
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.guard import Guard
from tests.support.served import Served, served

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


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A server that asks nobody who they are; tests of one module share it, which says how many tasks are FINISHED."""
    finished = getattr(request.module, "FINISHED", 1)
    url = f"sqlite:///{tmp_path_factory.mktemp('dashboard')}/tasker.db"
    with (
        served(url, pages=dashboard.PAGES, webhooks_to_private_addresses=True) as running,
        httpx.Client(base_url=running.url, timeout=30) as http,
    ):
        yield Shown(running, set_up(running.engine, finished), Reader(http))


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
