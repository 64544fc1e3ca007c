"""What the step after a batch finds: the results of the batch workers, or that there was nothing to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasker_core.models import DependencyResultsWrapper, unwrap_result


@dataclass(frozen=True)
class BatchAggregationScenario:
    """Whether there were batches, and what became of them, by the name of the worker's step."""

    is_no_batches: bool
    batchable_result: dict[str, Any] = field(default_factory=dict)
    batch_results: dict[str, Any] = field(default_factory=dict)
    worker_count: int = 0

    @classmethod
    def detect(
        cls,
        dependency_results: Mapping[str, Any] | DependencyResultsWrapper,
        batchable_step_name: str,
        batch_worker_prefix: str,
    ) -> BatchAggregationScenario:
        """Read the scenario off the results of the steps before this one.

        Args:
            dependency_results: as in ``context.dependency_results``.
            batchable_step_name: the step whose handler cut the items into batches.
            batch_worker_prefix: what the names of the worker steps begin with.

        Raises:
            ValueError: the batchable step's result isn't there, or it made batches and none of their results is.

        >>> BatchAggregationScenario.detect({
        ...     "analyze": {"result": {"batch_processing_outcome": {"type": "create_batches"}}},
        ...     "process_001": {"result": {"items_processed": 4}}}, "analyze", "process_").worker_count
        1
        """
        names = list(dependency_results)
        if batchable_step_name not in dependency_results:
            raise ValueError(f"no result of batchable step {batchable_step_name!r}; there are those of {names}")
        analyzed = unwrap_result(dependency_results[batchable_step_name])
        analyzed = analyzed if isinstance(analyzed, dict) else {}
        outcome = analyzed.get("batch_processing_outcome")
        if isinstance(outcome, dict) and outcome.get("type") == "no_batches":
            return cls.no_batches(analyzed)
        results = {
            name: unwrap_result(dependency_results[name])
            for name in names
            if name.startswith(batch_worker_prefix) and name != batchable_step_name
        }
        if not results:
            raise ValueError(f"no results of batch workers {batch_worker_prefix!r}...; there are those of {names}")
        return cls(False, analyzed, results, len(results))

    @classmethod
    def no_batches(cls, batchable_result: dict[str, Any] | None = None) -> BatchAggregationScenario:
        """The scenario of nothing to do."""
        return cls(True, batchable_result or {})
