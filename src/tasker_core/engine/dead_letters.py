"""Dead letters as callers see them, and the tasks that haven't moved for long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.clock import SECOND, Clock, step_uuid
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.moment import moment
from tasker_core.errors import DeadLetterNotFoundError, InvalidRequestError, TaskNotFoundError
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.template_blocks import Lifecycle
from tasker_core.store import Store
from tasker_core.store.dead_letters import PENDING, STATUSES, DeadLetterRow
from tasker_core.words import Micros, TaskState

MINUTE: Micros = 60 * SECOND
WEIGHTS = {
    "dependency_cycle_detected": 1_000, "max_retries_exceeded": 500, "staleness_timeout": 100, "worker_lost": 50,
    "worker_unavailable": 50, "manual_dlq": 10,
}  # fmt: skip
"""How much sooner than others a letter of this reason should be looked at, in minutes of waiting."""
STANDS_STILL_AFTER = {
    TaskState.STEPS_IN_PROCESS: ("max_steps_in_process_minutes", 30),
    TaskState.WAITING_FOR_RETRY: ("max_waiting_for_retry_minutes", 30),
    TaskState.WAITING_FOR_DEPENDENCIES: ("max_waiting_for_dependencies_minutes", 60),
}
"""Which limit of a template's lifecycle counts in a state, and what it is without one (minutes)."""


class DeadLetters:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def list(self, status: str | None, limit: int, offset: int) -> Sequence[dict[str, Any]]:
        """The newest letters, those of a status if one is given. Raises InvalidRequestError for an unknown one."""
        wanted = None if status is None else as_status(status)
        return [_view(row) for row in self._store.dead_letters.newest(wanted, limit, offset)]

    def of_task(self, task: str) -> dict[str, Any]:
        """The latest letter of a task. Raises TaskNotFoundError, DeadLetterNotFoundError."""
        row = self._store.dead_letters.latest(task)
        if row is None:
            if not self._store.tasks.numbers([task]):
                raise TaskNotFoundError(f"there is no task {task}")
            raise DeadLetterNotFoundError(f"task {task} has no dead letter")
        return _view(row)

    def update(self, letter: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Write down what became of a letter: ``resolution_status``, ``resolution_notes``, ``resolved_by``,
        ``metadata``; what isn't given stays. Raises DeadLetterNotFoundError, InvalidRequestError.
        """
        status, metadata = said.get("resolution_status"), said.get("metadata")
        found = self._store.dead_letters.update(
            letter,
            self._clock.now(),
            status=None if status is None else as_status(status),
            notes=_text(said, "resolution_notes", 10_000),
            resolved_by=_text(said, "resolved_by", 255),
            metadata=None if metadata is None else encode(metadata, "metadata"),
        )
        row = self._store.dead_letters.find(letter) if found else None
        if row is None:
            raise DeadLetterNotFoundError(f"there is no dead letter {letter}")
        return _view(row)

    def stats(self) -> Sequence[dict[str, Any]]:
        """Per reason: how many of each status, the oldest, the newest, and how long a resolution took on average."""
        by_reason: dict[str, dict[str, Any]] = {}
        for row in self._store.dead_letters.counts():
            entry = by_reason.setdefault(
                row.reason, {"total": 0, **dict.fromkeys(STATUSES, 0), "oldest": row.oldest, "newest": 0, "took": 0}
            )
            entry["total"] += row.letters
            entry[row.status] = row.letters
            entry["oldest"], entry["newest"] = min(entry["oldest"], row.oldest), max(entry["newest"], row.newest)
            entry["took"] += row.took
        return [_stats(reason, entry) for reason, entry in by_reason.items()]

    def queue(self, limit: int) -> Sequence[dict[str, Any]]:
        """The pending letters in the order in which they should be looked at: by reason, then by how long they wait."""
        now = self._clock.now()
        pending = self._store.dead_letters.newest(PENDING, 10 * limit, 0)
        scored = [
            _view(row)
            | {"minutes_in_dlq": _minutes(now - row.created_at), "priority_score": _score(row, now - row.created_at)}
            for row in pending
        ]
        return sorted(scored, key=lambda view: view["priority_score"], reverse=True)[:limit]

    def staleness(self, limit: int) -> Sequence[dict[str, Any]]:
        """Unfinished tasks and how near they are to the limit of their template's lifecycle."""
        now = self._clock.now()
        views = []
        for row in self._store.dead_letters.standing(limit):
            key, otherwise = STANDS_STILL_AFTER.get(TaskState(row.state), ("max_steps_in_process_minutes", 30))
            lifecycle = self._catalog.known(row.template_id).template.lifecycle or Lifecycle()
            threshold = getattr(lifecycle, key) or otherwise
            minutes = _minutes(now - row.updated_at)
            health = "stale" if minutes >= threshold else "warning" if minutes >= 0.8 * threshold else "healthy"
            views.append(
                {
                    "task_uuid": row.uuid,
                    "namespace": row.namespace,
                    "task_name": row.name,
                    "current_state": row.state,
                    "time_in_state_minutes": minutes,
                    "staleness_threshold_minutes": threshold,
                    "health_status": health,
                }
            )
        return views


def as_status(given: str) -> str:
    """A status as it is stored; ``ManuallyResolved`` is understood too. Raises InvalidRequestError for any other."""
    status = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", given).lower() if isinstance(given, str) else given
    if status not in STATUSES:
        raise InvalidRequestError(
            f"{given!r} is no status of a dead letter; there are {', '.join(STATUSES)}", field="resolution_status"
        )
    return str(status)


def _view(row: DeadLetterRow) -> dict[str, Any]:
    return {
        "dlq_entry_uuid": row.id,
        "task_uuid": row.task,
        "namespace": row.namespace,
        "task_name": row.name,
        "task_state": row.state,
        "step_uuid": step_uuid(row.task, row.no),
        "step_name": row.step,
        "dlq_reason": row.reason,
        "dlq_timestamp": moment(row.created_at),
        "resolution_status": row.status,
        "resolution_timestamp": moment(row.resolved_at),
        "resolution_notes": row.notes or None,
        "resolved_by": row.resolved_by or None,
        "detail": decode(row.detail),
        "metadata": decode(row.metadata),
    }


def _stats(reason: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    resolved = entry["total"] - entry[PENDING]
    return {
        "dlq_reason": reason,
        "total_entries": entry["total"],
        **{status: entry[status] for status in STATUSES},
        "oldest_entry": moment(entry["oldest"]),
        "newest_entry": moment(entry["newest"]),
        "avg_resolution_time_minutes": _minutes(entry["took"] // resolved) if resolved else None,
    }


def _score(row: DeadLetterRow, waited: Micros) -> float:
    return WEIGHTS.get(row.reason, 0) + _minutes(waited)


def _minutes(duration: Micros) -> float:
    return round(max(0, duration) / MINUTE, 2)


def _text(said: Mapping[str, Any], key: str, longest: int) -> str | None:
    value = said.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > longest or "\x00" in value):
        message = f"{key} must be a text of at most {longest:,} characters, none of them NUL"
        raise InvalidRequestError(message, field=key)
    return value
