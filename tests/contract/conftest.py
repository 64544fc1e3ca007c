"""The workshop, to see promises kept by a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty store, no handlers, no worker."""
    workshop = Workshop(tmp_path)
    try:
        yield workshop
    finally:
        workshop.close()
