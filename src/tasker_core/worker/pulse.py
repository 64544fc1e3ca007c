"""The worker's heartbeat and its share of the sweeping, beside the loop so that a long commit can't silence it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tasker_core.clock import SECOND
from tasker_core.engine import Heard
from tasker_core.errors import StoreError
from tasker_core.telemetry import metrics
from tasker_core.words import Micros
from tasker_core.worker.loop import Loop
from tasker_core.worker.transport import Transport

log = logging.getLogger("tasker.worker")

SWEEP_EVERY = 1.0
"""Seconds."""
DOUBTED = 0.9
"""Of a lease time without a heartbeat, after which a worker takes its leases for lost."""


class Pulse(threading.Thread):
    """Beats for ``loop``'s worker as often as ``transport`` says.

    ``register`` makes a new registration when the worker was given up meanwhile; ``end`` has the worker end.
    """

    def __init__(
        self, transport: Transport, loop: Loop, register: Callable[[], int], end: Callable[[], object]
    ) -> None:
        super().__init__(name="tasker-pulse", daemon=True)
        self._transport = transport
        self._loop_thread = loop
        self._register, self._end = register, end
        self._bell = threading.Event()
        self._is_over = self._is_given_up = False
        self._every: Micros = transport.beat_every
        self._last_beat: Micros = transport.now()
        self._next_beat: Micros = self._last_beat + self._every

    @property
    def silent_for(self) -> float:
        """Seconds since the last beat that got through."""
        return max(self._transport.now() - self._last_beat, 0) / 1e6

    def stop(self) -> None:
        self._is_over = True
        self._bell.set()

    def given_up(self, worker: int) -> None:
        """``worker`` isn't known any more: register without waiting for a heartbeat to hear that, too."""
        if worker == self._loop_thread.worker:
            self._is_given_up, self._next_beat = True, 0
            self._bell.set()

    def run(self) -> None:
        # A worker whose loop has ended is silent: what it still holds, others find as lost.
        while self._waited() and self._loop_thread.is_alive():
            try:
                if self._transport.now() >= self._next_beat:
                    self._beat()
                if self._transport.sweep():
                    self._loop_thread.hint()
            except StoreError as error:
                log.warning("the worker's heartbeat failed: %s", error)
                if self._transport.is_remote and self.silent_for * SECOND > DOUBTED * self._transport.lease_time:
                    self._loop_thread.doubt("no heartbeat got through: the lease may have ended")
            except Exception:
                log.exception("the worker's heartbeat failed")

    def _waited(self) -> bool:
        """Wait until there is something to do again; False when that is over."""
        self._bell.wait(min(SWEEP_EVERY, self._every / SECOND))
        self._bell.clear()
        return not self._is_over

    def _beat(self) -> None:
        loop, transport, now = self._loop_thread, self._transport, self._transport.now()
        believed = loop.believed()
        heard = Heard(False, frozenset(believed)) if self._is_given_up else transport.beat(loop.worker, believed)
        metrics.LEASES_LOST.add(n=len(heard.lost))
        if not heard.known:
            log.warning("worker %s was given up as lost; it registers again", loop.worker)
            loop.give_up(sorted(heard.lost), "the lease was lost")
            loop.worker = self._register()
            self._is_given_up = False
            if loop.is_draining:
                transport.drain(loop.worker)
        else:
            loop.give_up(sorted(heard.lost), "the lease was lost")
            loop.give_up(sorted(heard.cancelled), "the task was cancelled")
            strays = [key for key, claimed_at in heard.unknown.items() if claimed_at < self._last_beat]
            if strays:
                transport.give_back(loop.worker, strays)
            if heard.drains and not loop.is_draining:
                log.warning("worker %s is drained by an operator: it takes nothing more", loop.worker)
                loop.drain()
            if heard.ends:
                self._end()
        self._last_beat, self._next_beat = now, now + self._every
