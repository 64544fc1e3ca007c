"""What waits in the database, looked up for whoever scrapes: seldom, and never for long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from tasker_core.clock import Clock
from tasker_core.errors import StoreError
from tasker_core.rules.gates import CLOSED, Waiting, held_back
from tasker_core.store import Store
from tasker_core.store.gauges import Standing

log = logging.getLogger("tasker.metrics")

FRESH = 3.0
"""Seconds for which an answer is good, so that several scrapers ask once."""
PATIENCE = 2.0
"""Seconds after which a scrape is answered without the database."""


class Found(NamedTuple):
    """What waits, which of it limits and breakers hold back by (lane, kind), and the breakers that aren't closed."""

    standing: Standing
    held: Mapping[tuple[str, str], int]
    breakers: Mapping[str, str]


class Lookup:
    """Reads the store in a thread of its own: a database that hangs mustn't take the process's other figures along."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: Found | None = None
        self._answered_at = float("-inf")
        self._asking: threading.Event | None = None

    def found(self) -> Found | None:
        """What waits, as of the last few seconds; None when the database doesn't say."""
        with self._lock:
            if time.monotonic() - self._answered_at < FRESH:
                return self._answer
            asking = self._asking
            if asking is None:
                asking = self._asking = threading.Event()
                threading.Thread(target=self._ask, args=(asking,), name="tasker-metrics", daemon=True).start()
        answered = asking.wait(PATIENCE)
        with self._lock:
            return self._answer if answered else None

    def _ask(self, asking: threading.Event) -> None:
        answer = None
        try:
            now, standing = self._clock.now(), self._store.gauges.read()
            gates = self._store.gates.standings(now)
            waiting = {lane: Waiting(queue.depth, queue.aside) for lane, queue in standing.queues.items()}
            broken = {gate.name: gate.breaker for gate in gates if gate.breaker != CLOSED}
            answer = Found(standing, held_back(waiting, gates, now), broken)
        except StoreError as error:
            log.warning("the figures of the database are missing: %s", error)
        finally:
            with self._lock:
                self._answer, self._answered_at, self._asking = answer, time.monotonic(), None
            asking.set()
