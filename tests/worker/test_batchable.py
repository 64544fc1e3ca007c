"""Batches: cutting, processing, adding up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tasker_core.batch_processing import Batchable, BatchAggregationScenario, BatchWorkerConfig
from tasker_core.step_handler import BatchConfig, StepHandler, batch_analyzer, batch_worker
from tasker_core.types import (
    BatchAnalyzerOutcome,
    BatchProcessingOutcome,
    BatchWorkerContext,
    CreateBatchesOutcome,
    FailureStrategy,
    NoBatchesOutcome,
    RustCursorConfig,
    StepContext,
    StepHandlerResult,
    aggregate_batch_results,
    create_batches,
    no_batches,
)

CURSOR = {"batch_id": "002", "start_cursor": 100, "end_cursor": 150, "batch_size": 50}
INPUTS = {"cursor": CURSOR, "batch_metadata": {"cursor_field": "id", "failure_strategy": "isolate"}, "is_no_op": False}


def context(
    step_inputs: dict[str, Any] | None = None,
    checkpoint: dict[str, Any] | None = None,
    step_config: dict[str, Any] | None = None,
) -> StepContext:
    return StepContext.for_attempt(
        handler_name="h",
        task_uuid="01980000-0000-7000-8000-000000000000",
        step=1,
        correlation_id="01980000-0000-7000-8000-000000000002",
        read_input=dict,
        dependency_results={},
        step_config=step_config or {},
        step_inputs=step_inputs or {},
        retry_count=0,
        max_retries=3,
        task_name="t",
        namespace="n",
        step_name="s",
        template_version="1.0.0",
        checkpoint=checkpoint,
    )


class Csv(StepHandler, Batchable):
    handler_name = "csv"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.batch_analyzer_success(self.create_batch_outcome(250, 100))


class OtherOrder(Batchable, StepHandler):
    def call(self, context: StepContext) -> StepHandlerResult:
        return self.no_batches_outcome("nothing")


@given(
    total=st.integers(0, 5_000),
    size=st.integers(1, 700),
    most=st.none() | st.integers(0, 40),
)
def test_ranges_cover_every_item_once_and_in_order(total: int, size: int, most: int | None) -> None:
    ranges = Csv().create_cursor_ranges(total, size, max_batches=most)
    covered = [item for r in ranges for item in range(r.start_cursor, r.end_cursor)]
    assert covered == list(range(total))
    widths = [r.end_cursor - r.start_cursor for r in ranges]
    assert len(set(widths[:-1])) <= 1 and all(width > 0 for width in widths)
    if most:
        assert len(ranges) <= most
        assert not widths or widths[0] <= max(size, -(-total // most))
    else:
        assert all(width <= size for width in widths)


@given(total=st.integers(0, 5_000), workers=st.integers(1, 200))
def test_shares_cover_every_item_once(total: int, workers: int) -> None:
    shares = Csv().create_cursor_configs(total, workers)
    assert [i for s in shares for i in range(s.cursor_start, s.cursor_end)] == list(range(total))
    assert len(shares) <= workers
    assert all(s.row_count == s.cursor_end - s.cursor_start > 0 for s in shares)
    assert [s.worker_index for s in shares] == list(range(len(shares)))
    assert {s.total_workers for s in shares} <= {len(shares)}


def test_what_cannot_be_cut() -> None:
    handler = Csv()
    assert handler.create_cursor_ranges(0, 0) == []
    with pytest.raises(ValueError, match="batch_size must be positive, got 0"):
        handler.create_cursor_ranges(1, 0)
    with pytest.raises(ValueError, match="worker_count must be positive, got 0"):
        handler.create_cursor_configs(0, 0)
    with pytest.raises(ValueError, match="must not be negative"):
        handler.create_cursor_ranges(-1, 5)


def test_an_analyzer_creates_batches() -> None:
    ending = Csv().call(context())
    assert ending.result == {
        "batch_processing_outcome": {
            "type": "create_batches",
            "worker_template_name": "batch_worker",
            "worker_count": 3,
            "cursor_configs": [
                {"batch_id": "001", "start_cursor": 0, "end_cursor": 100, "batch_size": 100},
                {"batch_id": "002", "start_cursor": 100, "end_cursor": 200, "batch_size": 100},
                {"batch_id": "003", "start_cursor": 200, "end_cursor": 250, "batch_size": 50},
            ],
            "total_items": 250,
        },
        "worker_count": 3,
        "total_items": 250,
    }
    assert ending.metadata == {"batch_analyzer": True}


def test_an_analyzers_cursors_come_in_any_form() -> None:
    handler = OtherOrder()
    shares = handler.create_cursor_configs(10, 2)
    outcome = handler.create_batch_outcome_from_ranges([(0, 1)], batch_metadata={"source": "s3"})
    ending = handler.batch_analyzer_success(outcome, {"mine": 1}, "work", cursor_configs=shares)
    assert ending.result is not None
    engine = ending.result["batch_processing_outcome"]
    assert [c["batch_size"] for c in engine["cursor_configs"]] == [5, 5] and engine["total_items"] == 10
    assert ending.result["batch_metadata"] == {"source": "s3"}
    assert ending.metadata == {"mine": 1, "batch_analyzer": True}
    by_key = handler.batch_analyzer_success(
        cursor_configs=[
            {"start_cursor": "a", "end_cursor": "m", "batch_size": 7},
            RustCursorConfig(batch_id="x", start_cursor={"p": 1}, end_cursor={"p": 2}, batch_size=3),
        ]
    )
    assert by_key.result is not None and by_key.result["total_items"] == 10
    with pytest.raises(ValueError, match="needs its batch_size"):
        handler.batch_analyzer_success(cursor_configs=[{"start_cursor": "a", "end_cursor": "m"}])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "no_cursor_configs_provided"),
        ({"cursor_configs": []}, "empty_dataset"),
        ({"outcome": BatchAnalyzerOutcome(), "batch_metadata": {"reason": "holiday"}}, "holiday"),
    ],
)
def test_an_analyzer_without_items(arguments: dict[str, Any], reason: str) -> None:
    ending = Csv().batch_analyzer_success(**arguments)
    assert ending.result == {"batch_processing_outcome": {"type": "no_batches"}, "reason": reason}
    assert ending.metadata == {"batch_analyzer": True, "no_batches": True}


def test_metadata_of_no_batches_is_part_of_the_result() -> None:
    ending = Csv().no_batches_outcome("holiday", {"day": 1})
    assert ending.result is not None and ending.result["day"] == 1


def test_an_analyzer_function() -> None:
    @batch_analyzer("analyze", worker_template="work")
    def analyze(context: StepContext) -> BatchConfig:
        return BatchConfig(context.step_config["items"], 10, {"source": "s3"})

    handler = analyze._handler_class()  # type: ignore[attr-defined]  # set by the decorator
    ending = handler.call(context(step_config={"items": 15}))
    assert ending.result["batch_processing_outcome"]["worker_template_name"] == "work"
    assert (ending.result["worker_count"], ending.result["batch_metadata"]) == (2, {"source": "s3"})
    nothing = handler.call(context(step_config={"items": 0}))
    assert nothing.result["batch_processing_outcome"] == {"type": "no_batches"}


def test_a_worker_reads_its_batch() -> None:
    saved = {"cursor": 120, "items_processed": 20, "accumulated_results": [1]}
    batch = Csv().get_batch_context(context(INPUTS, saved))
    assert batch is not None
    assert (batch.batch_id, batch.start_cursor, batch.end_cursor, batch.step_size) == ("002", 100, 150, 50)
    assert (batch.batch_index, batch.total_batches) == (0, 1)
    assert batch.has_checkpoint() and batch.checkpoint_cursor == 120
    assert (batch.checkpoint_items_processed, batch.accumulated_results) == (20, [1])
    made = Csv().create_batch_context(Csv().create_cursor_config(0, 5), 1, 3)
    configured = Csv().get_batch_context(context(step_config={"batch_context": made.model_dump()}))
    assert configured == made and made.batch_id == "002"
    assert Csv().get_batch_context(context()) is None


def test_a_workers_inputs() -> None:
    given_inputs = Csv().get_batch_worker_inputs(context(INPUTS))
    assert given_inputs is not None and given_inputs.batch_metadata.failure_strategy is FailureStrategy.ISOLATE
    assert Csv().get_batch_worker_inputs(context({"cursor": "?"})) is None
    assert Csv().get_batch_worker_inputs(context()) is None


def test_the_placeholder_has_nothing_to_do() -> None:
    assert Csv().handle_no_op_worker(context(INPUTS)) is None
    empty = {"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}
    ending = Csv().handle_no_op_worker(context({"cursor": empty, "is_no_op": True}))
    assert ending is not None and ending.result is not None
    assert (ending.result["batch_id"], ending.result["no_op"], ending.result["processed_count"]) == ("000", True, 0)


@pytest.mark.parametrize("cursor", ["page-2", {"after": ["a", 1]}, 7, 2.5, [1]])
def test_a_cursor_of_any_json_reaches_a_worker_as_it_was_given(cursor: Any) -> None:
    inputs = {"cursor": {"batch_id": "a", "start_cursor": cursor, "end_cursor": cursor, "batch_size": 3}}
    batch = BatchWorkerContext.from_step_context(context(inputs))
    assert batch is not None
    assert (batch.start_cursor, batch.end_cursor, batch.step_size, batch.batch_id) == (cursor, cursor, 3, "a")


def test_a_worker_function() -> None:
    @batch_worker("work")
    def work(batch_context: BatchWorkerContext | None) -> dict[str, Any]:
        return {"width": None if batch_context is None else batch_context.end_cursor - batch_context.start_cursor}

    handler = work._handler_class()  # type: ignore[attr-defined]  # set by the decorator
    assert handler.call(context(INPUTS)).result == {"width": 50}
    assert handler.call(context()).result == {"width": None}
    broken = handler.call(context({**INPUTS, "batch_metadata": 7}))
    assert (broken.error_type, broken.retryable) == ("validation_error", False)


def test_a_worker_counts_its_items() -> None:
    handler = Csv()
    done = handler.batch_worker_success(items_processed=5, items_failed=1, errors=["x"], last_cursor=5)
    assert done.result == {
        "items_processed": 5,
        "items_succeeded": 4,
        "items_failed": 1,
        "items_skipped": 0,
        "last_cursor": 5,
        "batch_metadata": {},
        "errors": ["x"],
    }
    all_failed = handler.create_worker_outcome(3, items_failed=3, results=[1])
    assert all_failed.items_succeeded == 0
    partly = handler.batch_worker_partial_failure(all_failed, "none came through")
    assert partly.success and partly.metadata == {"partial_failure": True, "had_failures": True}
    assert partly.result is not None and partly.result["message"] == "none came through"
    neither = handler.batch_worker_success()
    assert (neither.error_type, neither.retryable) == ("invalid_args", False)


def test_a_checkpoint() -> None:
    ending = Csv().checkpoint_yield({"page": 3}, 30, {"sum": 1})
    assert ending.metadata == {"checkpoint_yield": True}
    assert ending.result == {
        "type": "checkpoint_yield",
        "cursor": {"page": 3},
        "items_processed": 30,
        "accumulated_results": {"sum": 1},
    }


RESULTS = {
    "analyze": {"result": {"batch_processing_outcome": {"type": "create_batches"}}},
    "work_001": {"result": {"items_processed": 4, "items_succeeded": 3, "items_failed": 1, "errors": ["e"]}},
    "work_002": {"result": None},
}


def test_the_sum_of_the_batches() -> None:
    handler = Csv()
    scenario = handler.detect_aggregation_scenario(RESULTS, "analyze", "work_")
    assert (scenario.is_no_batches, scenario.worker_count) == (False, 2)
    assert handler.aggregate_batch_worker_results(scenario).result == {
        "total_processed": 4,
        "total_succeeded": 3,
        "total_failed": 1,
        "total_skipped": 0,
        "batch_count": 2,
        "success_rate": 0.75,
        "errors": ["e"],
        "error_count": 1,
        "worker_count": 2,
        "scenario": "with_batches",
    }
    own = handler.aggregate_batch_worker_results(scenario, aggregation_fn=lambda results: {"steps": sorted(results)})
    assert own.result is not None and own.result["steps"] == ["work_001", "work_002"]


def test_the_sum_of_nothing() -> None:
    found = BatchAggregationScenario.detect(
        {"analyze": {"result": {"batch_processing_outcome": {"type": "no_batches"}}}}, "analyze", "work_"
    )
    ending = Csv().aggregate_batch_worker_results(found, {"total": 0})
    assert ending.result == {"total": 0, "worker_count": 0, "scenario": "no_batches"}
    assert BatchAggregationScenario.no_batches().is_no_batches


def test_a_sum_without_its_parts_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no result of batchable step 'other'; there are those of \['analyze'"):
        BatchAggregationScenario.detect(RESULTS, "other", "work_")
    with pytest.raises(ValueError, match="no results of batch workers 'x_'"):
        BatchAggregationScenario.detect(RESULTS, "analyze", "x_")


@given(st.lists(st.none() | st.lists(st.integers(), max_size=80), max_size=6), st.integers(0, 120))
def test_errors_are_kept_up_to_a_limit_and_counted_all(lists: list[list[int] | None], most: int) -> None:
    total = aggregate_batch_results([None if errors is None else {"errors": errors} for errors in lists], most)
    everything = [error for errors in lists if errors for error in errors]
    assert total.errors == everything[:most] and total.error_count == len(everything)
    assert total.batch_count == len(lists)


def test_the_engines_outcome_is_read_by_its_type() -> None:
    adapter: TypeAdapter[NoBatchesOutcome | CreateBatchesOutcome] = TypeAdapter(BatchProcessingOutcome)
    assert adapter.validate_python(no_batches().model_dump()) == no_batches()
    made = create_batches("work", 1, [CURSOR], 50)
    assert adapter.validate_python(made.model_dump()) == made
    with pytest.raises(ValueError, match="worker_count is 2, but there are 1"):
        create_batches("work", 2, [CURSOR], 50)
    with pytest.raises(ValidationError):
        adapter.validate_python({"type": "other"})


def test_a_share_as_a_dict() -> None:
    assert BatchWorkerConfig("001", 0, 5, 5, 0, 1).to_dict() == {
        "batch_id": "001",
        "cursor_start": 0,
        "cursor_end": 5,
        "row_count": 5,
        "worker_index": 0,
        "total_workers": 1,
    }
