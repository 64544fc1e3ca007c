"""Random graphs and histories, played on the pure rules, on SQLite and on PostgreSQL: all agree after each act."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tasker_core.store import Store, open_database
from tests.race.beside import Beside
from tests.race.history import Database, History

EXAMPLES = 200
SOAK = 1_000
"""More examples than this are only asked for by a soak."""


MEMORY = Path("/dev/shm")
"""Where there is no disk that each commit would wait for: this search isn't after what a power cut does."""


@pytest.fixture
def databases(postgres_url: str) -> Iterator[list[Database]]:
    with ExitStack() as end:
        place = end.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        found: list[Database] = []
        for name, url in (("SQLite", f"sqlite:///{place}/tasker.db"), ("PostgreSQL", postgres_url)):
            database = open_database(url)
            database.migrate()
            store = Store(database)
            end.callback(store.close)
            beside = Beside(store)
            end.callback(beside.close)
            found.append((name, store, beside))
        yield found


def test_rules_and_databases_agree(databases: list[Database]) -> None:
    asked = hypothesis.settings().max_examples

    class Played(History):
        pass

    Played.databases = databases
    Played.tried = type(History.tried)()
    run_state_machine_as_test(
        Played,
        settings=settings(
            max_examples=asked if asked > SOAK else EXAMPLES,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
    print(dict(Played.tried))
