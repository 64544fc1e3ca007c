"""Staleness: tasks that stand still are found, a slice of what is unfinished at a time, and seen to as they say."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from tasker_core.clock import SECOND, Clock, Ids
from tasker_core.engine.burying import letter
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.counting import count_buried
from tasker_core.engine.known import Known
from tasker_core.engine.operator import Operator
from tasker_core.errors import StoreDataError, TaskNotFoundError
from tasker_core.rules.fingerprint import Fault
from tasker_core.rules.mend import Situation, time_out
from tasker_core.rules.staleness import Course, Defaults, Limits, Standstill, in_a_circle, limits_of, nearest
from tasker_core.store import Store
from tasker_core.store.repairs import Saying
from tasker_core.store.staleness import TASKS, WALKS, Fate, Slice, Standing, Walk
from tasker_core.telemetry import metrics
from tasker_core.words import Micros

log = logging.getLogger("tasker.staleness")

PAGE = 500
"""Steps of one slice, and tasks of one: with a slice of each a second, some milliseconds of every second."""
LONGEST_LOOK = 1.0
"""Seconds after which a slice is left for the next time: the process that looks has a heartbeat to send."""
ACTOR = "staleness detector"
LONGEST_SEEN: Micros = 8 * 24 * 3_600 * SECOND
"""Workers that are gone for longer don't tell any more when their lanes were served."""


DEFAULTS = Defaults()


@dataclass(frozen=True, slots=True)
class Vigilance:
    """How tasks that stand still are looked for: a round begins ``interval`` microseconds after the one before, at most
    ``batch_size`` tasks are ended in one slice of it; with ``dry_run`` they are only counted."""

    defaults: Defaults = DEFAULTS
    interval: Micros = 300 * SECOND
    batch_size: int = 100
    dry_run: bool = False


class Round:
    """How far a walk is, and when it begins again."""

    def __init__(self, *walks: Walk) -> None:
        self._walks, self._at, self.cursor = walks, 0, walks[0].start
        self._begun: Micros | None = None
        self.seen_to = set[int]()
        """The tasks of this slice about which something was done already."""

    @property
    def walk(self) -> Walk:
        return self._walks[self._at]

    def is_due(self, now: Micros, interval: Micros) -> bool:
        """Whether to look at all: a walk is under way, or it is time for the next round, which begins now."""
        if self._at or self.cursor != self.walk.start or self.seen_to:
            return True
        if self._begun is not None and now - self._begun < interval:
            return False
        self._begun = now
        return True

    def go_on(self, part: Slice) -> None:
        """That part was looked at: to the next one, in the next walk where it was the last."""
        self.seen_to.clear()
        self.cursor = part.next
        if part.is_last:
            self._at = (self._at + 1) % len(self._walks)
            self.cursor = self.walk.start


