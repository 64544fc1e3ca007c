"""The values a handler meets: its context, its result, and the client's answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from tasker_core.clock import step_uuid
from tasker_core.errors import StepCancelledError
from tasker_core.models import HandlerWrapper, StepDefinitionWrapper, TaskSequenceStepWrapper, TaskWrapper
from tasker_core.types import (
    BootstrapConfig,
    ErrorType,
    FfiStepEvent,
    LogContext,
    StepContext,
    StepError,
    StepEvent,
    StepExecutionResult,
    StepHandlerResult,
    StepResponse,
    TaskListResponse,
    TaskResponse,
)

TASK = "01980000-0000-7000-8000-000000000000"
STEP = "01980000-0000-7000-8000-000000000001"
CORRELATION = "01980000-0000-7000-8000-000000000002"


def attempt(**changes: Any) -> StepContext:
    given: dict[str, Any] = {
        "handler_name": "charge",
        "task_uuid": TASK,
        "step": 3,
        "correlation_id": CORRELATION,
        "read_input": lambda: {"email": "ann@example.org", "coupon": None},
        "dependency_results": {"cart": {"result": {"total": 42, "lines": {"first": "tea"}}}, "stock": {"result": None}},
        "step_config": {"currency": "EUR"},
        "step_inputs": {},
        "retry_count": 1,
        "max_retries": 3,
        "task_name": "checkout",
        "namespace": "shop",
        "step_name": "process_payment",
        "template_version": "1.2.0",
    }
    return StepContext.for_attempt(**{**given, **changes})


def event(**step: Any) -> FfiStepEvent:
    return StepEvent(
        event_id="e-1",
        task_uuid=UUID(TASK),
        step_uuid=UUID(STEP),
        correlation_id=UUID(CORRELATION),
        task_sequence_step={
            "task": {
                "task": {"task_uuid": TASK, "context": {"email": "ann@example.org"}},
                "task_name": "checkout",
                "namespace_name": "shop",
                "task_version": "1.2.0",
            },
            "workflow_step": {"name": "process_payment", "attempts": 2, "max_attempts": 3, "inputs": {"a": 1}, **step},
            "dependency_results": {"cart": {"result": {"total": 42}}},
            "step_definition": {"handler": {"callable": "charge", "initialization": {"currency": "EUR"}}},
        },
    )


class Link:
    def __init__(self) -> None:
        self.stop = False
        self.beats: list[Any] = []
        self.read: list[str] = []

    def cancelled(self) -> bool:
        return self.stop

    def heartbeat(self, progress: Any) -> None:
        self.beats.append(progress)
        if self.stop:
            raise StepCancelledError("task was cancelled")

    def read_result(self, step_name: str) -> Any | None:
        self.read.append(step_name)
        return {"id": 9} if step_name == "far_ancestor" else None


def test_an_attempt_reads_its_input_and_the_results_before_it() -> None:
    context = attempt()
    assert context.get_input("email") == "ann@example.org"
    assert context.get_input("nothing") is None
    assert context.get_input_or("coupon", "none") == "none"
    assert context.get_config("currency") == "EUR"
    assert context.get_dependency_result("cart") == {"total": 42, "lines": {"first": "tea"}}
    assert context.get_dependency_result("unknown") is None
    assert context.get_dependency_field("cart", "lines", "first") == "tea"
    assert context.get_dependency_field("cart", "total", "deeper") is None
    assert context.get_dependency_result_keys() == ["cart", "stock"]
    assert context.get_all_dependency_results("") == [{"total": 42, "lines": {"first": "tea"}}]


def test_ids_are_uuids_made_when_asked_for() -> None:
    context = attempt()
    assert context.task_uuid == UUID(TASK) and context.task_uuid is context.task_uuid
    assert context.step_uuid == UUID(step_uuid(TASK, 3))
    assert context.correlation_id == UUID(CORRELATION)
    assert attempt(step=STEP).step_uuid == UUID(STEP)
    with pytest.raises(AttributeError):
        _ = context.no_such_thing  # type: ignore[attr-defined]  # proves that the laziness invents nothing


def test_attempts_are_counted_from_one() -> None:
    first, last = attempt(retry_count=0), attempt(retry_count=2)
    assert (first.attempt, first.is_retry(), first.is_last_retry()) == (1, False, False)
    assert (last.attempt, last.is_retry(), last.is_last_retry()) == (3, True, True)
    assert first.idempotency_key == last.idempotency_key == f"{TASK}:process_payment"


def test_without_a_worker_nothing_is_cancelled_and_a_heartbeat_is_silent() -> None:
    context = attempt()
    context.heartbeat({"done": 1})
    assert context.cancelled is False


def test_the_worker_is_reached_through_the_link() -> None:
    link = Link()
    context = attempt(link=link, deadline=datetime(2030, 1, 1, tzinfo=UTC))
    context.heartbeat({"done": 1})
    assert link.beats == [{"done": 1}] and context.deadline is not None
    link.stop = True
    assert context.cancelled
    with pytest.raises(StepCancelledError):
        context.heartbeat()


def test_an_ancestors_result_is_read_once_when_it_did_not_come_along() -> None:
    link = Link()
    context = attempt(link=link)
    assert context.get_dependency_result("cart")["total"] == 42
    assert context.get_dependency_result("far_ancestor") == {"id": 9}
    assert context.get_dependency_field("far_ancestor", "id") == 9
    assert context.get_dependency_result("unknown") is None
    assert link.read == ["far_ancestor", "unknown"]


def test_a_checkpoint_is_read_back() -> None:
    saved = {"cursor": {"page": 4}, "items_processed": 40, "accumulated_results": {"sum": 7}}
    context = attempt(checkpoint=saved)
    assert context.has_checkpoint() and context.checkpoint == saved
    assert context.checkpoint_cursor == {"page": 4}
    assert context.checkpoint_items_processed == 40
    assert context.accumulated_results == {"sum": 7}
    assert not attempt().has_checkpoint() and attempt().checkpoint_items_processed == 0


def test_the_event_and_its_views_are_built_on_demand() -> None:
    context = attempt()
    assert context.event is not None and context.event.task_uuid == UUID(TASK)
    whole = context.task_sequence_step
    assert (whole.task.task_name, whole.task.namespace_name, whole.task.task_version) == ("checkout", "shop", "1.2.0")
    assert whole.get_task_field("email") == "ann@example.org"
    assert whole.get_results("cart") == {"total": 42, "lines": {"first": "tea"}}
    assert whole.workflow_step.attempts == 1
    again = StepContext.from_ffi_event(context.event, "charge")
    assert (again.retry_count, again.step_name, again.idempotency_key) == (
        1,
        "process_payment",
        context.idempotency_key,
    )


def test_a_context_from_an_event() -> None:
    context = StepContext.from_ffi_event(event(checkpoint={"cursor": 5}), "charge")
    assert context.input_data == {"email": "ann@example.org"}
    assert context.dependency_results == {"cart": {"result": {"total": 42}}}
    assert (context.retry_count, context.max_retries, context.step_inputs) == (2, 3, {"a": 1})
    assert (context.task_name, context.namespace, context.step_name) == ("checkout", "shop", "process_payment")
    assert context.checkpoint_cursor == 5
    assert StepContext.from_ffi_event(event(max_attempts=0), "charge").max_retries == 3


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(event(), "event_id", "other")  # noqa: B010  # a type checker refuses the plain form


def test_views_take_nothing_for_an_answer() -> None:
    assert TaskSequenceStepWrapper.from_dict(None).workflow_step.max_attempts == 3
    assert TaskWrapper.from_dict({"task_uuid": TASK, "context": {"a": 1}}).context == {"a": 1}
    assert HandlerWrapper.from_dict({"callable": "x", "method": "run", "resolver": "mine"}).handler_method == "run"
    assert StepDefinitionWrapper.from_dict({"dependencies": ["a"]}).dependencies == ["a"]
    results = TaskSequenceStepWrapper.from_dict({"dependency_results": {"a": {"result": 1}}}).dependency_results
    assert results["a"] == results.get_result("a") == {"result": 1}
    assert results.get_results("a") == 1 and results.get_results("b") is None
    assert list(results) == results.keys() == ["a"] and "a" in results and len(results) == 1


def test_success_is_a_factory_on_the_class_and_a_bool_on_a_result() -> None:
    done = StepHandlerResult.success({"total": 42}, {"source": "cache"})
    assert done.success is True and done.is_success and done.is_success_result() and not done.is_failure_result()
    assert done.model_dump(by_alias=True) == {
        "success": True,
        "result": {"total": 42},
        "error_message": None,
        "error_type": None,
        "error_code": None,
        "retryable": True,
        "metadata": {"source": "cache"},
    }
    assert StepHandlerResult.model_validate(done.model_dump(by_alias=True)) == done
    assert StepHandlerResult.model_validate_json(done.model_dump_json()) == done
    assert StepHandlerResult.model_validate({"success": False, "error_message": "no"}).success is False
    with pytest.raises((TypeError, ValueError)):
        StepHandlerResult.success(["no", "dict"])  # type: ignore[arg-type]  # proves the check at run time


def test_a_failure_says_whether_to_try_again() -> None:
    failed = StepHandlerResult.failure("gateway is busy", metadata={"retry_after": 5}, error_code="GW")
    assert (failed.success, failed.error_type, failed.retryable) == (False, "handler_error", True)
    assert failed.metadata == {"retry_after": 5} and failed.error_code == "GW"
    assert StepHandlerResult.failure("no", ErrorType.VALIDATION_ERROR, retryable=False).error_type == "validation_error"


def test_error_types() -> None:
    assert ErrorType.is_standard("timeout") and not ErrorType.is_standard("card_declined")
    retried = [e for e in ErrorType if ErrorType.is_typically_retryable(e)]
    assert retried == [ErrorType.RETRYABLE_ERROR, ErrorType.TIMEOUT]


def test_an_execution_result_tells_failures_apart() -> None:
    ids: dict[str, Any] = {"step_uuid": UUID(STEP), "task_uuid": UUID(TASK)}
    assert StepExecutionResult.success_result(**ids, result={}).status == "completed"
    error = StepError(error_type="x", message="no")
    assert StepExecutionResult.failure_result(**ids, error=error).status == "retryable_error"
    final = error.model_copy(update={"retryable": False})
    assert StepExecutionResult.failure_result(**ids, error=final).status == "permanent_error"


def test_the_clients_answers_are_json_able_and_ignore_what_they_do_not_know() -> None:
    task = TaskResponse.from_dict({"task_uuid": TASK, "steps": [{"name": "cart"}], "later_addition": 1})
    assert json.loads(json.dumps(task.__dict__))["steps"] == [{"name": "cart"}]
    page = TaskListResponse.from_dict({"tasks": [{"task_uuid": TASK}], "pagination": {"total_count": 1}})
    assert page.tasks[0].task_uuid == TASK and (page.pagination.total_count, page.pagination.per_page) == (1, 50)
    assert StepResponse.from_dict({}).results is None


def test_settings_are_checked() -> None:
    with pytest.raises(ValidationError):
        BootstrapConfig(log_level="loud")
    with pytest.raises(ValidationError):
        BootstrapConfig.model_validate({"unknown": 1})
    assert LogContext.model_validate({"operation": "charge", "order": 7}).to_fields() == {
        "operation": "charge",
        "order": 7,
    }
