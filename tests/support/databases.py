"""Empty databases for the suites that are played on each kind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.support.postgres_address import Address

KINDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres_of_the_suites(postgres_server: Address) -> Iterator[str]:
    """The URL of one database for many tests, which takes less time than a database for each."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """The URL of an empty store: a file of its own on SQLite, a schema of its own on PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_url
    return f"{request.getfixturevalue('postgres_of_the_suites')}?tasker_schema=t{secrets.token_hex(6)}"
