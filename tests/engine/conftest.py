"""Engines on each kind of database, on a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.flows import Hands

__all__ = ["another_engine", "clock", "engine", "hands", "postgres_of_the_suites", "store_url"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def another_engine(store_url: str, clock: ManualClock) -> Iterator[Callable[[], Engine]]:
    """Opens one more engine on the database of this test, as another process would."""
    opened: list[Engine] = []

    def open_one() -> Engine:
        database = open_database(store_url)
        database.migrate()
        opened.append(Engine(Store(database), clock=clock, roll=lambda: 0.5))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(another_engine: Callable[[], Engine]) -> Engine:
    """An engine on an empty database."""
    return another_engine()


@pytest.fixture
def hands(engine: Engine) -> Hands:
    return Hands(engine)
