"""The shapes in which batches pass between an analyzer, the engine and the batch workers, and their sum at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from tasker_core.types.enums import FailureStrategy


class BatchCursor(BaseModel):
    """One batch as the engine stores it. A cursor is any JSON: a number, a string, an object."""

    batch_id: str
    start_cursor: Any
    end_cursor: Any
    batch_size: int


class BatchMetadata(BaseModel):
    """What the template's ``batch_config`` tells each batch worker."""

    cursor_field: str = "id"
    failure_strategy: FailureStrategy = FailureStrategy.CONTINUE_ON_FAILURE


class BatchWorkerInputs(BaseModel):
    """The inputs of a batch worker's step. ``is_no_op`` marks the placeholder that stands for no batches at all."""

    cursor: BatchCursor
    batch_metadata: BatchMetadata = Field(default_factory=BatchMetadata)
    is_no_op: bool = False


RustCursorConfig = BatchCursor
"""The same class by its contract name."""

RustBatchWorkerInputs = BatchWorkerInputs
"""The same class by its contract name."""


class NoBatchesOutcome(BaseModel):
    """There is nothing to process."""

    type: Literal["no_batches"] = "no_batches"


class CreateBatchesOutcome(BaseModel):
    """One worker step for each cursor."""

    type: Literal["create_batches"] = "create_batches"
    worker_template_name: str
    worker_count: int
    cursor_configs: list[BatchCursor]
    total_items: int


BatchProcessingOutcome: TypeAlias = Annotated[NoBatchesOutcome | CreateBatchesOutcome, Field(discriminator="type")]


def no_batches() -> NoBatchesOutcome:
    """The outcome of an analyzer that found nothing."""
    return NoBatchesOutcome()


def create_batches(
    worker_template_name: str,
    worker_count: int,
    cursor_configs: Sequence[BatchCursor | Mapping[str, Any]],
    total_items: int,
) -> CreateBatchesOutcome:
    """The outcome of an analyzer that cut its items into batches.

    Raises:
        ValueError: there are not ``worker_count`` cursors.
    """
    if worker_count != len(cursor_configs):
        raise ValueError(f"worker_count is {worker_count}, but there are {len(cursor_configs)} cursor_configs")
    return CreateBatchesOutcome(
        worker_template_name=worker_template_name,
        worker_count=worker_count,
        cursor_configs=[BatchCursor.model_validate(cursor) for cursor in cursor_configs],
        total_items=total_items,
    )


class BatchAggregationResult(BaseModel):
    """The sum of all batches. ``success_rate`` is the part that succeeded, from 0 to 1."""

    total_processed: int = 0
    total_succeeded: int = 0
    total_failed: int = 0
    total_skipped: int = 0
    batch_count: int = 0
    success_rate: float = 0.0
    errors: list[Any] = Field(default_factory=list)
    error_count: int = 0


def aggregate_batch_results(
    worker_results: Iterable[Mapping[str, Any] | None], max_errors: int = 100
) -> BatchAggregationResult:
    """Add up what the batch workers returned. A None among them counts as a batch and nothing else.

    >>> total = aggregate_batch_results([{"items_processed": 4, "items_succeeded": 3, "items_failed": 1}, None])
    >>> total.total_processed, total.success_rate, total.batch_count
    (4, 0.75, 2)
    """
    total = BatchAggregationResult()
    for result in worker_results:
        total.batch_count += 1
        if result is None:
            continue
        total.total_processed += result.get("items_processed") or 0
        total.total_succeeded += result.get("items_succeeded") or 0
        total.total_failed += result.get("items_failed") or 0
        total.total_skipped += result.get("items_skipped") or 0
        errors = result.get("errors") or []
        total.error_count += len(errors)
        total.errors.extend(errors[: max(0, max_errors - len(total.errors))])
    if total.total_processed:
        total.success_rate = total.total_succeeded / total.total_processed
    return total
