"""Prune: drop finished tasks that are old enough, in small transactions that nobody waits for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tasker_core.clock import SECOND, Clock
from tasker_core.store import Store
from tasker_core.store.history import PAGE, OldTask
from tasker_core.words import Micros

log = logging.getLogger("tasker.prune")

LARGEST_BATCH, MOST_STEPS = 200, 2_000
"""Tasks of one transaction, and their steps: about ten milliseconds, for which SQLite's other writers wait."""
KEEP_EVERY: Micros = 60 * SECOND
LONGEST_REST = 0.1
WAITS_FOR_SUBSCRIBERS: Micros = 7 * 86_400 * SECOND
"""Events are kept for a subscription that was heard of within this time; a longer silence mustn't fill the store."""
MOST_PAGES = 50
"""Pages that are looked at in one go by the process that keeps the retention, whose heartbeat waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many tasks, with how many steps, were dropped (or would be)."""

    tasks: int = 0
    steps: int = 0


class Pruner:
    """The verb ``prune``. ``retention`` (microseconds) is for how long finished tasks are kept; None is for ever."""

    def __init__(
        self, store: Store, clock: Clock, retention: Micros | None, rest: Callable[[float], None] = time.sleep
    ) -> None:
        self._store, self._clock, self._retention, self._rest = store, clock, retention, rest
        self._kept_at: Micros | None = None
        self._after = 0

    def prune(
        self, older_than: Micros, *, namespace: str | None = None, limit: int | None = None, dry_run: bool = False
    ) -> Pruned:
        """Drop the tasks that were finished more than ``older_than`` microseconds ago, at most ``limit`` of them.

        Blocked tasks aren't finished; a task with a pending dead letter stays. Between its transactions it rests as
        long as they took. With ``dry_run`` nothing is dropped, only counted.
        """
        before, tasks, steps = self._clock.now() - older_than, 0, 0
        for page in self._pages(0, before, namespace):
            old = [task for task in page if task.may_go]
            if limit is not None:
                old = old[: limit - tasks]
            dropped = old if dry_run else self._drop(old, before)
            tasks += len(dropped)
            steps += sum(task.steps for task in dropped)
            if limit is not None and tasks >= limit:
                break
        return Pruned(tasks, steps)

    def keep(self) -> Pruned:
        """Drop what is older than the retention: one page of tasks a minute at most, however often this is called."""
        now = self._clock.monotonic()
        if self._retention is None or (self._kept_at is not None and now - self._kept_at < KEEP_EVERY):
            return Pruned()
        self._kept_at, before = now, self._clock.now() - self._retention
        for n, page in enumerate(self._pages(self._after, before, None), 1):
            self._after = page[-1].id
            if old := [task for task in page if task.may_go]:
                dropped = self._drop(old, before)
                log.info("dropped %d tasks that were finished longer ago than the retention", len(dropped))
                return Pruned(len(dropped), sum(task.steps for task in dropped))
            if n == MOST_PAGES:
                return Pruned()
        self._after = 0
        return Pruned()

    def _pages(self, after: int, before: Micros, namespace: str | None) -> Iterator[Sequence[OldTask]]:
        """The tasks in order of their numbers, up to where all of them were created after ``before``."""
        while page := self._store.history.page(after, before, self._heard(), namespace):
            yield page
            after = page[-1].id
            if len(page) < PAGE or all(task.created_at >= before for task in page):
                return

    def _drop(self, tasks: Sequence[OldTask], before: Micros) -> list[OldTask]:
        dropped: list[OldTask] = []
        for batch in _batches(tasks):
            began = self._clock.monotonic()
            gone = set(self._store.history.drop([task.id for task in batch], before, self._heard()))
            dropped += [task for task in batch if task.id in gone]
            self._rest(min((self._clock.monotonic() - began) / 1e6, LONGEST_REST))
        return dropped

    def _heard(self) -> Micros:
        return self._clock.now() - WAITS_FOR_SUBSCRIBERS


def _batches(tasks: Sequence[OldTask]) -> Iterator[list[OldTask]]:
    batch: list[OldTask] = []
    steps = 0
    for task in tasks:
        if batch and (len(batch) == LARGEST_BATCH or steps + task.steps > MOST_STEPS):
            yield batch
            batch, steps = [], 0
        batch.append(task)
        steps += task.steps
    if batch:
        yield batch
