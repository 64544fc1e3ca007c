"""Runs attempts: sync handlers in a pool of daemon threads, async ones in one event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from tasker_core.words import LeaseKey, Report
from tasker_core.worker.attempt import Attempt

log = logging.getLogger("tasker.worker")

AHEAD = 0.02
"""Seconds of work that may lie ready beyond the free slots, so that quick handlers needn't wait for a claim each."""
MOST_AHEAD = 190
SLOW = 0.005
SMOOTHING = 0.1


class Executor:
    """Runs at most ``slots`` handlers at a time and hands each report to ``deliver``.

    Threads and the event loop are made on first use. A handler that doesn't end when its attempt does (timed out,
    cancelled) keeps its slot until it returns.
    """

    def __init__(self, slots: int, deliver: Callable[[Report], None]) -> None:
        self.slots = slots
        self._deliver = deliver
        self._attempts: dict[LeaseKey, Attempt] = {}
        self._unstarted: dict[LeaseKey, Attempt] = {}
        self._timed: dict[LeaseKey, Attempt] = {}
        self._queue: SimpleQueue[Attempt | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limit: asyncio.Semaphore | None = None
        self._durations: dict[str, float] = {}
        self._in_sync = 0

    def submit(self, attempt: Attempt) -> None:
        key = attempt.lease.key
        self._attempts[key] = attempt
        self._unstarted[key] = attempt
        if attempt.plan.is_async:
            asyncio.run_coroutine_threadsafe(self._run_async(attempt), self._event_loop())
        else:
            self._in_sync += 1
            if len(self._threads) < min(self.slots, self._in_sync):
                self._start_thread()
            self._queue.put(attempt)

    def room(self) -> int:
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
        return max(free + min(MOST_AHEAD, int(AHEAD / max(typical, 1e-6))), 0)

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
        """Cancel an async handler; a sync one can only be told through its context."""
        if self._loop is not None and isinstance(attempt.running, asyncio.Task):
            self._loop.call_soon_threadsafe(attempt.running.cancel)

    def stuck(self) -> list[Attempt]:
        """Handlers that still run though their attempt is over."""
        return [attempt for attempt in self.held() if attempt.is_over and attempt.begun_at]

    def stop(self) -> None:
        """Let idle threads end; daemon threads that still run a handler are left to it."""
        for _ in self._threads:
            self._queue.put(None)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    # -- sync

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"tasker-handler-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (attempt := self._queue.get()) is not None:
            key = attempt.lease.key
            if self._unstarted.pop(key, None) is None:
                continue
            report = None
            try:
                context = attempt.begin()
                if attempt.deadline is not None:
                    self._timed[key] = attempt
                handler = attempt.plan.make()
                report = attempt.finish(handler.call(context))
            except BaseException as error:
                report = attempt.fail(error)
            self._done(attempt, report)

    # -- async

    async def _run_async(self, attempt: Attempt) -> None:
        assert self._limit is not None
        async with self._limit:
            key = attempt.lease.key
            if self._unstarted.pop(key, None) is None:
                return
            report = None
            try:
                context = attempt.begin()
                attempt.running = asyncio.current_task()
                if attempt.deadline is not None:
                    self._timed[key] = attempt
                handler = attempt.plan.make()
                report = attempt.finish(await handler.call(context))
            except BaseException as error:
                report = attempt.fail(error)
            self._done(attempt, report)

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

    def _done(self, attempt: Attempt, report: Report | None) -> None:
        lane, took = attempt.lease.lane, time.monotonic() - attempt.begun_at
        known = self._durations.get(lane)
        self._durations[lane] = took if known is None else known + SMOOTHING * (took - known)
        self._timed.pop(attempt.lease.key, None)
        self._forget(attempt)
        if report is None:
            log.warning(
                "step %s of task %s returned after its attempt was over (%s); the result is refused",
                attempt.lease.step, attempt.lease.key.task, attempt.cancelled_by,
            )  # fmt: skip
            return
        self._deliver(report)

    def _forget(self, attempt: Attempt) -> None:
        self._attempts.pop(attempt.lease.key, None)
        if not attempt.plan.is_async:
            self._in_sync -= 1
