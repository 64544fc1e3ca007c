"""Carries events from publishers to subscribers, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

from tasker_core.domain_events import channel
from tasker_core.types import InProcessDomainEvent

log = logging.getLogger("tasker_core.domain_events")

OnEvent: TypeAlias = Callable[[InProcessDomainEvent], object]
OnError: TypeAlias = Callable[[Exception], object]

IDLE_WAIT = 0.5
"""Seconds after which a poller without events looks whether it is to stop."""


class InProcessDomainEventPoller:
    """Hands each event that is published in this process, while it runs, to its callbacks, in the order of publishing.

    Args:
        polling_interval_ms: how long the thread rests between two bunches of events, in milliseconds. An event after a
            pause is delivered at once.
        max_events_per_poll: how many events make a bunch at most.
    """

    def __init__(self, polling_interval_ms: int = 10, max_events_per_poll: int = 100) -> None:
        if polling_interval_ms < 0 or max_events_per_poll < 1:
            raise ValueError(
                f"polling_interval_ms must be 0 or more and max_events_per_poll 1 or more, "
                f"not {polling_interval_ms} and {max_events_per_poll}"
            )
        self.polling_interval_ms = polling_interval_ms
        self.max_events_per_poll = max_events_per_poll
        self._on_event: list[OnEvent] = []
        self._on_error: list[OnError] = []
        self._queue: channel.Queue | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._polled = self._handled = self._failed = self._dropped = 0

    def on_event(self, callback: OnEvent) -> None:
        """Call ``callback`` with every event."""
        self._on_event.append(callback)

    def off_event(self, callback: OnEvent) -> None:
        """Don't call ``callback`` any more."""
        if callback in self._on_event:
            self._on_event.remove(callback)

    def on_error(self, callback: OnError) -> None:
        """Call ``callback`` with every exception from an ``on_event`` callback; without one it is logged."""
        self._on_error.append(callback)

    def start(self) -> None:
        """Begin to deliver what is published from now on. Raises RuntimeError when it runs already."""
        if self.is_running:
            raise RuntimeError("this poller runs already")
        self._stopping.clear()
        queue = self._queue = channel.open_queue()
        self._thread = threading.Thread(target=self._run, args=(queue,), name="tasker-domain-events", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Deliver what was published before this call, within ``timeout`` seconds, and end. Twice does nothing."""
        thread, queue = self._thread, self._queue
        if thread is None or queue is None:
            return
        channel.close_queue(queue)
        self._stopping.set()
        queue.arrived.set()
        if thread is not threading.current_thread():
            thread.join(timeout)
        self._thread = self._queue = None

    @property
    def is_running(self) -> bool:
        """Whether events are being delivered."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stats(self) -> dict[str, Any]:
        """What it did since it was made: ``polls``, ``events`` delivered, ``errors`` of callbacks, ``dropped`` and
        ``waiting`` events, and whether it is ``running``."""
        queue = self._queue
        return {
            "running": self.is_running,
            "polls": self._polled,
            "events": self._handled,
            "errors": self._failed,
            "dropped": self._dropped + (queue.dropped if queue else 0),
            "waiting": len(queue) if queue else 0,
        }

    def __enter__(self) -> InProcessDomainEventPoller:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, queue: channel.Queue) -> None:
        while True:
            events = queue.take(self.max_events_per_poll)
            for event in events:
                self._deliver(event)
            if events:
                self._polled += 1
            elif self._stopping.is_set():
                break
            else:
                queue.arrived.wait(IDLE_WAIT)
                continue
            self._stopping.wait(self.polling_interval_ms / 1_000)
        self._dropped += queue.dropped
        queue.dropped = 0

    def _deliver(self, event: InProcessDomainEvent) -> None:
        self._handled += 1
        for callback in list(self._on_event):
            try:
                callback(event)
            except Exception as error:
                self._failed += 1
                self._tell(event, error)

    def _tell(self, event: InProcessDomainEvent, error: Exception) -> None:
        if not self._on_error:
            log.error("a callback failed on event %s", event.event_name, exc_info=error)
        for callback in list(self._on_error):
            try:
                callback(error)
            except Exception:
                log.exception("an on_error callback failed")
