"""What every test has: a clean environment, Hypothesis' profiles, and fresh databases to ask for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from tests.support.postgres_address import Address
from tests.support.postgres_run import servers, shared_server, shared_servers

_run = ExitStack()

# The same examples in each run, so that a red run is red because of the change; `soak` plays others each time.
hypothesis.settings.register_profile(
    "default", derandomize=True, database=None, deadline=None, max_examples=100, print_blob=True
)
hypothesis.settings.register_profile("soak", database=None, deadline=None, max_examples=5_000, print_blob=True)


# A thread that outlives its test may log to a stream that is closed by then. To print the traceback of that, logging
# parses source, and CPython 3.11's parser fails in whoever parses at the same time.
logging.raiseExceptions = False


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
    controls_the_run = not hasattr(config, "workerinput")
    if controls_the_run:
        _run.enter_context(shared_servers())


def pytest_unconfigure() -> None:
    _run.close()


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """No test sees the settings of whoever runs it: Tasker's, an application's database, libpq's defaults."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            ours = name.startswith("TASKER_") and not name.startswith("TASKER_TEST_")
            if ours or name == "DATABASE_URL" or (name.startswith("PG") and name.isupper()):
                patch.delenv(name)
        yield


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """A path at which no database is yet."""
    return tmp_path / "tasker.db"


@pytest.fixture
def sqlite_url(sqlite_path: Path) -> str:
    """The URL of a database that isn't there yet."""
    return f"sqlite:///{sqlite_path}"


@pytest.fixture(scope="session")
def postgres_server() -> Address:
    """A running PostgreSQL that the whole run shares: the given one, else the newest on this machine."""
    return shared_server(servers()[0])


@pytest.fixture
def postgres_url(postgres_server: Address) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session", params=servers())
def each_postgres_server(request: pytest.FixtureRequest) -> Address:
    """Each PostgreSQL to test with in turn, running, shared by the whole run."""
    return shared_server(request.param)


@pytest.fixture
def each_postgres_url(each_postgres_server: Address) -> Iterator[str]:
    """The URL of an empty database, on each PostgreSQL in turn."""
    with each_postgres_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", *servers()])
def each_database_url(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[str]:
    """The URL of an empty database: SQLite, then each PostgreSQL."""
    if request.param == "sqlite":
        yield sqlite_url
    else:
        with shared_server(request.param).database() as url:
            yield url
