"""Dead letters: what a person should look at, grouped, in the order of their urgency, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.clock import Clock
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.letter_view import group_view, letter_view, minutes, snapshot_view, stats_view
from tasker_core.engine.staleness import Watchman
from tasker_core.errors import DeadLetterNotFoundError, InvalidRequestError, TaskNotFoundError, TaskStateError
from tasker_core.rules.payload import encode
from tasker_core.rules.staleness import WARNED_FROM
from tasker_core.store import Store
from tasker_core.store.dead_letters import PENDING, STATUSES, CountRow, DeadLetterRow, filters
from tasker_core.telemetry import metrics
from tasker_core.words import Death, Micros

WEIGHTS = {
    Death.DEPENDENCY_CYCLE_DETECTED: 1_000, Death.MAX_RETRIES_EXCEEDED: 500, Death.STALENESS_TIMEOUT: 100,
    Death.WORKER_LOST: 50, Death.WORKER_UNAVAILABLE: 50, Death.MANUAL_DLQ: 10,
}  # fmt: skip
"""How much sooner than others a letter of this reason should be looked at, in minutes of waiting."""


class DeadLetters:
    """Reads the store and answers in the words of the contract."""

    def __init__(self, store: Store, catalog: Catalog, watchman: Watchman, clock: Clock) -> None:
        self._store, self._catalog, self._watchman, self._clock = store, catalog, watchman, clock

    def list(self, wanted: Mapping[str, str | None], limit: int, offset: int) -> Sequence[dict[str, Any]]:
        """The newest letters that match ``wanted``: ``status``, ``reason``, ``fingerprint``, ``namespace``.

        Raises InvalidRequestError for a status or a reason that there isn't.
        """
        return [letter_view(row) for row in self._store.dead_letters.newest(_wanted(wanted), limit, offset)]

    def groups(self, wanted: Mapping[str, str | None], limit: int) -> Sequence[dict[str, Any]]:
        """The letters that match, those of one fault together, the largest group first."""
        return [group_view(row) for row in self._store.dead_letters.groups(_wanted(wanted), limit)]

    def of_task(self, task: str) -> dict[str, Any]:
        """The latest letter of a task, with its snapshot. Raises TaskNotFoundError, DeadLetterNotFoundError."""
        row = self._store.dead_letters.latest(task)
        if row is None:
            if not self._store.tasks.numbers([task]):
                raise TaskNotFoundError(f"there is no task {task}")
            raise DeadLetterNotFoundError(f"task {task} has no dead letter")
        return self._whole(row)

    def get(self, letter: str) -> dict[str, Any]:
        """One letter, with its snapshot. Raises DeadLetterNotFoundError."""
        return self._whole(self._found(letter))

    def update(self, letter: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Write down what became of a letter: ``resolution_status``, ``resolution_notes``, ``resolved_by``,
        ``metadata``; what isn't given stays. It moves no task.

        Raises DeadLetterNotFoundError, InvalidRequestError, TaskStateError for one that can't be pending again because
        another one of its task is.
        """
        status, metadata = said.get("resolution_status"), said.get("metadata")
        wanted = None if status is None else as_status(status)
        notes, by = _text(said, "resolution_notes", 10_000), _text(said, "resolved_by", 255)
        kept = None if metadata is None else encode(metadata, "metadata")
        before, now = self._found(letter), self._clock.now()
        done = self._store.dead_letters.update(letter, now, status=wanted, notes=notes, resolved_by=by, metadata=kept)
        if not done:
            text = f"task {before.task} has another dead letter that is pending; a task has one at most"
            raise TaskStateError(text, state=before.status)
        if before.status == PENDING and wanted not in (None, PENDING):
            metrics.TIME_IN_QUEUE.of(before.reason).note((now - before.created_at) / 1e6)
        return letter_view(self._found(letter))

    def stats(self) -> Sequence[dict[str, Any]]:
        """Per reason: how many of each status, the oldest, the newest, and how long a resolution took on average."""
        by_reason: dict[str, list[CountRow]] = {}
        for row in self._store.dead_letters.counts():
            by_reason.setdefault(row.reason, []).append(row)
        return [stats_view(reason, rows) for reason, rows in by_reason.items()]

    def queue(self, limit: int) -> Sequence[dict[str, Any]]:
        """The pending letters in the order in which they should be looked at: by reason, then by how long they wait."""
        now = self._clock.now()
        scored = [
            letter_view(row)
            | {"minutes_in_dlq": minutes(now - row.created_at), "priority_score": _score(row, now - row.created_at)}
            for row in self._store.dead_letters.oldest([*Death], limit)
        ]
        return sorted(scored, key=lambda view: view["priority_score"], reverse=True)[:limit]

    def staleness(self, limit: int) -> Sequence[dict[str, Any]]:
        """Unfinished tasks that have something to run, those first that moved the longest ago, and how near each is to
        the limit that it will exceed first. One that no limit counts for, since it moves or is held, is healthy."""
        now, served = self._clock.now(), self._watchman.served()
        _, paused = self._store.pauses.namespaces()
        views = []
        for task in self._store.staleness.oldest(limit):
            known, course = self._catalog.known(task.template_id), task.course
            held = task.namespace in paused or task.is_held
            nearest = None if held else self._watchman.nearest(course, known, served)
            part = nearest.part(now) if nearest else 0.0
            moved = max((course.moved_at, *(step.moved_at for step in course.steps)))
            views.append(
                {
                    "task_uuid": task.uuid,
                    "namespace": task.namespace,
                    "task_name": task.name,
                    "current_state": str(course.state),
                    "time_in_state_minutes": nearest.minutes(now) if nearest else minutes(now - moved),
                    "staleness_threshold_minutes": minutes(nearest.allowed) if nearest else None,
                    "limit": nearest.limit if nearest else None,
                    "waits_for": nearest.what if nearest else "is held by a pause" if held else None,
                    "health_status": "stale" if part >= 1 else "warning" if part >= WARNED_FROM else "healthy",
                }
            )
        return views

    def _found(self, letter: str) -> DeadLetterRow:
        row = self._store.dead_letters.find(letter)
        if row is None:
            raise DeadLetterNotFoundError(f"there is no dead letter {letter}")
        return row

    def _whole(self, row: DeadLetterRow) -> dict[str, Any]:
        return letter_view(row) | {"task_snapshot": snapshot_view(self._store.dead_letters.snapshot(row.id))}


def as_status(given: str) -> str:
    """A status as it is stored; ``ManuallyResolved`` is understood too. Raises InvalidRequestError for any other."""
    status = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", given).lower() if isinstance(given, str) else given
    if status not in STATUSES:
        raise InvalidRequestError(
            f"{given!r} is no status of a dead letter; there are {', '.join(STATUSES)}", field="resolution_status"
        )
    return str(status)


def _wanted(said: Mapping[str, str | None]) -> dict[str, str | None]:
    status, reason = said.get("status"), said.get("reason")
    if reason is not None and reason not in [*Death]:
        raise InvalidRequestError(
            f"{reason!r} is no reason of a dead letter; there are {', '.join(Death)}", field="dlq_reason"
        )
    return filters(**{**said, "status": None if status is None else as_status(status)})


def _score(row: DeadLetterRow, waited: Micros) -> float:
    return WEIGHTS.get(Death(row.reason), 0) + minutes(waited)


def _text(said: Mapping[str, Any], key: str, longest: int) -> str | None:
    value = said.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > longest or "\x00" in value):
        message = f"{key} must be a text of at most {longest:,} characters, none of them NUL"
        raise InvalidRequestError(message, field=key)
    return value
