"""The databases that the store's one suite is played on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasker_core.store import Store, open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.graphs import Stage

__all__ = ["another_store", "postgres_of_the_suites", "stage", "store", "store_url"]


@pytest.fixture
def another_store(store_url: str) -> Iterator[Callable[[], Store]]:
    """Opens one more Store, with connections of its own, on the database of this test."""
    opened: list[Store] = []

    def open_one() -> Store:
        database = open_database(store_url)
        database.migrate()
        opened.append(Store(database))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(another_store: Callable[[], Store]) -> Store:
    """A store on an empty database."""
    return another_store()


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)
