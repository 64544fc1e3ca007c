"""A store on each database, with the benchmark's templates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.ground import Ground
from bench.stage import Stage
from tasker_core.registry import HandlerRegistry
from tasker_core.store import open_database
from tests.support.databases import postgres_of_the_suites, store_url

__all__ = ["postgres_of_the_suites", "stage", "store_url"]


@pytest.fixture
def stage(store_url: str) -> Iterator[Stage]:
    """Where a workload can be played."""
    with closing(open_database(store_url)) as database:
        database.migrate()
    HandlerRegistry.reset_instance()
    with Ground() as ground:
        yield Stage("sqlite" if store_url.startswith("sqlite") else "postgres", store_url, ground.meter(""))
    HandlerRegistry.reset_instance()
