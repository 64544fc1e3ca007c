"""Figures that take longer with a longer history: worked out by one thread at a time, believed for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from fastapi import Request

from tasker_core.server.core import core_of

V = TypeVar("V")

FRESH, SHARE, MOST_KEPT = 0.05, 20.0, 200
"""Seconds for which a figure is believed at least; else so many times as long as it took to get."""


class Believed(Generic[V]):
    """Figures by what they are about, each asked for anew only when it has got old for what it costs."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, float, V]] = {}
        self._lock = threading.Lock()
        self._asking: dict[Hashable, threading.Lock] = {}
        self._running: dict[Hashable, Future[V]] = {}
        self._pool = ThreadPoolExecutor(2, "tasker-dashboard-figures")

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
                    self._asking, self._running = {about: asking}, {}
                self._kept[about] = (ended, ended + max(FRESH, SHARE * (ended - began)), value)
            return value
        finally:
            asking.release()

    def soon(self, about: Hashable, ask: Callable[[], V], seconds: float) -> V | None:
        """The same, for who doesn't want to wait longer than that: an older figure then, or None where there is none
        yet. It is worked out all the same, for who asks next."""
        kept = self._kept.get(about)
        if kept is not None and time.monotonic() < kept[1]:
            return kept[2]
        with self._lock:
            running = self._running.get(about)
            if running is None or running.done():
                running = self._running[about] = self._pool.submit(self.get, about, ask)
        try:
            return running.result(seconds)
        except TimeoutError:
            return None if kept is None else kept[2]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def believed(request: Request) -> Believed[Any]:
    """The figures of the application that a request came to."""
    state = request.app.state
    if not hasattr(state, "dashboard_figures"):
        state.dashboard_figures = Believed()
        core_of(request).at_stop.append(state.dashboard_figures.close)
    found: Believed[Any] = state.dashboard_figures
    return found