class Watchman:
    """Looks for tasks that stand still. ``look`` is called each second by the process that has the duty to sweep."""

    def __init__(
        self, store: Store, catalog: Catalog, operator: Operator, clock: Clock, ids: Ids,
        vigilance: Vigilance | None, *, buries: bool = True,
    ) -> None:  # fmt: skip
        self._store, self._catalog, self._operator, self._clock, self._ids = store, catalog, operator, clock, ids
        self._vigilance, self._buries = vigilance, buries
        self._rounds = (Round(*WALKS), Round(TASKS))

    @property
    def defaults(self) -> Defaults:
        """What counts for templates that say nothing."""
        return self._vigilance.defaults if self._vigilance else DEFAULTS

    def look(self) -> int:
        """Look at the next slices of what is unfinished; how many tasks were found to stand still."""
        if self._vigilance is None:
            return 0
        found, now = 0, self._clock.monotonic()
        for round_ in self._rounds:
            if round_.is_due(now, self._vigilance.interval):
                began = time.perf_counter()
                found += self._slice(round_, self._vigilance)
                metrics.STALENESS_RUNS.add()
                metrics.STALENESS_DURATION.of().note(time.perf_counter() - began)
        return found

    def limits(self, known: Known) -> Limits:
        """What counts for tasks of a template."""
        return limits_of(known.template.lifecycle, self.defaults)

    def served(self) -> Callable[[str], Micros | None]:
        """Until when a lane was served, looked up once, and only when it is asked."""
        lanes: dict[str, Micros | None] | None = None

        def until(lane: str) -> Micros | None:
            nonlocal lanes
            if lanes is None:
                lanes = self._store.staleness.served(self._clock.now() - LONGEST_SEEN)
            return lanes.get(lane, 0)

        return until

    def nearest(self, course: Course, known: Known, served: Callable[[str], Micros | None]) -> Standstill | None:
        """The limit that a task is nearest to."""
        return nearest(course, self.limits(known), served, known.retry_policy)

    def _slice(self, round_: Round, vigilance: Vigilance) -> int:
        walk, began = round_.walk, time.perf_counter()
        part = self._store.staleness.walk(walk, round_.cursor, PAGE)
        now, served = self._clock.now(), self.served()
        limits = {id: self.limits(self._catalog.known(id)) for id in {task.template_id for task in part.tasks}}
        _, paused = self._store.pauses.namespaces()
        stale: dict[int, Standing] = {}
        for task in part.tasks:
            if task.number in stale or task.number in round_.seen_to or task.namespace in paused or task.is_held:
                continue
            known = self._catalog.known(task.template_id)
            standstill = nearest(task.course, limits[task.template_id], served, known.retry_policy)
            if standstill is not None and standstill.is_over(now):
                stale[task.number] = task
        found = 0
        for n, task in enumerate(stale.values()):
            if n == vigilance.batch_size or (n and time.perf_counter() - began > LONGEST_LOOK):
                return found  # the others are in the same slice the next time
            round_.seen_to.add(task.number)
            found += self._see_to(task, vigilance)
        round_.go_on(part)
        return found

    def _see_to(self, task: Standing, vigilance: Vigilance) -> bool:
        """Do to a task what its template says, if it stands still under its lock as well; whether it does."""
        known = self._catalog.known(task.template_id)
        limits, served = self.limits(known), self.served()
        saying = Saying(task.number, self._ids.stamp(), self._clock.now(), ACTOR, "")
        found: list[str] = []

        def judge(there: Situation, course: Course) -> Fate | None:
            if there.is_held_now:
                return None  # Somebody holds it, who knows that it stands still.
            standstill = self.nearest(course, known, served)
            if standstill is None or not standstill.is_over(saying.now):
                return None
            standstill = in_a_circle(standstill, there)
            text = standstill.text(saying.now)
            found.append(text)
            if vigilance.dry_run or not (limits.fails or limits.buries):
                return None
            about = letter(self._ids, task.number, standstill.no, _fault(known, standstill), {
                "reason": text, "limit": standstill.limit, "minutes": standstill.minutes(saying.now), "by": ACTOR,
            })  # fmt: skip
            return Fate(
                about if limits.buries and self._buries else None, time_out(there) if limits.fails else None,
                f"{standstill.reason}: {text}",
            )  # fmt: skip

        try:
            done = self._operator.see_to(known, saying, judge)
        except TaskNotFoundError:
            return False
        except StoreDataError as error:
            log.error("task %s can't be seen to: %s", task.uuid, error)
            return False
        if not found:
            return False
        metrics.STALENESS_DETECTED.add(task.namespace, task.name)
        log.warning("task %s (%s/%s) %s", task.uuid, task.namespace, task.name, found[0])
        if done is not None:
            count_buried([done.letter] if done.letter else [])
            if done.mended is not None:
                metrics.STALENESS_FAILED.add(task.namespace, task.name)
        return True


def _fault(known: Known, standstill: Standstill) -> Fault:
    template = known.template
    step = known.step(standstill.no).name if standstill.no else ""
    return Fault(template.namespace_name, template.name, step, standstill.reason, message=standstill.what)
