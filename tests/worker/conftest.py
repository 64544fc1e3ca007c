"""The workshop that the worker's tests work in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.served import served
from tests.support.workshop import Workshop

OVER_HTTP = "TASKER_TEST_WORKERS_OVER_HTTP"
"""Set, every test of a worker in this directory is one of a worker over HTTP."""


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    with ExitStack() as stack:
        workshop = Workshop(tmp_path)
        if os.environ.get(OVER_HTTP):
            workshop.worker_door = {"url": stack.enter_context(served(workshop.url)).url}
        stack.callback(workshop.close)
        yield workshop
