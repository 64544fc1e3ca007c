"""Servers that know their callers, and one that doesn't, on each kind of database: one of each for all tests here."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tasker_core.server.auth.access import Access
from tests.support.databases import KINDS, postgres_of_the_suites
from tests.support.flows import flow
from tests.support.guard import Guard
from tests.support.served import Served, served

__all__ = ["postgres_of_the_suites"]


@pytest.fixture(scope="session")
def guard() -> Guard:
    guard = Guard()
    guard.key("shop", "tasks:create", "tasks:read", "tasks:list", "steps:read")
    guard.key("ops", "tasks:*", "steps:*")
    return guard


@pytest.fixture(scope="package", params=KINDS)
def guarded(request: pytest.FixtureRequest, guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that knows its callers."""
    with shop(request, tmp_path_factory, guard.access()) as running:
        yield running


@pytest.fixture(scope="package", params=KINDS)
def open_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without authentication."""
    with shop(request, tmp_path_factory) as running:
        yield running


@contextmanager
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, access: Access | None = None
) -> Iterator[Served]:
    """A server on a store of its own in which the template shop/order stands: pay, then ship."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('shop')}/tasker.db"
    else:
        url = f"{request.getfixturevalue('postgres_of_the_suites')}?tasker_schema=t{secrets.token_hex(6)}"
    with served(url, access) as running:
        running.engine.catalog.register(flow({"pay": [], "ship": ["pay"]}), replace=False)
        yield running


@pytest.fixture(autouse=True)
def without_credentials(request: pytest.FixtureRequest) -> None:
    """What one test's client says of itself isn't said by the next one's."""
    if "guarded" in request.fixturenames:
        served_to_all: Served = request.getfixturevalue("guarded")
        for name in ("X-API-Key", "Authorization"):
            served_to_all.http.headers.pop(name, None)
