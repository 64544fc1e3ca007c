"""What a board shows of all tasks at once: lines instead of whole tasks, counts, and how things stand and went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.clock import SECOND, Clock, step_uuid
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.looking import look_back
from tasker_core.engine.moment import moment
from tasker_core.errors import TaskNotFoundError
from tasker_core.rules.payload import decode
from tasker_core.store import Store
from tasker_core.store.rows import TaskRow
from tasker_core.words import Micros, StepState, split_lane

HOUR = 3_600 * SECOND
SAMPLE = 5_000
"""Attempts of which quantiles are told, at most."""
PATIENCE: Micros = 120_000
"""For how long a list is looked for, about."""
STRETCHES = {1: 60 * SECOND, 24: 1_800 * SECOND}
"""How long the stretches of a curve over so many hours are."""


class Board:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def lines(self, filters: Mapping[str, Any], limit: int, after: str | None = None) -> dict[str, Any]:
        """The newest tasks that match, or those older than ``after``, and how far each is; nothing is counted beyond.

        Where a long history was looked through only in part, ``looked`` tells to which task: its ``task_uuid``, which
        is the next ``after``, and its ``created_at``. Raises TaskNotFoundError.
        """
        than = None
        if after is not None:
            than = self._store.tasks.numbers([after]).get(after)
            if than is None:
                raise TaskNotFoundError(f"there is no task {after}")
        rows, newer_than = look_back(self._store, self._clock, filters, limit + 1, than, PATIENCE)
        looked = self._store.tasks.at(newer_than + 1) if newer_than else None
        has_next, rows = len(rows) > limit, rows[:limit]
        progress = self._store.tasks.progress([row.id for row in rows]) if rows else {}
        return {
            "tasks": [_line(row, progress.get(row.id, {})) for row in rows],
            "next": rows[-1].uuid if has_next else None,
            "looked": None if looked is None else {"task_uuid": looked[0], "created_at": moment(looked[1])},
        }

    def states(self, filters: Mapping[str, Any]) -> dict[str, int]:
        """How many tasks that match there are of each state. A long history makes this take longer."""
        return self._store.tasks.states_of({**filters, "state": None})

    def mark(self, task: str | None = None) -> str:
        """A text that is another one once something of ``task`` has changed, or of what waits, runs and is new.

        Raises TaskNotFoundError.
        """
        if task is None:
            newest = self._store.tasks.older({}, 1, None)
            seen: object = (self._store.gauges.read(), [(row.id, row.state) for row in newest])
        else:
            number = self._store.tasks.numbers([task]).get(task)
            if number is None:
                raise TaskNotFoundError(f"there is no task {task}")
            steps, _, warnings = self._store.tasks.whole([number])
            seen = (self._store.tasks.states([number]), steps[number], len(warnings[number]))
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

    def workers(self) -> list[dict[str, Any]]:
        """The workers that are there: what they serve, what they hold, when they were last heard of."""
        held, now = self._store.workers.held(), self._clock.now()
        views = []
        for row in self._store.workers.live():
            running, since = held.get(row.id, (0, 0))
            views.append(
                {
                    "worker_uuid": row.uuid, "name": row.name, "host": row.host, "pid": row.pid, "state": row.state,
                    "version": row.version, "slots": row.slots, "held": running, "held_since": moment(since),
                    "drained_by": row.drained_by or None, "drained_for": row.drained_for or None,
                    "handlers": [dict(zip(("namespace", "callable"), split_lane(lane), strict=True))
                                 for lane in json.loads(row.lanes)],
                    "started_at": moment(row.started_at), "beat_at": moment(row.beat_at),
                    "beat_age_seconds": round(max(0, now - row.beat_at) / SECOND, 3),
                }
            )  # fmt: skip
        return views

    def standing(self) -> dict[str, Any]:
        """What waits at this moment, lane by lane, and which lanes no live worker serves."""
        now, standing = self._clock.now(), self._store.gauges.read()
        served = {lane for row in self._store.workers.live() for lane in json.loads(row.lanes)}
        lanes = [
            {
                **dict(zip(("namespace", "callable"), split_lane(lane), strict=True)),
                "depth": queue.depth,
                "oldest_since": moment(queue.since),
                "oldest_seconds": round(max(0, now - queue.since) / SECOND, 3),
                "served": lane in served,
            }
            for lane, queue in sorted(standing.queues.items(), key=lambda item: item[1].since)
        ]
        return {
            "queues": lanes,
            "ready_steps": sum(queue.depth for queue in standing.queues.values()),
            "in_progress_steps": standing.in_progress,
            "waiting_for_retry_steps": standing.waiting_for_retry,
            "tasks": dict(standing.tasks),
            "workers": dict(standing.workers),
            "dead_letters": standing.dead_letters,
            "unserved": [lane for lane in lanes if not lane["served"]],
            "at": moment(now),
        }

    def lately(self, hours: int) -> dict[str, Any]:
        """How things went in the last ``hours`` (1 or 24): attempts that ended, in stretches, and their quantiles.

        Of tasks that were created a day or less before.
        """
        now, width = self._clock.now(), STRETCHES[hours]
        since = now - hours * HOUR
        first = self._store.analytics.first_since(since - 24 * HOUR)
        ended = self._store.analytics.ended(first, since, width)
        waited, ran = _columns(self._store.analytics.durations(first, since, SAMPLE))
        start, last = since // width + 1, now // width
        curve = [ended.get(stretch, (0, 0)) for stretch in range(start, last + 1)]
        total, failed = sum(n for n, _ in curve), sum(f for _, f in curve)
        return {
            "hours": hours,
            "stretch_seconds": width // SECOND,
            "ended": [n for n, _ in curve],
            "failed": [f for _, f in curve],
            "attempts": total,
            "failed_attempts": failed,
            "failure_rate": round(failed / total, 4) if total else 0.0,
            "waited_seconds": _quantiles(waited),
            "ran_seconds": _quantiles(ran),
            "at": moment(now),
        }

    def words(self, hours: int, limit: int, *, everybody: bool = False) -> list[dict[str, Any]]:
        """Who did what to tasks that were created in the last ``hours``, the newest first: what clients and operators
        said, or everything with ``everybody``."""
        first = self._store.analytics.first_since(self._clock.now() - hours * HOUR)
        return [
            {
                "task_uuid": word.task, "namespace": word.namespace, "name": word.name,
                "step_uuid": step_uuid(word.task, word.no) if word.no else None, "step_name": word.step,
                "from_state": word.from_state, "to_state": word.to_state, "at": moment(word.at),
                "actor": word.actor, "reason": word.reason,
            }
            for word in self._store.analytics.words(first, limit, everybody=everybody)
        ]  # fmt: skip


def _line(row: TaskRow, steps: Mapping[str, int]) -> dict[str, Any]:
    return {
        "task_uuid": row.uuid, "name": row.name, "namespace": row.namespace, "version": row.version,
        "status": row.state, "priority": row.priority, "tags": decode(row.tags), "initiator": row.initiator,
        "reason": row.reason, "correlation_id": row.correlation_id,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
        "completed_at": moment(row.completed_at),
        "total_steps": sum(steps.values()),
        "completed_steps": sum(count for state, count in steps.items() if StepState(state).satisfies),
        "failed_steps": steps.get("error", 0), "in_progress_steps": steps.get("in_progress", 0),
        "ready_steps": steps.get("enqueued", 0), "retrying_steps": steps.get("waiting_for_retry", 0),
    }  # fmt: skip


def _columns(pairs: Sequence[tuple[Micros, Micros]]) -> tuple[list[Micros], list[Micros]]:
    return sorted(max(0, waited) for waited, _ in pairs), sorted(max(0, ran) for _, ran in pairs)


def _quantiles(values: Sequence[Micros]) -> dict[str, float | None]:
    """The median and the 95th in a hundred of sorted values, in seconds."""

    def at(share: float) -> float | None:
        return round(values[min(len(values) - 1, int(share * len(values)))] / SECOND, 6) if values else None

    return {"p50": at(0.5), "p95": at(0.95)}
