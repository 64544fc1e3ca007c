"""The workshop that the tests of the doors work in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import served
from tests.support.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    workshop = Workshop(tmp_path)
    try:
        yield workshop
    finally:
        workshop.close()


@pytest.fixture(params=["in process", "over HTTP"])
def each_door(request: pytest.FixtureRequest, workshop: Workshop) -> Iterator[Workshop]:
    """The workshop with a client that opens the store itself, then with one that asks a server."""
    if request.param == "in process":
        yield workshop
        return
    with served(workshop.url) as server:
        workshop.server_url = server.url
        yield workshop
        if "client" in workshop.__dict__:
            workshop.client.close()
