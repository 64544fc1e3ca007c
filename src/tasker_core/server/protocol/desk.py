"""One remote worker as this server sees it: which lanes it serves, what waits there, and what it is handed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from tasker_core.engine import Engine
from tasker_core.server.protocol.offer import Offer
from tasker_core.store.rows import RemoteRow
from tasker_core.store.steps import Look
from tasker_core.words import ClaimRequest, Lease, Micros, Reply, Report
from tasker_core.worker.expecting import expected, may_be_anywhere
from tasker_core.worker.lanes import Lanes
from tasker_core.worker.transport import InProcess

LOOK_EVERY = 0.1
"""Seconds between looks at what waits in lanes that nobody hinted at: what keeps a busy worker fair."""


class Desk:
    """Safe to use from several threads; what one claims another may report on."""

    def __init__(self, engine: Engine, row: RemoteRow) -> None:
        self.number, self.uuid, self.owner = row.id, row.uuid, row.owner
        self.drains = row.state == "draining"
        self.is_closed = False
        self.last_beat: Micros = engine.clock.now()
        self._heard_at = time.monotonic()
        self._engine, self._transport = engine, InProcess(engine)
        self._offer = Offer.read(row.offer)
        self._wants: dict[str, Sequence[str]] = {}
        self._lanes = Lanes()
        self._templates = (-1, -1)
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._wish: ClaimRequest | None = None
        self._ring: Callable[[], None] | None = None
        self._end_hints = self._transport.listen(self)
        engine.gates.attend(self.number)

    @property
    def lanes(self) -> Sequence[str]:
        return self._lanes.served

    @property
    def waits(self) -> bool:
        """Is somebody waiting for steps?"""
        return self._ring is not None

    @property
    def silent_for(self) -> float:
        """Seconds since it last said anything here."""
        return time.monotonic() - self._heard_at

    def beaten(self, now: Micros, *, drains: bool) -> None:
        """A heartbeat came."""
        self._heard_at, self.last_beat = time.monotonic(), now
        if drains and not self.drains:
            self.drains = True
            self.ring()

    @property
    def template_mark(self) -> str:
        return "-".join(map(str, self._templates))

    @property
    def expects_any(self) -> bool:
        return self._lanes.expects_any

    def close(self) -> None:
        self.is_closed = True
        self._end_hints()
        self.wait_no_more()

    # -- what waits

    def offer(self, offer: Offer) -> None:
        """From here on the worker runs this."""
        self._offer, self._templates = offer, (-1, -1)

    def look(self) -> None:
        """See what waits, which templates there are, and put into the queue what is due."""
        self._next_look = time.monotonic() + LOOK_EVERY
        look = self._engine.look(self.lanes)
        if look.templates != self._templates:
            self._serve(look)
            look = self._engine.look(self.lanes)
        if look.next_due is not None and look.next_due <= self._engine.clock.now():
            self._engine.enqueue_due(f"worker {self.number}")
            look = self._engine.look(self.lanes)
        self._learn_of(look.waiting)

    def see(self, look: Look) -> None:
        """Somebody looked for this worker and others; who waits is rung for where it found something, or templates."""
        # Whoever is rung for needn't look again, but for the templates.
        self._next_look = time.monotonic() + LOOK_EVERY if look.templates == self._templates else 0.0
        if not self._next_look:
            self.ring()
        self._learn_of(look.waiting)
        if self._lanes.expects_any:
            self.ring()

    def _learn_of(self, waiting: Mapping[str, int]) -> None:
        with self._lock:
            self._lanes.learn({lane: rank for lane, rank in waiting.items() if lane in self._wants})

    def _serve(self, look: Look) -> None:
        self._engine.catalog.refresh()
        wants = self._offer.lanes(self._engine.catalog.current())
        if wants.keys() != self._wants.keys() or self._templates == (-1, -1):
            self._engine.store.workers.serve(self.number, wants)
        with self._lock:
            self._wants, self._templates = wants, look.templates
            self._lanes.serve(wants)

    # -- what the engine's threads say

    def hint(self, lanes: Mapping[str, int] | None) -> None:
        with self._lock:
            if lanes is None:
                self._next_look = 0.0
            else:
                for lane, rank in lanes.items():
                    if lane in self._wants:
                        self._lanes.expect(lane, rank)
            is_news = lanes is None or self._lanes.expects_any
        if is_news:
            self.ring()

    def wish(self, lanes: Collection[str]) -> ClaimRequest | None:
        wish = self._wish
        served = [lane for lane in lanes if lane in self._wants]
        if wish is None or not served or self._lanes.expects_any:
            return None
        return self._request(served, wish.room, wish.stamp)

    def take(self, leases: Sequence[Lease]) -> None:
        # They were claimed by the stamp of who waits, whose own claim finds them: so nobody is handed them twice.
        del leases
        self.ring()

    def ring(self) -> None:
        """Have who waits look."""
        if (ring := self._ring) is not None:
            ring()

    # -- what the worker asks

    def wait(self, ring: Callable[[], None], room: int, stamp: int) -> None:
        """Call ``ring``, from any thread, when there may be something for a claim of this ``stamp``; whoever waited
        before waits no longer."""
        before, self._ring = self._ring, ring
        self._wish = self._request((), room, stamp)
        if before is not None:
            before()

    def waits_for(self, ring: Callable[[], None]) -> bool:
        """Is it still this one who waits?"""
        return self._ring is ring

    def wait_no_more(self, ring: Callable[[], None] | None = None) -> None:
        """Who waits does so no longer, if it is this one, and hears it."""
        waiting = self._ring
        if waiting is not None and ring in (None, waiting):
            self._ring = self._wish = None
            waiting()

    def claim(self, room: int, stamp: int) -> list[Lease]:
        """Ready steps. What an earlier claim of this ``stamp`` got, and is in progress, is among them."""
        self._heard_at = time.monotonic()
        if not self._lanes.expects_any or time.monotonic() >= self._next_look:
            self.look()
        while True:
            lanes = self._order()
            request = self._request(lanes, room, stamp)
            leases = self._learn(request, self._engine.claim(request).leases)
            if leases or not lanes:
                return leases

    def report(self, reports: Sequence[Report], room: int, stamp: int) -> Reply:
        """Settle ``reports`` and, with ``room``, claim in the same transaction."""
        self._heard_at = time.monotonic()
        if not room:
            return self._transport.report(self.number, reports, None)
        self.wait_no_more()
        if time.monotonic() >= self._next_look:
            self.look()
        with self._lock:
            for lane, rank in expected(reports, self._transport, self._wants):
                self._lanes.expect(lane, rank)
        if may_be_anywhere(reports, self._transport):
            self._next_look = 0.0
        request = self._request(self._order(), room, stamp)
        reply = self._transport.report(self.number, reports, request)
        self._learn(request, reply.leases)
        return reply

    def _order(self) -> Sequence[str]:
        with self._lock:
            return self._lanes.order()

    def _request(self, lanes: Sequence[str], room: int, stamp: int | None) -> ClaimRequest:
        return ClaimRequest(self.number, lanes, room, self._wants, stamp)

    def _learn(self, request: ClaimRequest, leases: Sequence[Lease]) -> list[Lease]:
        with self._lock:
            if len(leases) < request.room:
                self._lanes.emptied(request.lanes)
            self._lanes.took(Counter(lease.lane for lease in leases))
        return list(leases)
