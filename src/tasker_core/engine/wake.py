"""Who is told, in this process, that something became ready or came to rest. A hint only: polling is the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from tasker_core.forks import renew_in_children
from tasker_core.words import ClaimRequest, Lease, TaskState


class Listener(Protocol):
    """A worker of this process."""

    def hint(self, lanes: Mapping[str, int] | None) -> None:
        """Something is ready in ``lanes`` (lane -> rank of the first), or anywhere."""
        ...

    def wish(self, lanes: Collection[str]) -> ClaimRequest | None:
        """What this worker, if it is idle, would take at once of ``lanes``."""
        ...

    def take(self, leases: Sequence[Lease]) -> None:
        """Leases that the worker wished for."""
        ...


def _nobody(_lanes: Mapping[str, int] | None) -> None:
    """Where there is no other process to tell."""


class Wake:
    """Hints between the threads of one process that share an engine."""

    def __init__(self) -> None:
        self.tell: Callable[[Mapping[str, int] | None], None] = _nobody
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Have nobody to tell. A forked child starts so: its parent's workers don't run in it."""
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()
        self._watchers: dict[int, list[Callable[[], None]]] = {}
        self._readers: tuple[Callable[[], None], ...] = ()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` of what becomes ready; the returned function ends it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return end

    @property
    def listeners(self) -> Sequence[Listener]:
        return self._listeners

    def ready(self, lanes: Mapping[str, int] | None, *, but: object = None) -> None:
        """Steps became ready in ``lanes``, or anywhere: tell every process. ``but`` is who knows already."""
        self.hear(lanes, but=but)
        self.tell(lanes)

    def reaches_others(self, but: object) -> bool:
        """Whether anybody but the listener ``but`` would hear of what becomes ready."""
        return self.tell is not _nobody or any(listener is not but for listener in self._listeners)

    def hear(self, lanes: Mapping[str, int] | None, *, but: object = None) -> None:
        """Tell the listeners of this process."""
        for listener in self._listeners:
            if listener is not but:
                listener.hint(lanes)

    def watch(self, task: int, ring: Callable[[], None]) -> Callable[[], None]:
        """Call ``ring``, from any thread, when ``task`` has come to rest; the returned function ends it."""
        with self._lock:
            self._watchers.setdefault(task, []).append(ring)

        def end() -> None:
            with self._lock:
                rings = self._watchers.get(task, [])
                if ring in rings:
                    rings.remove(ring)
                if not rings:
                    self._watchers.pop(task, None)

        return end

    def rested(self, states: Mapping[int, str]) -> None:
        """These tasks are in a new state."""
        if self._watchers:
            with self._lock:
                for task, state in states.items():
                    if task in self._watchers and TaskState(state).is_at_rest:
                        for ring in self._watchers[task]:
                            ring()

    def read(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Call ``ring``, from any thread, when domain events were published; the returned function ends it."""
        with self._lock:
            self._readers = (*self._readers, ring)

        def end() -> None:
            with self._lock:
                self._readers = tuple(other for other in self._readers if other is not ring)

        return end

    def published(self) -> None:
        """Domain events were published."""
        for ring in self._readers:
            ring()
