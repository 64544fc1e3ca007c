"""The handlers of task template generated/counting 1.0.0."""

from __future__ import annotations

from typing import Any

from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import BatchConfig, batch_analyzer, depends_on, step_handler

from tests.doors.generated.counting_types import ReportResult


@batch_analyzer("generated_counting.analyze", worker_template="count")
def analyze(context: StepContext) -> BatchConfig:
    """The step analyze."""
    # These are examples: put the work of this step in their place.
    return BatchConfig(total_items=2, batch_size=1)


class Count(StepHandler, Batchable):
    """The step count."""

    handler_name = "generated_counting.count"

    def call(self, context: StepContext) -> StepHandlerResult:
        if (nothing := self.handle_no_op_worker(context)) is not None:
            return nothing
        batch = self.get_batch_context(context)
        assert batch is not None
        # These are examples: put the work of this step in their place.
        return self.batch_worker_success(items_processed=batch.end_cursor - batch.start_cursor)


@step_handler("generated_counting.total")
def total(context: StepContext) -> dict[str, Any]:
    """The step total."""
    # What each piece returned: context.get_all_dependency_results("count_")
    # These are examples: put the work of this step in their place.
    return {}


@step_handler("generated_counting.report")
@depends_on(total="total")
def report(total: dict[str, Any]) -> ReportResult:
    """The step report."""
    # These are examples: put the work of this step in their place.
    return ReportResult.model_validate({"pages": 2})
