"""Runs attempts: sync handlers in a pool of daemon threads, async ones in one event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tasker_core.telemetry import logs, tracing
from tasker_core.telemetry.measures import error_label
from tasker_core.telemetry.spans import Running
from tasker_core.types import StepContext
from tasker_core.words import LeaseKey, Report, StepError
from tasker_core.worker.attempt import REFUSED, Attempt
from tasker_core.worker.publishing import Publishing

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

log = logging.getLogger("tasker.worker")

AHEAD = 0.02
"""Seconds of work that may lie ready beyond the free slots, so that quick handlers needn't wait for a claim each."""
MOST_AHEAD, MOST_AHEAD_IN_COMPANY = 190, 30
"""Steps; fewer where several namespaces have work, for what comes for one of them waits behind what lies ready."""
LONGEST_TRIP = 64
SLOW = 0.005
"""Seconds from which on a handler isn't quick."""
PATIENCE = 0.02
RING_EVERY = 0.001
"""Seconds for which the reports of quick handlers are gathered before the loop is told."""
SMOOTHING = 0.1


class Executor:
    """Runs at most ``slots`` handlers at a time, hands reports to ``deliver`` and calls ``ring`` when some are there.

    Threads and the event loop are made on first use. A handler that doesn't end when its attempt does (timed out,
    cancelled) keeps its slot until it returns.
    """

    def __init__(
        self, slots: int, deliver: Callable[[Report], None], ring: Callable[[], None], publishing: Publishing
    ) -> None:
        self.slots = slots
        self._publishing = publishing
        self._deliver = deliver
        self._ring = ring
        self._attempts: dict[LeaseKey, Attempt] = {}
        self._unstarted: dict[LeaseKey, Attempt] = {}
        self._timed: dict[LeaseKey, Attempt] = {}
        self._queue: SimpleQueue[Sequence[Attempt] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limit: asyncio.Semaphore | None = None
        self._durations: dict[str, float] = {}
        self._last_begin = 0.0
        self._trips = 0
        self._counting = threading.Lock()
        self._tracer: Tracer | None = None

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Run ``attempts``. Quick ones share a thread's trip, so that threads needn't be woken for each."""
        trip: list[Attempt] = []
        self._tracer = tracing.tracer()
        for attempt in attempts:
            key = attempt.lease.key
            self._attempts[key] = attempt
            self._unstarted[key] = attempt
            if attempt.plan.is_async:
                asyncio.run_coroutine_threadsafe(self._run_async(attempt), self._event_loop())
            elif self._durations.get(attempt.lease.lane, SLOW) >= SLOW:
                self._send([attempt])
            else:
                trip.append(attempt)
                if len(trip) == LONGEST_TRIP:
                    self._send(trip)
                    trip = []
        if trip:
            self._send(trip)

    def spread(self) -> None:
        """Send attempts that lie behind one that takes longer than it used to on trips of their own."""
        if self._unstarted and time.monotonic() - self._last_begin > PATIENCE:
            waiting = [attempt for attempt in list(self._unstarted.values()) if not attempt.plan.is_async]
            if len(waiting) > self._queue.qsize():
                self._last_begin = time.monotonic()
                for attempt in waiting:
                    self._send([attempt])

    def room(self, most_ahead: int) -> int:
        """How many more leases may be taken: the free slots, and some ahead while all that runs is quick."""
        free = self.slots - len(self._attempts)
        durations = self._durations
        slowest = 0.0
        for attempt in list(self._attempts.values())[:64]:
            known = durations.get(attempt.lease.lane)
            if known is None or known > SLOW:
                return max(free, 0)
            slowest = max(slowest, known)
        if not durations:
            return max(free, 0)
        typical = slowest or max(durations.values())
        if typical > SLOW:
            return max(free, 0)
        return max(free + min(most_ahead, int(AHEAD / max(typical, 1e-6))), 0)

    def held(self) -> list[Attempt]:
        """Everything that has been submitted and hasn't returned."""
        return list(self._attempts.values())

    def find(self, key: LeaseKey) -> Attempt | None:
        return self._attempts.get(key)

    def waiting_since(self, seconds: float) -> bool:
        """Have all slots been held by slow handlers while something lies ready? ``seconds`` is how long at least."""
        if not self._unstarted:
            return False
        now = time.monotonic()
        running = [a for a in self.held() if a.begun_at]
        return len(running) >= self.slots and all(now - a.begun_at > seconds for a in running)

    def withdraw(self) -> list[Attempt]:
        """Take back every attempt that hasn't begun."""
        taken = []
        for key in list(self._unstarted):
            attempt = self._unstarted.pop(key, None)
            if attempt is not None:
                self._forget(attempt)
                taken.append(attempt)
        return taken

    def overdue(self) -> list[Attempt]:
        """Attempts whose time is up."""
        if not self._timed:
            return []
        now = time.monotonic()
        over = [a for a in list(self._timed.values()) if a.deadline is not None and a.deadline <= now]
        for attempt in over:
            self._timed.pop(attempt.lease.key, None)
        return over

    def next_deadline(self) -> float | None:
        """Monotonic time at which the next attempt's time is up."""
        return min((a.deadline for a in list(self._timed.values()) if a.deadline is not None), default=None)

    def interrupt(self, attempt: Attempt) -> None:
        """Cancel an async handler, or the statement that a sync one waits for; else it is told by its context."""
        attempt.interrupt()
        if self._loop is not None and isinstance(attempt.running, asyncio.Task):
            self._loop.call_soon_threadsafe(attempt.running.cancel)

    def stuck(self) -> list[Attempt]:
        """Handlers that still run though their attempt is over."""
        return [attempt for attempt in self.held() if attempt.is_given_up and attempt.begun_at]

    def stop(self) -> None:
        """Let idle threads end; daemon threads that still run a handler are left to it."""
        for _ in self._threads:
            self._queue.put(None)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    # -- sync

    def _send(self, trip: Sequence[Attempt]) -> None:
        with self._counting:
            self._trips += 1
            more = len(self._threads) < min(self.slots, self._trips)
        self._queue.put(trip)
        if more:
            thread = threading.Thread(target=self._work, name=f"tasker-handler-{len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            trip = self._queue.get()
            if trip is None:
                return
            rung = time.monotonic()
            for attempt in trip:
                if self._is_to_begin(attempt):
                    self._run(attempt)
                if (now := time.monotonic()) - rung > RING_EVERY:
                    rung = now
                    self._ring()
            with self._counting:
                self._trips -= 1
            self._ring()

    def _run(self, attempt: Attempt) -> None:
        report = None
        logs.current.set(attempt)
        span = self._span(attempt)
        try:
            context = self._begin(attempt)
            report = attempt.finish(attempt.plan.make().call(context))
        except BaseException as error:
            report = attempt.fail(error)
        if attempt.has_transaction:
            report = self._settle(attempt, report)
        if span is not None:
            span.end(attempt.ending, _error_type(report))
        self._done(attempt, report)
        logs.current.set(None)

    def _settle(self, attempt: Attempt, report: Report | None) -> Report | None:
        """Settle in the handler's transaction; what is to be reported all the same."""
        if report is None or not self._publishing.concerns(attempt, report):
            return attempt.settle(report)
        asked = self._publishing.ask(attempt, report)
        left = attempt.settle(asked)
        self._publishing.settled([asked], attempt.published)
        return left

    # -- async

    async def _run_async(self, attempt: Attempt) -> None:
        assert self._limit is not None
        async with self._limit:
            if not self._is_to_begin(attempt):
                return
            report = None
            logs.current.set(attempt)
            span = self._span(attempt)
            try:
                attempt.running = asyncio.current_task()
                context = self._begin(attempt)
                report = attempt.finish(await attempt.plan.make().call(context))
            except BaseException as error:
                report = attempt.fail(error)
            if span is not None:
                span.end(attempt.ending, _error_type(report))
            self._done(attempt, report)
            self._ring()

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = self._loop = asyncio.new_event_loop()
            self._limit = asyncio.Semaphore(self.slots)
            threading.Thread(target=self._run_loop, args=(loop,), name="tasker-async-handlers", daemon=True).start()
        return self._loop

    @staticmethod
    def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    # -- both

    def _is_to_begin(self, attempt: Attempt) -> bool:
        """Not when it was withdrawn, or given up before its turn came."""
        if self._unstarted.pop(attempt.lease.key, None) is None:
            return False
        if attempt.is_over:
            self._forget(attempt)
        return not attempt.is_over

    def _begin(self, attempt: Attempt) -> StepContext:
        context = attempt.begin()
        self._last_begin = attempt.begun_at
        if attempt.deadline is not None:
            self._timed[attempt.lease.key] = attempt
        return context

    def _span(self, attempt: Attempt) -> Running | None:
        """The attempt's span, current from here on; None where nobody looks at spans."""
        if self._tracer is None:
            return None
        lease = attempt.lease
        return Running(self._tracer, lease.traceparent, lease.step, attempt.span_attributes())

    def _done(self, attempt: Attempt, report: Report | None) -> None:
        lane, took = attempt.lease.lane, time.monotonic() - attempt.begun_at
        ended = report is not None or attempt.is_settled
        attempt.plan.durations[attempt.ending if ended else REFUSED].note(took)
        known = self._durations.get(lane)
        self._durations[lane] = took if known is None else known + SMOOTHING * (took - known)
        self._timed.pop(attempt.lease.key, None)
        if report is None:
            if not ended:
                log.warning(
                    "step %s of task %s returned after its attempt was over (%s); the result is refused",
                    attempt.lease.step, attempt.lease.task_uuid, attempt.cancelled_by or "handed back",
                )  # fmt: skip
            self._forget(attempt)
        elif self._publishing.concerns(attempt, report):
            self._publishing.hand_in(attempt, report, self._finish)
        else:
            self._finish(attempt, report)

    def _finish(self, attempt: Attempt, report: Report) -> None:
        # Delivered before it is forgotten: a lease that this worker doesn't know of at a beat is given back.
        self._deliver(report)
        if report.outcome.error is not None:
            _tell(attempt, report.outcome.error)
        self._forget(attempt)

    def _forget(self, attempt: Attempt) -> None:
        self._attempts.pop(attempt.lease.key, None)


def _error_type(report: Report | None) -> str | None:
    error = report.outcome.error if report is not None else None
    return error_label(error.error_type) if error is not None else None


def _tell(attempt: Attempt, error: StepError) -> None:
    """A failure is worth a line. What the handler said isn't in it: that may quote the task's data."""
    log.info(
        "attempt %d of %d of step %s failed: %s%s", attempt.lease.attempt, attempt.plan.max_attempts,
        attempt.lease.step, error_label(error.error_type), "" if error.retryable else ", permanent",
    )  # fmt: skip
