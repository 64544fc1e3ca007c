"""Who is told, in this process, that something became ready or came to rest. A hint only: polling is the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable


class Wake:
    """Hints between the threads of one process that share an engine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on_ready: list[Callable[[], None]] = []
        self._watchers: dict[int, list[threading.Event]] = {}

    def on_ready(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call`` whenever steps became ready; the returned function ends it."""
        with self._lock:
            self._on_ready = [*self._on_ready, call]

        def end() -> None:
            with self._lock:
                self._on_ready = [other for other in self._on_ready if other is not call]

        return end

    @property
    def has_listeners(self) -> bool:
        return bool(self._on_ready)

    def ready(self, *, but: object = None) -> None:
        """Steps became ready. ``but`` is the listener that knows already."""
        for call in self._on_ready:
            if call is not but:
                call()

    def watch(self, task: int) -> threading.Event:
        """An event that is set when ``task`` comes to rest; hand it to ``unwatch`` afterwards."""
        event = threading.Event()
        with self._lock:
            self._watchers.setdefault(task, []).append(event)
        return event

    def unwatch(self, task: int, event: threading.Event) -> None:
        with self._lock:
            watchers = self._watchers.get(task, [])
            if event in watchers:
                watchers.remove(event)
            if not watchers:
                self._watchers.pop(task, None)

    def rested(self, tasks: Iterable[int]) -> None:
        """These tasks changed their state."""
        if self._watchers:
            with self._lock:
                for task in tasks:
                    for event in self._watchers.get(task, ()):
                        event.set()
