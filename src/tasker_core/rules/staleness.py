"""Does a task stand still? Judged by what moved last, not by how long something takes: see decision 0014."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tasker_core.rules.explanation import listed, span
from tasker_core.rules.graph import find_cycle
from tasker_core.rules.mend import Situation
from tasker_core.rules.template_blocks import Lifecycle
from tasker_core.words import Death, Micros, RetryPolicy, StepState, TaskState, split_lane

MINUTE: Micros = 60 * 1_000_000
WARNED_FROM = 0.8
"""The part of a limit from which on a task is nearly stale."""


class Defaults(NamedTuple):
    """What is done where a template says nothing: limits in minutes, and what happens to a task that exceeds one."""

    waiting_for_dependencies: int = 60
    waiting_for_retry: int = 30
    steps_in_process: int = 30
    duration: int | None = None
    fails: bool = True
    buries: bool = True


class Limits(NamedTuple):
    """What counts for a template. ``patient``: its own retries aren't cut short, since it names no limit for them.
    ``fails`` ends a stale task as ``error``, ``buries`` writes a dead letter."""

    dependencies: Micros
    retry: Micros
    in_process: Micros
    duration: Micros | None
    patient: bool
    fails: bool
    buries: bool


class Pace(NamedTuple):
    """A step, as far as it tells whether its task moves. ``moved_at`` is the last that happened to it."""

    no: int
    name: str
    state: StepState
    lane: str
    attempt: int
    run_at: Micros
    moved_at: Micros


class Course(NamedTuple):
    """A task, and those of its steps that are to be looked at: all of them, or all that are unfinished."""

    state: TaskState
    created_at: Micros
    moved_at: Micros
    steps: Sequence[Pace]


class Standstill(NamedTuple):
    """How near a task is to the limit that it will exceed first: ``since`` counts, ``allowed`` is how long it may.

    ``no`` is the step that stands for it, 0 the whole task; ``what`` says what it waits for.
    """

    limit: str
    reason: Death
    since: Micros
    allowed: Micros
    what: str
    no: int = 0

    def part(self, now: Micros) -> float:
        """How much of the time allowed is over; 1 is stale."""
        return max(0, now - self.since) / self.allowed

    def is_over(self, now: Micros) -> bool:
        return now - self.since >= self.allowed

    def minutes(self, now: Micros) -> float:
        """For how many minutes nothing moved, or with the limit of a duration how old the task is."""
        return round(max(0, now - self.since) / MINUTE, 2)

    def text(self, now: Micros) -> str:
        return f"{self.what} for {span(now - self.since)}; {self.limit} allows {span(self.allowed)}"


def limits_of(lifecycle: Lifecycle | None, defaults: Defaults) -> Limits:
    """The limits of a template; what its lifecycle doesn't say is as ``defaults`` have it.

    ``staleness_action`` says both what is written and what becomes of the task; ``auto_dlq_on_timeout`` and
    ``auto_fail_on_timeout`` each overrule it in one of the two.

    >>> said = Lifecycle(staleness_action="dlq", auto_fail_on_timeout=False)
    >>> limits = limits_of(said, Defaults())
    >>> limits.fails, limits.buries
    (False, True)
    """
    said = lifecycle or Lifecycle()
    fails, buries = defaults.fails, defaults.buries
    if "staleness_action" in said.model_fields_set:
        fails, buries = said.staleness_action != "none", said.staleness_action == "dlq"
    if said.auto_fail_on_timeout is not None:
        fails = said.auto_fail_on_timeout
    if said.auto_dlq_on_timeout is not None:
        buries = said.auto_dlq_on_timeout
    duration = said.max_duration_minutes or defaults.duration
    return Limits(
        MINUTE * (said.max_waiting_for_dependencies_minutes or defaults.waiting_for_dependencies),
        MINUTE * (said.max_waiting_for_retry_minutes or defaults.waiting_for_retry),
        MINUTE * (said.max_steps_in_process_minutes or defaults.steps_in_process),
        MINUTE * duration if duration else None,
        said.max_waiting_for_retry_minutes is None,
        fails,
        buries,
    )


def nearest(
    course: Course, limits: Limits, served: Callable[[str], Micros | None], policy: Callable[[int], RetryPolicy]
) -> Standstill | None:
    """The limit that ``course`` will exceed first as it stands; None where none counts.

    ``served`` tells when a lane was last served by a worker: None where one serves it now, 0 where none ever did.
    ``policy`` is how a step is retried, by its number.
    """
    if course.state.is_at_rest:
        return None
    found = [one for one in (_by_age(course, limits), _by_rest(course, limits, served, policy)) if one]
    return min(found, key=lambda one: one.since + one.allowed, default=None)


def in_a_circle(standstill: Standstill, there: Situation) -> Standstill:
    """The same, told as what it is where steps that have nothing to run wait for each other.

    No template with such a circle is taken and no decision can close one: it takes a store that other hands changed.
    """
    if standstill.limit != "max_waiting_for_dependencies_minutes":
        return standstill
    waiting = {no for no, step in there.steps.items() if not step.state.is_final}
    circle = find_cycle(sorted(waiting), [edge for edge in there.edges if waiting.issuperset(edge)])
    if not circle:
        return standstill
    names = " -> ".join(there.steps[no].name for no in (*circle, circle[0]))
    return standstill._replace(
        reason=Death.DEPENDENCY_CYCLE_DETECTED, what=f"has steps that wait for each other ({names})", no=circle[0]
    )


def _by_age(course: Course, limits: Limits) -> Standstill | None:
    if limits.duration is None:
        return None
    return Standstill(
        "max_duration_minutes", Death.STALENESS_TIMEOUT, course.created_at, limits.duration, "has been unfinished"
    )


def _by_rest(
    course: Course, limits: Limits, served: Callable[[str], Micros | None], policy: Callable[[int], RetryPolicy]
) -> Standstill | None:
    ready = [step for step in course.steps if step.state is StepState.ENQUEUED]
    waiting = [step for step in course.steps if step.state is StepState.WAITING_FOR_RETRY]
    if any(step.state is StepState.IN_PROGRESS for step in course.steps):
        return None  # at a live worker: a dead one's lease is swept
    moved = max((course.moved_at, *(step.moved_at for step in course.steps)))
    if ready:
        last = {lane: served(lane) for lane in {step.lane for step in ready}}
        if None in last.values():
            return None  # in line at a worker that serves it
        since = max(moved, *(at or 0 for at in last.values()))
        names = [f"{handler} in {namespace}" for namespace, handler in map(split_lane, sorted(last))]
        what = f"has waited for a worker that serves {listed(names)}"
        return Standstill(
            "max_steps_in_process_minutes", Death.WORKER_UNAVAILABLE, since, limits.in_process, what, ready[0].no
        )
    if waiting:
        # Put back by an operator for a later time: that isn't a retry yet.
        planned = max((step.run_at for step in waiting if step.attempt == 0), default=0)
        allowed = limits.retry
        if limits.patient:
            allowed = max(allowed, *(1_000 * policy(step.no).max_backoff_ms for step in waiting))
        what = f"has waited for a retry of {listed([step.name for step in waiting])}"
        return Standstill(
            "max_waiting_for_retry_minutes", Death.STALENESS_TIMEOUT, max(moved, planned), allowed, what, waiting[0].no
        )
    return Standstill(
        "max_waiting_for_dependencies_minutes", Death.STALENESS_TIMEOUT, moved, limits.dependencies,
        "has had nothing to run, though nothing of it failed",
    )  # fmt: skip
