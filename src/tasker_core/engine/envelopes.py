"""Domain events as they are delivered: made of the outbox and of what the store keeps of the attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.clock import step_uuid
from tasker_core.domain_events.contexts import StepResult
from tasker_core.engine.catalog import Catalog
from tasker_core.engine.moment import moment
from tasker_core.rules.payload import decode
from tasker_core.store import Store
from tasker_core.store.outbox import EventRow
from tasker_core.types.sequence import sequence
from tasker_core.words import JsonText, StepState

VERSION = "1.0"


class Envelopes:
    """Makes envelopes. The results of earlier steps are read all together."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store, self._catalog = store, catalog

    def of(self, rows: Sequence[EventRow]) -> list[dict[str, Any]]:
        """The envelopes of ``rows``."""
        parents = [self._catalog.known(row.template_id).inputs(row.no, ()) for row in rows]
        asked = {(row.task_id, no) for row, before in zip(rows, parents, strict=True) for no in before}
        results = self._store.steps.inputs((), asked)[1] if asked else {}
        return [self._envelope(row, before, results) for row, before in zip(rows, parents, strict=True)]

    def _envelope(
        self, row: EventRow, parents: Mapping[int, str], results: Mapping[tuple[int, int], JsonText | None]
    ) -> dict[str, Any]:
        step = self._catalog.known(row.template_id).step(row.no)
        uuid = step_uuid(row.task, row.no)
        before = {name: results.get((row.task_id, no)) for no, name in parents.items()}
        return {
            "event_id": row.uuid,
            "event_name": row.name,
            "event_version": VERSION,
            "payload": {
                "task_sequence_step": sequence(
                    task_name=row.task_name,
                    namespace=row.namespace,
                    version=row.version,
                    task_uuid=row.task,
                    correlation_id=row.correlation_id,
                    context=decode(row.context),
                    step_uuid=uuid,
                    step_name=row.step,
                    attempts=row.attempt - 1,
                    max_attempts=step.retry_policy.max_attempts,
                    inputs=decode(row.inputs) if row.inputs is not None else {},
                    checkpoint=decode(row.checkpoint) if row.checkpoint is not None else None,
                    dependency_results={name: decode(text) for name, text in before.items() if text is not None},
                    callable=step.handler.callable,
                    initialization=dict(step.handler.initialization),
                ),
                "execution_result": _result(row).as_dict(),
                "payload": decode(row.payload),
            },
            "metadata": {
                **decode(row.metadata),
                "task_uuid": row.task,
                "step_uuid": uuid,
                "step_name": row.step,
                "namespace": row.namespace,
                "correlation_id": row.correlation_id,
                "fired_at": moment(row.at),
                "fired_by": row.publisher,
            },
        }


def _result(row: EventRow) -> StepResult:
    took = max(row.ended_at - row.claimed_at, 0) // 1_000
    if row.error is None:
        kept = decode(row.result) if row.result is not None else {}
        return StepResult(True, kept.get("result"), execution_time_ms=took, metadata=dict(kept.get("metadata") or {}))
    error = decode(row.error)
    return StepResult(
        False,
        error_message=error.get("message"),
        error_type=error.get("error_type"),
        error_code=error.get("error_code"),
        retryable=row.state != StepState.ERROR,
        execution_time_ms=took,
    )
