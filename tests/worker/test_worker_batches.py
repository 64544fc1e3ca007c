"""Batches with a real worker: analyzers, batch workers and what converges on them, as functions and as classes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import BatchConfig, batch_analyzer, batch_worker, depends_on, inputs, step_handler
from tasker_core.types import BatchWorkerContext
from tests.support.workshop import Workshop, flow

GRAPH = {"analyze": [], "process": ["analyze"], "total": ["process"]}


def batch(shop: Workshop, **config: Any) -> None:
    """Register the template of a batch with this ``batch_config``."""
    once = {"max_attempts": 1}
    shop.client.register_template(
        flow(
            GRAPH,
            analyze={"type": "batchable", "batch_config": {"worker_template": "process", **config}, "retry": once},
            process={"type": "batch_worker", "retry": once},
            total={"type": "deferred_convergence", "retry": once},
        )
    )


class Analyze(StepHandler, Batchable):
    handler_name = "analyze"

    def call(self, context: StepContext) -> StepHandlerResult:
        outcome = self.create_batch_outcome(context.get_input("rows"), 10)
        return self.batch_analyzer_success(outcome, worker_template_name="process")


class Process(StepHandler, Batchable):
    handler_name = "process"

    def call(self, context: StepContext) -> StepHandlerResult:
        if (nothing := self.handle_no_op_worker(context)) is not None:
            return nothing
        mine = self.get_batch_context(context)
        assert mine is not None and context.get_config("__template_step_name") == "process"
        return self.batch_worker_success(
            items_processed=mine.end_cursor - mine.start_cursor, last_cursor=mine.end_cursor
        )


class Total(StepHandler, Batchable):
    handler_name = "total"

    def call(self, context: StepContext) -> StepHandlerResult:
        scenario = self.detect_aggregation_scenario(context.dependency_results, "analyze", "process_")
        return self.aggregate_batch_worker_results(scenario, {"total_processed": 0})


@pytest.mark.parametrize(("rows", "workers"), [(95, 10), (0, 0)])
def test_the_classes_cut_process_and_add_up(workshop: Workshop, rows: int, workers: int) -> None:
    for handler in (Analyze, Process, Total):
        workshop.handler_class(handler)
    batch(workshop)
    workshop.start()
    task = workshop.run(context={"rows": rows})
    assert task.status == "complete"
    total = workshop.result(task.task_uuid, "total")
    assert (total["total_processed"], total["worker_count"]) == (rows, workers)
    assert total["scenario"] == ("with_batches" if rows else "no_batches")
    names = [name for name in workshop.steps(task.task_uuid) if name.startswith("process")]
    assert names == ([f"process_{no:03d}" for no in range(1, 11)] if rows else ["process_000"])


def test_the_functions_cut_process_and_add_up(workshop: Workshop) -> None:
    @batch_analyzer("analyze", worker_template="process")
    @inputs("rows")
    def analyze(rows: int) -> BatchConfig:
        return BatchConfig(total_items=rows, batch_size=10)

    @batch_worker("process")
    def process(batch_context: BatchWorkerContext) -> dict[str, int]:
        return {"from": batch_context.start_cursor, "to": batch_context.end_cursor}

    @step_handler("total")
    @depends_on(cut="analyze")
    def total(cut: Mapping[str, Any], context: StepContext) -> dict[str, Any]:
        return {"batches": cut["worker_count"], "ranges": context.get_all_dependency_results("process_")}

    for handler in (analyze, process, total):
        workshop.register(handler.__name__, handler)
    batch(workshop)
    workshop.start()
    task = workshop.run(context={"rows": 25})
    ranges = [{"from": 0, "to": 10}, {"from": 10, "to": 20}, {"from": 20, "to": 25}]
    assert workshop.result(task.task_uuid, "total") == {"batches": 3, "ranges": ranges}


def test_parallelism_holds_though_many_slots_are_free(workshop: Workshop) -> None:
    running, most, lock = set[str](), [0], threading.Lock()

    @workshop.handler("process")
    def process(context: StepContext) -> None:
        with lock:
            running.add(context.step_name)
            most[0] = max(most[0], len(running))
        threading.Event().wait(0.005)
        with lock:
            running.discard(context.step_name)

    workshop.handler_class(Analyze)
    workshop.handler("total")(lambda: None)
    batch(workshop, parallelism=3)
    workshop.start(concurrency=20)
    assert workshop.run(context={"rows": 300}).status == "complete"
    assert most == [3]


def test_any_ancestor_of_a_later_step_may_be_asked_for_by_an_instances_name(workshop: Workshop) -> None:
    for handler in (Analyze, Process, Total):
        workshop.handler_class(handler)
    seen: list[object] = []
    workshop.handler("tell")(lambda context: seen.append(context.get_dependency_result("process_002")))
    graph = {**GRAPH, "tell": ["total"]}
    workshop.template(graph, analyze={"type": "batchable"}, process={"type": "batch_worker"})
    workshop.start()
    assert workshop.run(context={"rows": 15}).status == "complete"
    assert seen and isinstance(seen[0], dict) and seen[0]["items_processed"] == 5


def test_a_checkpoint_spends_no_attempt_and_the_step_goes_on_from_there(workshop: Workshop) -> None:
    calls: list[tuple[Any, int, bool]] = []

    @workshop.handler_class
    class Long(StepHandler, Batchable):
        handler_name = "long"

        def call(self, context: StepContext) -> StepHandlerResult:
            done = context.checkpoint_items_processed
            calls.append((context.checkpoint_cursor, context.attempt, context.has_checkpoint()))
            gathered = (context.accumulated_results or []) + [done]
            if done < 30:
                return self.checkpoint_yield({"row": done + 10}, done + 10, gathered)
            return self.success({"gathered": gathered, "history": context.checkpoint})

    workshop.template({"long": []}, long={"retry": {"max_attempts": 1}})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    assert calls == [(None, 1, False), ({"row": 10}, 1, True), ({"row": 20}, 1, True), ({"row": 30}, 1, True)]
    result = workshop.result(task.task_uuid, "long")
    assert result["gathered"] == [0, 10, 20, 30]
    assert [entry["cursor"] for entry in result["history"]["history"]] == [{"row": 10}, {"row": 20}]
    told = [(a.attempt, a.ending, a.to_state) for a in workshop.audit(task.task_uuid, "long")]
    assert told == [(1, "yielded", "enqueued")] * 3 + [(1, "ok", "complete")]
    step = workshop.steps(task.task_uuid)["long"]
    assert (step.attempts, step.max_attempts) == (1, 1)


def test_a_retry_goes_on_from_the_last_checkpoint(workshop: Workshop) -> None:
    seen: list[tuple[int, Any]] = []

    @workshop.handler_class
    class Long(StepHandler, Batchable):
        handler_name = "long"

        def call(self, context: StepContext) -> StepHandlerResult:
            seen.append((context.attempt, context.checkpoint_cursor))
            if not context.has_checkpoint():
                return self.checkpoint_yield(7, 7)
            return self.success() if context.is_retry() else self.failure("no disk", retryable=True)

    workshop.template({"long": []}, long={"retry": {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}})
    workshop.start()
    assert workshop.run().status == "complete"
    assert seen == [(1, None), (1, 7), (2, 7)]


@pytest.mark.parametrize(
    ("cursor", "done", "says"),
    [
        (1, -1, "items_processed, a whole number of 0 or more"),
        ({1, 2}, 1, "the checkpoint of step 'long' can't be written as JSON"),
        ("x" * 2**20, 1, "bytes as JSON; at most 1,048,576 are kept"),
        (5, 5, "nothing was done"),
    ],
)
def test_a_checkpoint_that_cannot_be_kept_ends_the_attempt(
    workshop: Workshop, cursor: Any, done: int, says: str
) -> None:
    @workshop.handler_class
    class Long(StepHandler, Batchable):
        handler_name = "long"

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.checkpoint_yield(cursor, done)

    workshop.template({"long": []}, long={"retry": {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures"
    assert says in workshop.error(task.task_uuid, "long")["message"]
