"""Figures that take longer with a longer history: worked out by one thread at a time, believed for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

V = TypeVar("V")

FRESH, SHARE, MOST_KEPT = 0.05, 20.0, 200
"""Seconds for which a figure is believed at least; else so many times as long as it took to get."""


class Believed(Generic[V]):
    """Figures by what they are about, each asked for anew only when it has got old for what it costs."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, float, V]] = {}
        self._lock = threading.Lock()
        self._asking: dict[Hashable, threading.Lock] = {}

    def get(self, about: Hashable, ask: Callable[[], V]) -> V:
        """The figure, no older than may be; who finds another asking takes what is known, or waits for the first."""
        kept = self._kept.get(about)
        if kept is not None and time.monotonic() < kept[1]:
            return kept[2]
        with self._lock:
            asking = self._asking.setdefault(about, threading.Lock())
        if not asking.acquire(blocking=kept is None):
            assert kept is not None
            return kept[2]
        try:
            kept = self._kept.get(about)
            began = time.monotonic()
            if kept is not None and began < kept[1]:
                return kept[2]
            value = ask()
            ended = time.monotonic()
            with self._lock:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                    self._asking = {about: asking}
                self._kept[about] = (ended, ended + max(FRESH, SHARE * (ended - began)), value)
            return value
        finally:
            asking.release()


def believed(state: Any) -> Believed[Any]:
    """The figures of one application, kept in its ``state``."""
    if not hasattr(state, "dashboard_figures"):
        state.dashboard_figures = Believed()
    found: Believed[Any] = state.dashboard_figures
    return found
