"""The part of a batch worker: its share, its answers, its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from tasker_core.batch_processing.cursors import batch_id_of
from tasker_core.types import (
    BatchWorkerContext,
    BatchWorkerInputs,
    BatchWorkerOutcome,
    CursorConfig,
    StepContext,
    StepHandlerResult,
)


class BatchWorking:
    """What a batch worker asks and answers."""

    def get_batch_context(self, context: StepContext) -> BatchWorkerContext | None:
        """The batch of this step, or None when it is no batch worker's step."""
        return BatchWorkerContext.from_step_context(context)

    def create_batch_context(
        self,
        cursor_config: CursorConfig,
        batch_index: int,
        total_batches: int,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> BatchWorkerContext:
        """A batch of your own making; ``batch_index`` counts from 0."""
        return BatchWorkerContext(
            batch_id=batch_id_of(batch_index),
            cursor_config=cursor_config,
            batch_index=batch_index,
            total_batches=total_batches,
            batch_metadata=dict(batch_metadata or {}),
        )

    def get_batch_worker_inputs(self, context: StepContext) -> BatchWorkerInputs | None:
        """The step's inputs as the engine wrote them; None when they are not a batch worker's."""
        if not context.step_inputs:
            return None
        try:
            return BatchWorkerInputs.model_validate(context.step_inputs)
        except ValidationError:
            return None

    def handle_no_op_worker(self, context: StepContext) -> StepHandlerResult | None:
        """The answer of the placeholder that stands for no batches at all; None for a worker with work to do."""
        inputs = self.get_batch_worker_inputs(context)
        if inputs is None or not inputs.is_no_op:
            return None
        return StepHandlerResult.success(
            {
                "batch_id": inputs.cursor.batch_id,
                "no_op": True,
                "processed_count": 0,
                "message": "there was nothing to process",
                "processed_at": datetime.now(UTC).isoformat(),
            }
        )

    def create_worker_outcome(
        self,
        items_processed: int,
        items_succeeded: int | None = None,
        items_failed: int = 0,
        items_skipped: int = 0,
        results: Sequence[Any] | None = None,
        errors: Sequence[Any] | None = None,
        last_cursor: Any = None,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> BatchWorkerOutcome:
        """What became of the items. Those neither failed nor skipped succeeded, unless ``items_succeeded`` says."""
        if items_succeeded is None:
            items_succeeded = max(0, items_processed - items_failed - items_skipped)
        return BatchWorkerOutcome(
            items_processed=items_processed,
            items_succeeded=items_succeeded,
            items_failed=items_failed,
            items_skipped=items_skipped,
            results=list(results or ()),
            errors=list(errors or ()),
            last_cursor=last_cursor,
            batch_metadata=dict(batch_metadata or {}),
        )

    def batch_worker_success(
        self,
        outcome: BatchWorkerOutcome | None = None,
        metadata: Mapping[str, Any] | None = None,
        items_processed: int | None = None,
        items_succeeded: int | None = None,
        items_failed: int = 0,
        items_skipped: int = 0,
        results: Sequence[Any] | None = None,
        errors: Sequence[Any] | None = None,
        last_cursor: Any = None,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """The batch is done: give an ``outcome``, or at least ``items_processed``."""
        if outcome is None:
            if items_processed is None:
                return StepHandlerResult.failure(
                    "batch_worker_success needs an outcome or items_processed", "invalid_args", retryable=False
                )
            outcome = self.create_worker_outcome(
                items_processed,
                items_succeeded,
                items_failed,
                items_skipped,
                results,
                errors,
                last_cursor,
                batch_metadata,
            )
        return StepHandlerResult.success(_counts(outcome), metadata)

    def batch_worker_partial_failure(
        self, outcome: BatchWorkerOutcome, message: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> StepHandlerResult:
        """The batch is done although some of its items failed: a success that says so."""
        result = {**_counts(outcome), "partial_failure": True}
        if message is not None:
            result["message"] = message
        return StepHandlerResult.success(result, {**(metadata or {}), "partial_failure": True, "had_failures": True})

    def checkpoint_yield(
        self,
        cursor: int | str | dict[str, Any] | None,
        items_processed: int,
        accumulated_results: Any = None,
    ) -> StepHandlerResult:
        """Save how far this is and give the slot back; the step is called again and goes on from the checkpoint.

        Args:
            cursor: where to go on, read back as ``context.checkpoint_cursor``.
            items_processed: how many items are done so far.
            accumulated_results: what was gathered so far, read back as ``context.accumulated_results``.
        """
        saved: dict[str, Any] = {"type": "checkpoint_yield", "cursor": cursor, "items_processed": items_processed}
        if accumulated_results is not None:
            saved["accumulated_results"] = accumulated_results
        return StepHandlerResult.success(saved, {"checkpoint_yield": True})


def _counts(outcome: BatchWorkerOutcome) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "items_processed": outcome.items_processed,
        "items_succeeded": outcome.items_succeeded,
        "items_failed": outcome.items_failed,
        "items_skipped": outcome.items_skipped,
        "last_cursor": outcome.last_cursor,
        "batch_metadata": outcome.batch_metadata,
    }
    if outcome.results:
        counts["results"] = outcome.results
    if outcome.errors:
        counts["errors"] = outcome.errors
    return counts
