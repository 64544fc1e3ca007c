"""The way of an event through this process: each poller has a queue of its own, and every event goes into each."""

from __future__ import annotations

import os
import threading
from collections import deque

from tasker_core.telemetry import metrics
from tasker_core.types import InProcessDomainEvent

MOST_WAITING = 10_000
"""How many events wait in a queue; beyond, the oldest are dropped: a stuck subscriber mustn't fill memory."""


class Queue:
    """Where events wait for one poller."""

    def __init__(self) -> None:
        self._events: deque[InProcessDomainEvent] = deque()
        self._lock = threading.Lock()
        self.arrived = threading.Event()
        self.dropped = 0

    def put(self, event: InProcessDomainEvent) -> None:
        with self._lock:
            self._events.append(event)
            if len(self._events) > MOST_WAITING:
                self._events.popleft()
                self.dropped += 1
                metrics.EVENTS_DROPPED.add()
        self.arrived.set()

    def take(self, most: int) -> list[InProcessDomainEvent]:
        """The oldest events, at most ``most``."""
        with self._lock:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            if not self._events:
                self.arrived.clear()
        return taken

    def __len__(self) -> int:
        return len(self._events)


_queues: list[Queue] = []
_lock = threading.Lock()


def put(event: InProcessDomainEvent) -> None:
    """Give ``event`` to every poller that runs; without one it is heard by nobody."""
    with _lock:
        queues = list(_queues)
    for queue in queues:
        queue.put(event)


def open_queue() -> Queue:
    """A queue into which every event goes from now on."""
    queue = Queue()
    with _lock:
        _queues.append(queue)
    return queue


def _begin_anew() -> None:
    """A forked child has none of its parent's pollers, and perhaps one of its locks."""
    global _lock
    _lock = threading.Lock()
    _queues.clear()


os.register_at_fork(after_in_child=_begin_anew)


def close_queue(queue: Queue) -> None:
    """Nothing goes into ``queue`` any more."""
    with _lock:
        if queue in _queues:
            _queues.remove(queue)
