"""How things went lately, as callers see it: throughput, rates, durations, and where the time is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasker_core.clock import SECOND, Clock
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.moment import moment
from tasker_core.store import Store
from tasker_core.store.analytics import SlowStep, SlowTask, Sum
from tasker_core.words import FINAL_TASK_STATES, TaskState

HOUR = 3_600 * SECOND
OFTEN = 0.1
"""From this share of failed attempts on a step is worth a word of advice."""
LONG = 30 * SECOND
NONE = Sum(0, 0)


class Analytics:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def performance(self, hours: int) -> dict[str, Any]:
        """Of the tasks that were created in the last ``hours``. Rates are shares of the finished ones, 0 to 1."""
        now = self._clock.now()
        since = now - hours * HOUR
        states, attempts = self._store.analytics.counts(self._store.analytics.first_since(since))
        total = sum(state.number for state in states.values())
        complete = states.get(TaskState.COMPLETE, NONE)
        done = complete.number + _count(states, TaskState.RESOLVED_MANUALLY)
        failed = _count(states, TaskState.ERROR) + _count(states, TaskState.BLOCKED_BY_FAILURES)
        ended = done + failed
        return {
            "total_tasks": total,
            "active_tasks": total - sum(_count(states, state) for state in FINAL_TASK_STATES),
            "completed_tasks": done,
            "failed_tasks": failed,
            "completion_rate": _share(done, ended),
            "error_rate": _share(failed, ended),
            "average_task_duration_seconds": _seconds(complete),
            "average_step_duration_seconds": _seconds(attempts),
            "tasks_per_hour": round(total / hours, 2),
            "steps_per_hour": round(attempts.number / hours, 2),
            "system_health_score": round(1 - _share(failed, ended), 4),
            "analysis_period_start": moment(since),
            "calculated_at": moment(now),
        }

    def bottlenecks(self, limit: int, least: int, hours: int) -> dict[str, Any]:
        """What took longest on average in the last ``hours``, of what ran at least ``least`` times."""
        first = self._store.analytics.first_since(self._clock.now() - hours * HOUR)
        found, tasks = self._store.analytics.slow(first, least, limit)
        steps = [(self._catalog.known(step.template).step(step.step).name, step) for step in found]
        return {
            "slow_steps": [_step(name, step) for name, step in steps],
            "slow_tasks": [_task(task) for task in tasks],
            "recommendations": list(_advice(steps)),
        }


def _step(name: str, step: SlowStep) -> dict[str, Any]:
    return {
        "namespace_name": step.namespace, "task_name": step.name, "version": step.version, "step_name": name,
        "average_duration_seconds": round(step.average / SECOND, 6), "max_duration_seconds": step.longest / SECOND,
        "execution_count": step.attempts, "error_count": step.failed, "error_rate": _share(step.failed, step.attempts),
        "last_executed_at": moment(step.last_at),
    }  # fmt: skip


def _task(task: SlowTask) -> dict[str, Any]:
    return {
        "namespace_name": task.namespace, "task_name": task.name, "version": task.version,
        "average_duration_seconds": round(task.average / SECOND, 6), "max_duration_seconds": task.longest / SECOND,
        "execution_count": task.tasks, "average_step_count": round(task.steps, 2), "error_count": task.failed,
        "error_rate": _share(task.failed, task.tasks), "last_executed_at": moment(task.last_at),
    }  # fmt: skip


def _advice(steps: Sequence[tuple[str, SlowStep]]) -> Iterator[str]:
    for called, step in steps:
        name = f"{step.namespace}/{step.name} {step.version}, step {called}"
        if step.failed >= OFTEN * step.attempts:
            share = _share(step.failed, step.attempts)
            yield f"{name}: {share:.0%} of its attempts fail; the errors of its latest attempts say why"
        if step.average >= LONG:
            took = step.average / SECOND
            yield f"{name}: takes {took:.0f} s on average; split it, or let what doesn't need it run beside it"


def _count(states: Mapping[str, Sum], state: TaskState) -> int:
    return states.get(state, NONE).number


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _seconds(of: Sum) -> float:
    return round(of.took / of.number / SECOND, 6) if of.number else 0.0
