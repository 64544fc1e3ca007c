"""The workshop that the tests of the doors work in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.guard import Guard
from tests.support.served import served
from tests.support.workshop import Workshop

OF_A_CLIENT = (
    "tasks:*", "steps:*", "dlq:*", "templates:*", "namespaces:*", "events:*", "audit:read", "workers:*",
    "system:config_read", "system:handlers_read", "system:analytics_read",
)  # fmt: skip


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    workshop = Workshop(tmp_path)
    try:
        yield workshop
    finally:
        workshop.close()


@pytest.fixture(params=["in process", "over HTTP with a key", "over HTTP with a token"])
def each_door(request: pytest.FixtureRequest, workshop: Workshop) -> Iterator[Workshop]:
    """The workshop with a client that opens the store itself, then with ones that ask a server which knows them: by an
    API key, and by a token.
    """
    if request.param == "in process":
        yield workshop
        return
    guard = Guard()
    key, token = guard.key("till", *OF_A_CLIENT), guard.signer.token(*OF_A_CLIENT)
    with served(workshop.url, guard.access()) as server:
        workshop.door = {"url": server.url, **({"api_key": key} if "key" in request.param else {"token": token})}
        yield workshop
        if "client" in workshop.__dict__:
            workshop.client.close()
