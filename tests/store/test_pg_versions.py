"""The whole flow on each version of PostgreSQL that this machine has."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tasker_core.store import open_database
from tasker_core.store.postgres import PostgresDatabase
from tests.store.subset import *  # noqa: F403  # the tests, collected here once more, on this module's stores
from tests.support.everything import use_everything
from tests.support.postgres_address import Address


@pytest.fixture(scope="module")
def database_of_the_suite(each_postgres_server: Address) -> Iterator[str]:
    with each_postgres_server.database() as url:
        yield url


@pytest.fixture
def store_url(database_of_the_suite: str) -> str:
    """An empty store on each version."""
    return f"{database_of_the_suite}?tasker_schema=t{secrets.token_hex(6)}"


def test_everything_works_on_it(each_postgres_server: Address, each_postgres_url: str, tmp_path: Path) -> None:
    with closing(open_database(each_postgres_url)) as database:
        assert isinstance(database, PostgresDatabase)
        assert database.migrate()
        assert not database.migrate(), "a second time there is nothing to do"
        assert database.version() // 10_000 == each_postgres_server.version[0]
    use_everything(each_postgres_url, tmp_path / "ledger.db")
    with psycopg.connect(each_postgres_url) as connection:
        assert connection.execute("select count(*) from tasker.steps").fetchone() == (0,), "pruned with their tasks"
