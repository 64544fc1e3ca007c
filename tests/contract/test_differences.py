"""Where the published system's code doesn't do what its documents promise, this one keeps the promise.

Each test is named by the number of the difference. Number 4, what a crash costs, is in tests/worker/test_crash_kill.py;
a real Retry-After, of number 3, in tests/worker/test_retry_delay.py.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from tasker_core import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.errors import DuplicateTaskError, InvalidRequestError, SchemaViolationError, TemplateError
from tasker_core.step_handler import ApiHandler, Decision, decision_handler, inputs, step_handler
from tasker_core.words import TaskState
from tests.support.served import served
from tests.support.workshop import Workshop, flow

AGAIN = {"max_attempts": 3, "backoff": "none", "backoff_base_ms": 0, "jitter": 0}


def verdicts(shop: Workshop, task: str, step: str) -> list[str]:
    """What was decided after each attempt of the step."""
    return [attempt["reason"] for attempt in shop.steps(task)[step].history]


def test_row_1_an_idempotency_key_makes_the_task_the_same_whatever_its_context(workshop: Workshop) -> None:
    workshop.template({"pay": []})
    first = workshop.create(context={"n": 1}, idempotency_key="order-1")
    with pytest.raises(DuplicateTaskError) as twice:
        workshop.create(context={"n": 2}, idempotency_key="order-1")
    assert (twice.value.task_uuid, twice.value.same_context) == (first, False)
    assert workshop.create(context={"n": 1}, idempotency_key="order-2") != first, "the same context under another key"


def test_row_1_a_template_chooses_how_its_tasks_are_told_apart(workshop: Workshop) -> None:
    workshop.template({"pay": []}, name="strict")
    workshop.template({"pay": []}, name="asked", also={"identity_strategy": "caller_provided"})
    workshop.template({"pay": []}, name="unique", also={"identity_strategy": "always_unique"})
    first = workshop.create("strict", {"n": 1})
    with pytest.raises(DuplicateTaskError, match=first):
        workshop.create("strict", {"n": 1})
    with pytest.raises(InvalidRequestError) as without:
        workshop.create("asked", {"n": 1})
    assert without.value.field == "idempotency_key"
    assert workshop.create("unique", {"n": 1}) != workshop.create("unique", {"n": 1})


def test_row_2_each_steps_own_backoff_counts(workshop: Workshop) -> None:
    calls = {"quick": 0, "slow": 0}

    def failing(step: str) -> None:
        @workshop.handler(step)
        def run() -> None:
            calls[step] += 1
            if calls[step] < 3:
                raise RetryableError("busy")

    failing("quick")
    failing("slow")
    linear = {"max_attempts": 3, "backoff": "linear", "backoff_base_ms": 150, "jitter": 0}
    workshop.template({"quick": [], "slow": []}, quick={"retry": AGAIN}, slow={"retry": linear})
    workshop.start()
    task = workshop.run()
    waits = {step: verdicts(workshop, task.task_uuid, step)[:2] for step in calls}
    said = "retryable_error: attempt {} of 3, retry in {:.3f} s"
    assert waits["quick"] == [said.format(1, 0), said.format(2, 0)]
    assert waits["slow"] == [said.format(1, 0.15), said.format(2, 0.3)]


def test_row_3_retry_after_of_an_error_and_of_an_api_set_the_time(workshop: Workshop) -> None:
    class Busy(ApiHandler):
        handler_name = "ask"

        def call(self, context: StepContext) -> StepHandlerResult:
            if context.is_retry():
                return self.success()
            return self.failure("503", "service_unavailable", metadata={"retry_after_seconds": 0.3})

    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        if not context.is_retry():
            raise RetryableError("busy", retry_after=0.3)

    workshop.handler_class(Busy)
    workshop.template({"pay": [], "ask": []}, pay={"retry": AGAIN}, ask={"retry": AGAIN})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    for step in ("pay", "ask"):
        assert re.search(r"attempt 1 of 3, retry in 0\.3\d\d s$", verdicts(workshop, task.task_uuid, step)[0])


def test_row_5_after_a_step_is_mended_by_hand_the_task_moves_on_by_itself(workshop: Workshop) -> None:
    tried: list[str] = []

    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        tried.append(str(context.task_uuid))
        if tried.count(tried[-1]) == 1:
            raise PermanentError("card declined")

    workshop.handler("ship")(lambda: None)
    workshop.template({"pay": [], "ship": ["pay"]})
    workshop.start()
    for n, mend in enumerate((workshop.client.reset_step, workshop.client.resolve_step, complete_by_hand(workshop))):
        blocked = workshop.run(context={"n": n})
        assert blocked.status == "blocked_by_failures"
        mend(blocked.task_uuid, workshop.steps(blocked.task_uuid)["pay"].step_uuid)
        assert workshop.finish(blocked.task_uuid).status == "complete"


def complete_by_hand(workshop: Workshop) -> Callable[[str, str], object]:
    return lambda task, step: workshop.client.complete_step(task, step, {"charge": "ch_1"})


def test_row_6_a_step_that_is_reset_has_all_its_attempts_again(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        raise RetryableError("busy")

    workshop.template({"pay": []}, pay={"retry": AGAIN})
    workshop.start()
    task = workshop.run().task_uuid
    workshop.client.reset_step(task, workshop.steps(task)["pay"].step_uuid)
    workshop.finish(task)
    assert [attempt.attempt for attempt in workshop.audit(task, "pay")] == [1, 2, 3, 1, 2, 3]


def test_row_7_a_step_has_its_own_time_limit(workshop: Workshop) -> None:
    @workshop.handler("pay")
    async def pay() -> None:
        await asyncio.sleep(60)

    workshop.template({"pay": []}, pay={"timeout_seconds": 0.1, "retry": {"max_attempts": 1}})
    workshop.start()
    task = workshop.run()
    assert workshop.error(task.task_uuid, "pay")["error_type"] == "timeout"


def test_row_8_a_context_is_checked_against_its_schema(workshop: Workshop) -> None:
    schema = {"type": "object", "required": ["sku"]}
    template = {**flow({"pay": []}), "input_schema": schema, "schema_validation": "enforce"}
    workshop.client.register_template(template)
    with pytest.raises(SchemaViolationError):
        workshop.create(context={})


def test_row_9_an_environment_changes_what_it_says_for_workers_and_engine_alike(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        seen.append(context.get_config("url"))
        raise RetryableError("busy")

    changes = {"name": "ALL", "retry": {**AGAIN, "max_attempts": 2}}
    urls = {"name": "pay", "handler": {"initialization": {"url": "https://live"}}}
    environments = {"staging": {"steps": [urls, changes]}, "production": {"steps": []}}
    monkeypatch.setenv("TASKER_ENV", "staging")
    workshop.template({"pay": []}, also={"environments": environments}, pay={"retry": {"max_attempts": 1}})
    workshop.start()
    task = workshop.run()
    assert seen == ["https://live"] * 2 == ["https://live"] * workshop.steps(task.task_uuid)["pay"].max_attempts


def test_row_10_a_cycle_is_refused(workshop: Workshop) -> None:
    with pytest.raises(TemplateError, match="these steps wait for each other, so none can start: a -> b -> a"):
        workshop.template({"a": ["b"], "b": ["a"]})


def test_row_11_a_context_is_stored_as_it_was_given(workshop: Workshop) -> None:
    context = {
        "online": True,
        "one_time_code": 1,
        "script": "s",
        "eval": {"only_paid": [{"function": "f"}]},
        "<b>": "&",
    }
    seen: list[dict[str, object]] = []
    workshop.handler("pay")(lambda context: seen.append(context.input_data))
    workshop.template({"pay": []})
    workshop.start()
    task = workshop.run(context=context)
    assert task.context == context and seen == [context]


def test_row_12_every_state_can_be_listed(workshop: Workshop) -> None:
    workshop.template({"pay": []})
    task = workshop.create()
    listed = {str(state): workshop.client.list_tasks(status=state).tasks for state in TaskState}
    assert [state for state, tasks in listed.items() if tasks] == ["steps_in_process"]
    assert listed["steps_in_process"][0].task_uuid == task


def test_row_12_every_state_can_be_asked_for_over_http(workshop: Workshop) -> None:
    workshop.template({"pay": []})
    task = workshop.create()
    with served(workshop.url) as server:
        pages = {str(state): server.get("/v1/tasks", status=str(state)) for state in TaskState}
        assert server.get("/v1/tasks", 400, status="completed")["error"]["field"] == "status"
        assert server.post("/v1/tasks", {"name": "flow", "namespace": "shop", "context": {"n": 1}}, 201)["task_uuid"]
    counts = {state: page["pagination"]["total_count"] for state, page in pages.items()}
    assert counts == {**dict.fromkeys(map(str, TaskState), 0), "steps_in_process": 1}
    assert pages["steps_in_process"]["tasks"][0]["task_uuid"] == task


def test_row_14_parallelism_limits_how_many_of_a_batch_run_at_once(workshop: Workshop) -> None:
    running, most, lock = [0], [0], threading.Lock()

    @workshop.handler("process")
    def process() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1

    start_batch(workshop, parallelism=3)
    assert workshop.run().status == "complete"
    assert most == [3]


@pytest.mark.parametrize(
    ("strategy", "ran", "total"),
    [("continue_on_failure", 6, "pending"), ("fail_fast", 2, "pending"), ("isolate", 6, "complete")],
)
def test_row_14_the_failure_strategy_of_a_batch_is_acted_on(
    workshop: Workshop, strategy: str, ran: int, total: str
) -> None:
    names: list[str] = []

    @workshop.handler("process")
    def process(context: StepContext) -> None:
        names.append(context.step_name)
        if context.step_name == "process_002":
            raise PermanentError("no such file")

    start_batch(workshop, parallelism=1, failure_strategy=strategy)
    task = workshop.run()
    assert task.status == "blocked_by_failures"
    states = workshop.states(task.task_uuid)
    assert (len(names), states["total"]) == (ran, total)
    assert [name for name, state in states.items() if state == "error"] == ["process_002"]


def start_batch(workshop: Workshop, **config: Any) -> None:
    """A worker, and the template of a batch of six pieces."""

    @workshop.handler_class
    class Analyze(StepHandler, Batchable):
        handler_name = "analyze"

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.batch_analyzer_success(self.create_batch_outcome(6, 1), worker_template_name="process")

    workshop.handler("total")(lambda: None)
    workshop.template(
        {"analyze": [], "process": ["analyze"], "total": ["process"]},
        analyze={"type": "batchable", "batch_config": {"worker_template": "process", **config}},
        process={"type": "batch_worker"},
        total={"type": "deferred_convergence"},
    )
    workshop.start()


class Order(BaseModel):
    sku: str
    quantity: int = 1
    note: str | None = None


def test_row_15_invalid_inputs_are_permanent_and_missing_ones_take_their_defaults(workshop: Workshop) -> None:
    seen: list[Order] = []

    @step_handler("order")
    @inputs(Order)
    def order(inputs: Order) -> None:
        seen.append(inputs)

    workshop.register("order", order)
    workshop.template({"order": []}, order={"retry": AGAIN})
    workshop.start()
    bad = workshop.run(context={"sku": "tea", "quantity": "many"})
    assert bad.status == "blocked_by_failures" and len(workshop.audit(bad.task_uuid, "order")) == 1
    error = workshop.error(bad.task_uuid, "order")
    assert (error["error_type"], error["retryable"]) == ("validation_error", False)
    assert workshop.run(context={"sku": "tea", "quantity": None}).status == "complete"
    assert seen == [Order(sku="tea", quantity=1, note=None)]


def test_row_16_a_permanent_error_from_a_class_stops_the_step(workshop: Workshop) -> None:
    @workshop.handler_class
    class Pay(StepHandler):
        handler_name = "pay"

        def call(self, context: StepContext) -> StepHandlerResult:
            raise PermanentError("card declined", error_code="DECLINED")

    workshop.template({"pay": []}, pay={"retry": AGAIN})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures" and len(workshop.audit(task.task_uuid, "pay")) == 1
    error = workshop.error(task.task_uuid, "pay")
    assert (error["error_type"], error["error_code"], error["retryable"]) == ("PermanentError", "DECLINED", False)


def test_row_17_a_decision_that_names_an_unknown_step_fails(workshop: Workshop) -> None:
    @decision_handler("choose")
    def choose() -> Decision:
        return Decision.route(["by_air", "by_rial"])

    workshop.register("choose", choose)
    for step in ("by_air", "by_rail"):
        workshop.handler(step)(lambda: None)
    graph: dict[str, list[str]] = {"choose": [], "by_air": ["choose"], "by_rail": ["choose"]}
    workshop.template(graph, choose={"type": "decision_point", "retry": AGAIN})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures" and workshop.states(task.task_uuid) == {"choose": "error"}
    error = workshop.error(task.task_uuid, "choose")
    assert (error["error_type"], error["retryable"]) == ("invalid_decision", False)
    assert "'by_rial' can't be reached from here; it may name 'by_air', 'by_rail'" in error["message"]
    assert len(workshop.audit(task.task_uuid, "choose")) == 1, "for good: it isn't tried again"


def test_the_smaller_ones_versions_are_checked(workshop: Workshop) -> None:
    with pytest.raises(TemplateError, match=r"must be three numbers like 1\.0\.0; found '1\.0'"):
        workshop.template({"pay": []}, version="1.0")
    workshop.template({"pay": []})
    with pytest.raises(InvalidRequestError, match=r"three numbers like 1\.0\.0; found '1\.0', or say 'latest'"):
        workshop.create(version="1.0")


def test_the_smaller_ones_jitter_is_a_key_of_each_retry_policy(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        raise RetryableError("busy")

    retry = {"max_attempts": 5, "backoff": "linear", "backoff_base_ms": 4, "jitter": 1}
    workshop.template({"pay": []}, pay={"retry": retry})
    workshop.start()
    waits = [float(told.split()[-2]) for told in verdicts(workshop, workshop.run().task_uuid, "pay")[:-1]]
    assert len(waits) == 4 and all(0 <= wait <= 0.008 * no for no, wait in enumerate(waits, 1))
    assert [round(wait, 3) for wait in waits] != [0.004, 0.008, 0.012, 0.016]


def test_the_smaller_ones_completed_at_retryable_false_and_reason(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        raise RetryableError("busy")

    workshop.handler("ship")(lambda: None)
    workshop.template({"pay": []}, pay={"retry": {"retryable": False, "max_attempts": 3}})
    workshop.template({"ship": []}, name="shipping")
    workshop.start()
    assert workshop.run().status == "blocked_by_failures", "not parked in waiting_for_retry"
    done = workshop.run("shipping", reason="r" * 500)
    assert done.completed_at is not None and done.reason == "r" * 500
