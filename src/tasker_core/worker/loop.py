"""The worker's loop: settle what handlers finished, take the next steps in the same breath, hand them out."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence

from tasker_core.errors import ResolutionError, StoreError
from tasker_core.telemetry import metrics
from tasker_core.telemetry.measures import error_label
from tasker_core.words import ClaimRequest, Ending, Lease, LeaseKey, Reply, Report, split_lane
from tasker_core.worker.attempt import Attempt
from tasker_core.worker.executor import MOST_AHEAD, MOST_AHEAD_IN_COMPANY, Executor
from tasker_core.worker.expecting import expected, may_be_anywhere
from tasker_core.worker.inbox import Inbox
from tasker_core.worker.lanes import Lanes
from tasker_core.worker.outcomes import without_handler
from tasker_core.worker.outlook import POLL, Outlook
from tasker_core.worker.publishing import Publishing
from tasker_core.worker.serving import Serving
from tasker_core.worker.transport import Transport

log = logging.getLogger("tasker.worker")

LARGEST_REPORT = 200
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
HAND_BACK_AFTER = 0.2
"""Seconds after which steps that lie ready behind slow handlers go back to the queue."""

STUCK_AFTER = 5.0
"""Seconds for which all slots may be held by handlers that outlive their attempts, before the worker ends."""


class Loop(threading.Thread):
    """One thread that owns the conversation with the engine. ``worker`` is its number, a new one after it was lost."""

    def __init__(
        self,
        transport: Transport,
        serving: Serving,
        slots: int,
        worker: int,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(name="tasker-worker", daemon=True)
        self.worker = worker
        self.publishing = Publishing(self._ring)
        self.executor = Executor(slots, self._deliver, self._ring, self.publishing)
        self._transport = transport
        # From afar one half runs while the other is on its way.
        self._most_ahead = 2 * MOST_AHEAD if transport.is_remote else MOST_AHEAD
        self._serving = serving
        self._inbox = Inbox()
        self._lanes = Lanes(serving.lanes, weights)
        self._reporting: dict[LeaseKey, Report] = {}
        self._outlook = Outlook(transport)
        self._hints: deque[Mapping[str, int]] = deque()
        self._gifts: deque[Sequence[Lease]] = deque()
        self._giving = threading.Lock()
        self._ended = False
        self._templates: tuple[int, int] = (-1, -1)
        self._pause = 0.0
        self._stuck_since: float | None = None
        self._draining = False
        self._drained = False
        self._stopped = False
        self._end_hints: Callable[[], None] = lambda: None

    # -- from other threads

    def hint(self, lanes: Mapping[str, int] | None = None) -> None:
        """Something is ready in ``lanes`` (lane -> rank of the first); without them: anywhere."""
        if lanes is None:
            self._outlook.hint()
        else:
            self._hints.append(lanes)
        self._inbox.ring()

    def wish(self, lanes: Collection[str]) -> ClaimRequest | None:
        """What this worker would take of ``lanes`` at once: nothing while it has work waiting."""
        room = self._room()
        served = [lane for lane in lanes if lane in self._serving.lanes]
        if not served or room <= 0 or self._draining or self._lanes.expects_any or self._hints:
            return None
        return self._request(served, room)

    def take(self, leases: Sequence[Lease]) -> None:
        """Leases that this worker wished for. One that has ended meanwhile gives them back."""
        with self._giving:
            if not self._ended:
                self._gifts.append(leases)
                self._inbox.ring()
                return
        self._transport.give_back(self.worker, [lease.key for lease in leases])

    def drain(self) -> None:
        """Take nothing more; give back what hasn't begun."""
        self._draining = True
        self._inbox.ring()

    def stop(self) -> None:
        """End the loop when everything reported so far is settled."""
        self._stopped = True
        self._inbox.ring()

    def believed(self) -> list[LeaseKey]:
        """The leases that this worker believes it holds: running, ready to run, or finished and not yet settled."""
        held = [attempt.lease.key for attempt in self.executor.held() if not attempt.is_given_up]
        return [*held, *self.publishing.keys(), *self._reporting]

    @property
    def is_idle(self) -> bool:
        """After ``drain``: nothing more comes, nothing runs and nothing waits to be settled."""
        quiet = self._drained and not self.publishing.keys() and not self._reporting and not self._gifts
        return quiet and all(a.is_given_up for a in self.executor.held())

    @property
    def is_draining(self) -> bool:
        return self._draining

    @property
    def is_waiting_for_the_store(self) -> bool:
        """Did the last turn find the store locked, full or gone?"""
        return self._pause > 0

    def hand_back(self, attempt: Attempt, reason: str) -> None:
        """End ``attempt`` unfinished, with no attempt spent, and interrupt its handler."""
        if (report := attempt.release(reason)) is not None:
            self._deliver(report)
            self._ring()
            self.executor.interrupt(attempt)

    def give_up(self, keys: Sequence[LeaseKey], reason: str) -> None:
        """These leases are this worker's no longer: tell their handlers, refuse their results."""
        for key in keys:
            attempt = self.executor.find(key)
            if attempt is not None and not attempt.is_over:
                attempt.abandon(reason)
                self.executor.interrupt(attempt)

    def doubt(self, reason: str) -> None:
        """Its leases may have ended: handlers are told to stop, and none begins. What they still return is reported."""
        self._hand_back_unstarted(reason)
        for attempt in self.executor.held():
            if not attempt.is_over:
                attempt.cancelled_by = reason

    def _deliver(self, report: Report) -> None:
        self._reporting[report.outcome.key] = report
        self._inbox.put(report)

    def _ring(self) -> None:
        self._inbox.ring()

    # -- the loop

    def run(self) -> None:
        self._end_hints = self._transport.listen(self)
        try:
            while not self._is_over():
                try:
                    # A turn that began before the drain may still bring what it claimed.
                    draining = self._draining
                    self._turn()
                    self._drained = draining
                    self._pause = 0.0
                except StoreError as error:
                    if self._stopped:
                        log.error("%s; the worker ends, and %d results are lost", error, len(self._reporting))
                        return
                    self._wait_for_better_times(error)
                except Exception:
                    # A worker that died of a surprise would leave everything else that it runs behind.
                    log.exception("the worker's turn failed")
                    time.sleep(LONGEST_PAUSE)
        finally:
            self._end_hints()

    def _is_over(self) -> bool:
        with self._giving:
            self._ended = self._stopped and not self._inbox and not self._gifts
        return self._ended

    def _turn(self) -> None:
        self._time_out_overdue()
        self.publishing.overdue()
        self.executor.spread()
        if self._draining or self.executor.waiting_since(HAND_BACK_AFTER):
            self._hand_back_unstarted(
                "the worker stops" if self._draining else "the worker's slots are held by slow steps"
            )
        self._hear_hints()
        if not self._draining and self._outlook.is_time():
            self._look()
        if reports := self._inbox.take(LARGEST_REPORT):
            self._settle(reports)
        elif not self._draining and self._lanes.expects_any and (room := self._room()) > 0:
            request = self._request(self._lanes.order(), room)
            self._learn(request, self._transport.claim(request))
        elif not self._outlook.wait(self._inbox, self._patience()):
            self._end_if_stuck()

    def _hear_hints(self) -> None:
        while self._gifts:
            self._begin(self._gifts.popleft())
        while self._hints:
            for lane, rank in self._hints.popleft().items():
                if lane in self._serving.lanes:
                    self._lanes.expect(lane, rank)

    def _settle(self, reports: list[Report]) -> None:
        room = 0 if self._draining else self._room()
        if room > 0:
            for lane, rank in expected(reports, self._transport, self._serving.lanes):
                self._lanes.expect(lane, rank)
            if may_be_anywhere(reports, self._transport):
                self._outlook.hint()
        request = self._request(self._lanes.order(), room) if room > 0 else None
        began = time.perf_counter()
        try:
            reply = self._transport.report(self.worker, reports, request)
        except Exception:
            self._inbox.put_back(reports)
            raise
        metrics.SUBMISSION_DURATION.of().note(time.perf_counter() - began)
        metrics.RESULTS_SUBMITTED.add(n=len(reports))
        self.publishing.settled(reports, reply.events)
        for report in reports:
            self._reporting.pop(report.outcome.key, None)
            if report.outcome.ending not in (Ending.OK, Ending.YIELDED):
                self._outlook.look_soon()
                self._count_failed(report)
        self._learn(request, reply)

    def _count_failed(self, report: Report) -> None:
        error = report.outcome.error
        if error is not None:
            lane = self._transport.known(report.template).lane(report.outcome.key.no)
            metrics.STEP_FAILURES.add(*split_lane(lane), error_label(error.error_type))
            metrics.STEP_TIMEOUTS.add(n=report.outcome.ending is Ending.TIMED_OUT)

    def _room(self) -> int:
        return self.executor.room(MOST_AHEAD_IN_COMPANY if self._lanes.are_shared else self._most_ahead)

    def _request(self, lanes: Sequence[str], room: int) -> ClaimRequest:
        wants = self._serving.wants
        return ClaimRequest(self.worker, lanes, room, {lane: wants[lane] for lane in lanes if lane in wants})

    def _learn(self, request: ClaimRequest | None, reply: Reply) -> None:
        if request is not None and len(reply.leases) < request.room:
            self._lanes.emptied(request.lanes)
        self._begin(reply.leases)

    def _begin(self, leases: Sequence[Lease]) -> None:
        if leases:
            self._count_claimed(leases)
            attempts = map(self._attempt, leases)
            self.executor.submit([attempt for attempt in attempts if attempt is not None])

    def _count_claimed(self, leases: Sequence[Lease]) -> None:
        by_lane = Counter(lease.lane for lease in leases)
        self._lanes.took(by_lane)
        for lane, steps in by_lane.items():
            metrics.STEPS_CLAIMED.add(*split_lane(lane), n=steps)
        metrics.STEPS_RETRIED.add(n=sum(lease.attempt > 1 for lease in leases))

    def _attempt(self, lease: Lease) -> Attempt | None:
        try:
            plan = self._serving.plan(lease, self._transport.known(lease.template))
        except ResolutionError as error:
            self._deliver(without_handler(lease, error))
            return None
        return Attempt(lease, plan, self._transport.result_of, self._transport.lend)

    def _look(self) -> None:
        self._outlook.begin()
        look = self._transport.look(self._serving.lanes_in_order)
        if look.templates != self._templates or self._serving.is_outdated:
            self._templates = look.templates
            if self._serving.refresh(self._transport.templates()):
                self._lanes.serve(self._serving.lanes)
                self._transport.serve(self.worker, self._serving.lanes, self._serving.wants)
                look = self._transport.look(self._serving.lanes_in_order)
        self._outlook.end(look.next_due, idle=not look.waiting and not look.is_held and not self.executor.held())
        if self._outlook.is_due:
            self._transport.enqueue_due(self.worker)
            self._outlook.hint()
        self._lanes.learn(look.waiting)

    def _patience(self) -> float:
        """How long to wait for something to happen, in seconds: an idle worker has nothing to do before it looks."""
        busy = self.executor.held() or self.publishing.keys() or self._draining
        patience = POLL if busy else self._outlook.until_look()
        if not self._draining:
            patience = min(patience, self._outlook.until_due())
        if (deadline := self.executor.next_deadline()) is not None:
            patience = min(patience, max(deadline - time.monotonic(), 0.0))
        return patience

    def _time_out_overdue(self) -> None:
        for attempt in self.executor.overdue():
            if (report := attempt.time_out()) is not None:
                if self.publishing.concerns(attempt, report):
                    self.publishing.hand_in(attempt, report, lambda _, report: self._deliver(report))
                else:
                    self._deliver(report)
                self.executor.interrupt(attempt)

    def _hand_back_unstarted(self, reason: str) -> None:
        for attempt in self.executor.withdraw():
            self.hand_back(attempt, reason)

    def _end_if_stuck(self) -> None:
        """No slot will ever be free again, as it seems: end, for a supervisor to start another process."""
        stuck = self.executor.stuck()
        if len(stuck) < self.executor.slots:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = time.monotonic()
        elif time.monotonic() - self._stuck_since > STUCK_AFTER:
            steps = ", ".join(sorted(f"{attempt.lease.step} of task {attempt.lease.task_uuid}" for attempt in stuck))
            log.critical("the worker ends: handlers that outlive their attempts hold all its slots: %s", steps)
            self._hand_back_unstarted("the worker's handlers don't end")
            self._draining = self._stopped = True

    def _wait_for_better_times(self, error: StoreError) -> None:
        """The store is locked, full or gone: what was finished is kept and reported once it is back."""
        self._pause = min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
        pause = max(self._pause, error.retry_after or 0.0)
        log.warning("%s; trying again in %.1f s, with %d results waiting", error, pause, len(self._reporting))
        until = time.monotonic() + pause
        while not self._stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SHORTEST_PAUSE))
