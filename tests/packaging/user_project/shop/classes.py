"""Handlers as classes."""

from __future__ import annotations

from typing import Any

from tasker_core import (
    ApiHandler,
    ApiResponse,
    Batchable,
    BatchAggregationScenario,
    BusinessLogicError,
    DecisionHandler,
    ErrorType,
    StepContext,
    StepHandler,
    StepHandlerResult,
    StepTimeoutError,
)


class Reserve(StepHandler):
    handler_name = "reserve"
    handler_version = "1.2.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        lines: list[str] = context.get_input_or("lines", [])
        if not lines:
            return self.failure("nothing to reserve", ErrorType.VALIDATION_ERROR, retryable=False, error_code="EMPTY")
        limit = context.get_config("limit")
        previous = context.get_dependency_field("validate_cart", "cents")
        return self.success({"lines": lines, "limit": limit, "cents": previous}, metadata={"name": self.name})

    def refund(self, context: StepContext) -> StepHandlerResult:
        raise BusinessLogicError(f"{context.task_uuid} can't be refunded")

    def config_schema(self) -> dict[str, Any] | None:
        return {"type": "object", "properties": {"limit": {"type": "integer"}}}


class ReserveLater(StepHandler):
    async def call(self, context: StepContext) -> StepHandlerResult:
        if context.is_retry():
            raise StepTimeoutError("took too long", retry_after=30)
        return self.success()


class Choose(DecisionHandler):
    handler_name = "choose"

    def call(self, context: StepContext) -> StepHandlerResult:
        if context.get_input("weight") > 30:
            return self.decision_success(["freight"], routing_context={"weight": context.get_input("weight")})
        return self.skip_branches("light")


class Rates(ApiHandler):
    handler_name = "rates"
    base_url = "https://rates.example.org"
    default_timeout = 2.5
    default_headers = {"X-Key": "k"}

    def call(self, context: StepContext) -> StepHandlerResult:
        try:
            answer: ApiResponse = self.post("/rates", json={"from": "EUR"})
        except OSError as error:
            return self.connection_error(error, "asking for rates")
        return self.api_success(answer, {"status": answer.status_code}, include_response=False)


class Csv(StepHandler, Batchable):
    handler_name = "csv"

    def call(self, context: StepContext) -> StepHandlerResult:
        no_op = self.handle_no_op_worker(context)
        if no_op is not None:
            return no_op
        batch = self.get_batch_context(context)
        if batch is None:
            return self.batch_analyzer_success(self.create_batch_outcome(1_000, 100), worker_template_name="csv")
        if batch.has_checkpoint():
            return self.checkpoint_yield(batch.checkpoint_cursor, batch.checkpoint_items_processed + 1)
        outcome = self.create_worker_outcome(batch.end_cursor - batch.start_cursor, items_failed=1)
        return self.batch_worker_partial_failure(outcome, "one row is broken")


class Sum(StepHandler, Batchable):
    def call(self, context: StepContext) -> StepHandlerResult:
        scenario: BatchAggregationScenario = self.detect_aggregation_scenario(
            context.dependency_results, "analyze", "process_"
        )
        return self.aggregate_batch_worker_results(scenario, {"items_processed": 0})
