"""Waiting for something that is going to happen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], timeout: float = 15.0, what: str = "what was awaited") -> T:
    """Look again and again until something true is seen; that is returned. AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what} did not come to pass in {timeout:g} s; last seen: {seen!r}"
        time.sleep(0.005)
    return seen
