"""The part of the step after a batch: adding up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasker_core.batch_processing.aggregation import BatchAggregationScenario
from tasker_core.models import DependencyResultsWrapper
from tasker_core.types import StepHandlerResult, aggregate_batch_results


class BatchAggregating:
    """What the step after a batch asks and answers."""

    def detect_aggregation_scenario(
        self,
        dependency_results: Mapping[str, Any] | DependencyResultsWrapper,
        batchable_step_name: str,
        batch_worker_prefix: str,
    ) -> BatchAggregationScenario:
        """Whether there were batches, and their results; see :meth:`BatchAggregationScenario.detect`."""
        return BatchAggregationScenario.detect(dependency_results, batchable_step_name, batch_worker_prefix)

    def no_batches_aggregation_result(self, zero_metrics: Mapping[str, Any] | None = None) -> StepHandlerResult:
        """The sum of nothing: ``zero_metrics`` as it is."""
        return StepHandlerResult.success({**(zero_metrics or {}), "worker_count": 0, "scenario": "no_batches"})

    def aggregate_batch_worker_results(
        self,
        scenario: BatchAggregationScenario,
        zero_metrics: Mapping[str, Any] | None = None,
        aggregation_fn: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
    ) -> StepHandlerResult:
        """The sum of all batches.

        Args:
            scenario: what was found.
            zero_metrics: the sum when there were no batches.
            aggregation_fn: adds up the results, given by step name; by default their counts are added.
        """
        if scenario.is_no_batches:
            return self.no_batches_aggregation_result(zero_metrics)
        add_up = aggregation_fn or (lambda results: self.aggregate_worker_results(results.values()))
        return StepHandlerResult.success(
            {**add_up(scenario.batch_results), "worker_count": scenario.worker_count, "scenario": "with_batches"}
        )

    @staticmethod
    def aggregate_worker_results(worker_results: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
        """Totals of the workers' counts, the success rate (0 to 1) and the first 100 errors."""
        return aggregate_batch_results(worker_results).model_dump()
