"""Requests that wait for tasks to come to rest: one thread looks for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from tasker_core.engine import Engine
from tasker_core.errors import StoreError
from tasker_core.server.threads import OverloadedError
from tasker_core.words import TaskState

log = logging.getLogger("tasker.server")

SHORTEST_POLL, LONGEST_POLL = 0.005, 0.05


class Waiters:
    """At most ``most`` waiting requests. Belongs to the event loop that it is used in.

    A worker of this process rings at once; what one of another process does is noticed by looking, all tasks that are
    waited for in one question.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine, self._most = engine, most
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self._rung = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        # A thread of its own: marks of changes can only be compared within one connection, which is one thread's.
        self._thread = ThreadPoolExecutor(1, "tasker-server-waiting")
        self._is_closed = False

    @property
    def count(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def rest(self, task: int, seconds: float) -> None:
        """Return when the task of this number is at rest, after ``seconds``, or when the server stops."""
        if self._is_closed:
            return
        if self.count >= self._most:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        rested: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(task, set()).add(rested)
        unwatch = self._engine.wake.watch(task, partial(_ring, loop, self._rung))
        self._rung.set()
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._look_for_ever())
        try:
            await asyncio.wait([rested], timeout=seconds)
        finally:
            unwatch()
            self._waiting[task].discard(rested)
            if not self._waiting[task]:
                del self._waiting[task]

    def release(self) -> None:
        """Let go of all who wait, and of all who would."""
        self._is_closed = True
        for waiting in self._waiting.values():
            for rested in waiting:
                _finish(rested)
        self._rung.set()

    def close(self) -> None:
        self.release()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _look_for_ever(self) -> None:
        poll, mark, loop = SHORTEST_POLL, None, asyncio.get_running_loop()
        while self._waiting and not self._is_closed:
            if self._rung.is_set():
                self._rung.clear()
                poll, mark = SHORTEST_POLL, None
            mark, resting = await loop.run_in_executor(self._thread, self._look, list(self._waiting), mark)
            for task in resting:
                for rested in self._waiting.get(task, ()):
                    _finish(rested)
            try:
                await asyncio.wait_for(self._rung.wait(), poll)
            except TimeoutError:
                poll = min(poll * 1.5, LONGEST_POLL)

    def _look(self, tasks: Collection[int], mark: int | None) -> tuple[int | None, list[int]]:
        """The mark of the last change, and which of ``tasks`` rest, if anything changed since ``mark``."""
        try:
            seen = self._engine.store.database.change_mark()
            if seen == mark and seen != -1:
                return seen, []
            states = self._engine.store.tasks.states(tasks)
        except StoreError as error:
            log.warning("can't see whether tasks are at rest: %s", error)
            return None, []
        # A task that is gone was at rest.
        return seen, [task for task in tasks if task not in states or TaskState(states[task]).is_at_rest]


def _ring(loop: asyncio.AbstractEventLoop, rung: asyncio.Event) -> None:
    # The worker that rings must not suffer from a server that has ended.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(rung.set)


def _finish(rested: asyncio.Future[None]) -> None:
    if not rested.done():
        rested.set_result(None)
