"""Dead letters as callers see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.clock import SECOND, step_uuid
from tasker_core.engine.moment import moment
from tasker_core.rules import snapshot
from tasker_core.rules.payload import decode
from tasker_core.store.dead_letters import PENDING, STATUSES, CountRow, DeadLetterRow, GroupRow
from tasker_core.words import JsonText, Micros

MINUTE: Micros = 60 * SECOND


def letter_view(row: DeadLetterRow) -> dict[str, Any]:
    return {
        "dlq_entry_uuid": str(row.id),
        "task_uuid": str(row.task),
        "namespace": row.namespace,
        "task_name": row.name,
        "task_state": row.state,
        "original_state": row.original_state or None,
        "step_uuid": step_uuid(str(row.task), row.no) if row.no else None,
        "step_name": row.step,
        "dlq_reason": row.reason,
        "title": row.title or row.reason,
        "fingerprint": row.fingerprint,
        "dlq_timestamp": moment(row.created_at),
        "resolution_status": row.status,
        "resolution_timestamp": moment(row.resolved_at),
        "resolution_notes": row.notes or None,
        "resolved_by": row.resolved_by or None,
        "requeued_for": moment(row.runs_at),
        "detail": decode(row.detail),
        "metadata": decode(row.metadata),
    }


def snapshot_view(text: JsonText) -> dict[str, Any] | None:
    """A snapshot with its times as callers read them; None where none was taken."""
    body = snapshot.read(text)
    return _with_moments(body) if body else None


def _with_moments(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_moments(part) for part in value]
    if isinstance(value, dict):
        return {
            key: moment(part) if key == "at" or (key.endswith("_at") and isinstance(part, int))
            else part if key in ("context", "result", "error") else _with_moments(part)
            for key, part in value.items()
        }  # fmt: skip
    return value


def group_view(row: GroupRow) -> dict[str, Any]:
    return {
        "fingerprint": row.fingerprint,
        "title": row.title or row.reason,
        "dlq_reason": row.reason,
        "namespace": row.namespace,
        "task_name": row.name,
        "step_name": row.step,
        "entries": row.letters,
        "first_entry": moment(row.first),
        "last_entry": moment(row.last),
        "example_dlq_entry_uuid": str(row.example),
        "detail": decode(row.detail),
    }


def stats_view(reason: str, rows: list[CountRow]) -> dict[str, Any]:
    """What there is of a reason, from its counts by status."""
    by_status = {row.status: row.letters for row in rows}
    total, took = sum(by_status.values()), sum(row.took for row in rows)
    resolved = total - by_status.get(PENDING, 0)
    return {
        "dlq_reason": reason,
        "total_entries": total,
        **{status: by_status.get(status, 0) for status in STATUSES},
        "oldest_entry": moment(min(row.oldest for row in rows)),
        "newest_entry": moment(max(row.newest for row in rows)),
        "avg_resolution_time_minutes": minutes(took // resolved) if resolved else None,
    }


def minutes(duration: Micros) -> float:
    return round(max(0, duration) / MINUTE, 2)


def requeued_view(done: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a wish to requeue a group."""
    return {**done, "first_run_at": moment(done["first_run_at"]), "last_run_at": moment(done["last_run_at"])}
