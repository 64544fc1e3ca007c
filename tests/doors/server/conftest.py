"""Servers on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.flows import Hands, flow
from tests.support.served import Served, served

__all__ = ["postgres_of_the_suites", "store_url"]


@pytest.fixture
def api(store_url: str) -> Iterator[Served]:
    """A server on an empty database in which the template shop/order stands: pay, then ship."""
    with served(store_url) as running:
        running.engine.catalog.register(flow({"pay": [], "ship": ["pay"]}), replace=False)
        yield running


@pytest.fixture
def hands(api: Served) -> Hands:
    """A worker played by hand, in the server's process."""
    return Hands(api.engine)
