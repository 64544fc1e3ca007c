"""A workshop on each kind of database, for the suites that are played on both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasker_core.store import open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]


@pytest.fixture
def workshop(tmp_path: Path, store_url: str) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    with closing(open_database(store_url)) as database:
        database.migrate()
    workshop = Workshop(tmp_path, store_url)
    try:
        yield workshop
    finally:
        workshop.close()
