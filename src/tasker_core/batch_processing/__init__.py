"""Large work in batches: an analyzer cuts it, workers process the ranges, a last step adds up."""

from __future__ import annotations

from tasker_core.batch_processing.aggregation import BatchAggregationScenario
from tasker_core.batch_processing.batchable import Batchable
from tasker_core.batch_processing.cursors import BatchWorkerConfig

__all__ = ["BatchAggregationScenario", "BatchWorkerConfig", "Batchable"]
