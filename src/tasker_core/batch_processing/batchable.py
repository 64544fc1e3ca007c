"""What a handler of a batch needs: to cut, to process and to add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasker_core.batch_processing.aggregating import BatchAggregating
from tasker_core.batch_processing.aggregation import BatchAggregationScenario
from tasker_core.batch_processing.cursors import BatchWorkerConfig, cursor_of, ranges_of, shares_of
from tasker_core.batch_processing.working import BatchWorking
from tasker_core.types import BatchAnalyzerOutcome, BatchCursor, CursorConfig, StepHandlerResult

__all__ = ["BatchAggregationScenario", "BatchWorkerConfig", "Batchable"]


class Batchable(BatchWorking, BatchAggregating):
    """Batch processing for a handler; mix it with ``StepHandler``, in either order.

    >>> from tasker_core.step_handler import StepHandler
    >>> from tasker_core.types import StepContext
    >>> class AnalyzeCsv(StepHandler, Batchable):
    ...     def call(self, context: StepContext) -> StepHandlerResult:
    ...         outcome = self.create_batch_outcome(total_items=250, batch_size=100)
    ...         return self.batch_analyzer_success(outcome, worker_template_name="process_csv_batch")
    """

    def create_cursor_config(
        self, start: int, end: int, step_size: int = 1, metadata: Mapping[str, Any] | None = None
    ) -> CursorConfig:
        """The items from ``start`` up to, not including, ``end``."""
        return CursorConfig(start_cursor=start, end_cursor=end, step_size=step_size, metadata=dict(metadata or {}))

    def create_cursor_ranges(
        self, total_items: int, batch_size: int, step_size: int = 1, max_batches: int | None = None
    ) -> list[CursorConfig]:
        """Ranges of ``batch_size`` items, larger where there would be more than ``max_batches``; none for 0 items.

        Raises:
            ValueError: ``batch_size`` isn't positive.
        """
        return [
            self.create_cursor_config(start, end, step_size)
            for start, end in ranges_of(total_items, batch_size, max_batches)
        ]

    def create_cursor_configs(self, total_items: int, worker_count: int) -> list[BatchWorkerConfig]:
        """At most ``worker_count`` shares of equal size.

        Raises:
            ValueError: ``worker_count`` isn't positive.
        """
        return shares_of(total_items, worker_count)

    def create_batch_outcome(
        self,
        total_items: int,
        batch_size: int,
        step_size: int = 1,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """``total_items`` cut into ranges of ``batch_size``."""
        return BatchAnalyzerOutcome(
            cursor_configs=self.create_cursor_ranges(total_items, batch_size, step_size),
            total_items=total_items,
            batch_metadata=dict(batch_metadata or {}),
        )

    def create_batch_outcome_from_ranges(
        self,
        ranges: Sequence[tuple[int, int]],
        step_size: int = 1,
        total_items: int | None = None,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """Ranges of your own, as pairs of start and end."""
        return BatchAnalyzerOutcome.from_ranges(ranges, step_size, total_items, dict(batch_metadata or {}))

    def batch_analyzer_success(
        self,
        outcome: BatchAnalyzerOutcome | None = None,
        metadata: Mapping[str, Any] | None = None,
        worker_template_name: str = "batch_worker",
        cursor_configs: Iterable[CursorConfig | BatchWorkerConfig | BatchCursor | Mapping[str, Any]] | None = None,
        total_items: int | None = None,
        batch_metadata: Mapping[str, Any] | None = None,
    ) -> StepHandlerResult:
        """One worker step for each batch.

        Args:
            outcome: the batches.
            metadata: details, stored with the result.
            worker_template_name: the ``batch_worker`` step of the template that is copied for each batch.
            cursor_configs: the batches; they win over those of ``outcome``.
            total_items: how many items there are; the sum of the batches when None.
            batch_metadata: what the step after the batch may want to know; its ``reason`` says why there are none.
        """
        about = {**(outcome.batch_metadata if outcome else {}), **(batch_metadata or {})}
        given = cursor_configs if cursor_configs is not None else outcome.cursor_configs if outcome else None
        if given is None:
            return self.no_batches_outcome("no_cursor_configs_provided", metadata)
        cursors = [cursor_of(index, cursor) for index, cursor in enumerate(given)]
        if not cursors:
            return self.no_batches_outcome(str(about.get("reason") or "empty_dataset"), metadata)
        if total_items is None and cursor_configs is None and outcome is not None:
            total_items = outcome.total_items
        if total_items is None:
            total_items = sum(cursor["batch_size"] for cursor in cursors)
        result: dict[str, Any] = {
            "batch_processing_outcome": {
                "type": "create_batches",
                "worker_template_name": worker_template_name,
                "worker_count": len(cursors),
                "cursor_configs": cursors,
                "total_items": total_items,
            },
            "worker_count": len(cursors),
            "total_items": total_items,
        }
        if about:
            result["batch_metadata"] = about
        return StepHandlerResult.success(result, {**(metadata or {}), "batch_analyzer": True})

    def no_batches_outcome(self, reason: str, metadata: Mapping[str, Any] | None = None) -> StepHandlerResult:
        """There is nothing to process. ``metadata`` becomes part of the *result*."""
        return StepHandlerResult.success(
            {"batch_processing_outcome": {"type": "no_batches"}, "reason": reason, **(metadata or {})},
            {"batch_analyzer": True, "no_batches": True},
        )
