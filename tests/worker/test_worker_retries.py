"""What becomes of attempts that fail: tried again, when, how often, and what is written down."""

from __future__ import annotations

import re
import time
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from tasker_core import (
    NetworkError,
    PermanentError,
    RetryableError,
    StepContext,
    StepHandler,
    StepHandlerResult,
    TaskerError,
)
from tasker_core.step_handler import inputs, step_handler
from tests.support.workshop import Workshop

TOLERANCE = 1.0
"""Seconds that a busy machine may be late."""


class Charge(BaseModel):
    amount: int


class Refuses(StepHandler):
    handler_name = "work"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise PermanentError("the card was declined", error_code="DECLINED", metadata={"bank": "north"})


class Reports(StepHandler):
    handler_name = "work"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.failure("out of stock", "stock_error", retryable=False, error_code="S-1", metadata={"sku": "TEA"})


class Forgets(StepHandler):
    handler_name = "work"

    def call(self, context: StepContext) -> StepHandlerResult:
        return {"forgot": "success()"}  # type: ignore[return-value]  # what the test is about


def pauses(workshop: Workshop, task: str, step: str = "work") -> list[float]:
    """Seconds between the end of each attempt and the start of the next."""
    history = [attempt.__dict__ for attempt in workshop.audit(task, step)]
    rows = workshop.query(
        "select a.claimed_at, a.ended_at from tasker_attempts a join tasker_tasks t on t.id = a.task_id"
        " where t.uuid = ? order by a.no, a.fence",
        task,
    )
    assert len(rows) == len(history)
    return [(begun - ended) / 1e6 for (_, ended), (begun, _) in pairwise(rows)]


def only_step(workshop: Workshop, **options: Any) -> None:
    workshop.template({"work": []}, work=options)


def test_a_step_that_fails_is_tried_again_until_it_succeeds(workshop: Workshop) -> None:
    seen: list[tuple[int, int, bool, bool, str]] = []

    @workshop.handler("work")
    def work(context: StepContext) -> dict[str, int]:
        seen.append(
            (context.attempt, context.retry_count, context.is_retry(), context.is_last_retry(), context.idempotency_key)
        )
        if context.attempt < 3:
            raise NetworkError(f"no route, attempt {context.attempt}")
        return {"attempts": context.attempt}

    only_step(workshop, retry={"max_attempts": 3, "backoff": "none", "backoff_base_ms": 10})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    key = f"{task.task_uuid}:work"
    assert seen == [(1, 0, False, False, key), (2, 1, True, False, key), (3, 2, True, True, key)]
    step = workshop.steps(task.task_uuid)["work"]
    assert (step.attempts, step.max_attempts, step.current_state) == (3, 3, "complete")
    history = workshop.audit(task.task_uuid, "work")
    assert [(entry.success, entry.to_state) for entry in history] == [
        (False, "waiting_for_retry"),
        (False, "waiting_for_retry"),
        (True, "complete"),
    ]
    assert history[0].result is not None and history[0].result["error"]["message"] == "no route, attempt 1"


def test_max_attempts_counts_them_all(workshop: Workshop) -> None:
    calls: list[int] = []

    @workshop.handler("work")
    def work(context: StepContext) -> None:
        calls.append(context.attempt)
        raise ValueError("nothing helps")

    only_step(workshop, retry={"max_attempts": 3, "backoff": "none", "backoff_base_ms": 1})
    workshop.start()
    task = workshop.run()
    assert (task.status, calls) == ("blocked_by_failures", [1, 2, 3])
    error = workshop.error(task.task_uuid, "work")
    assert (error["error_type"], error["message"], error["retryable"]) == ("handler_error", "nothing helps", True)
    assert error["context"]["exception_type"] == "ValueError"
    assert any("raise ValueError" in line for line in error["backtrace"])


def test_a_step_that_is_not_retryable_is_tried_once(workshop: Workshop) -> None:
    calls: list[int] = []

    @workshop.handler("work")
    def work(context: StepContext) -> None:
        calls.append(context.attempt)
        raise RetryableError("later, perhaps")

    only_step(workshop, retry={"retryable": False, "max_attempts": 5})
    workshop.start()
    assert (workshop.run().status, calls) == ("blocked_by_failures", [1])


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ("linear", [0.1, 0.2, 0.3]),
        ("exponential", [0.1, 0.2, 0.4]),
        ("fibonacci", [0.1, 0.1, 0.2]),
        ("none", [0, 0, 0]),
    ],
)
def test_the_wait_between_attempts(workshop: Workshop, backoff: str, expected: list[float]) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise RetryableError("again")

    only_step(workshop, retry={"max_attempts": 4, "backoff": backoff, "backoff_base_ms": 100, "max_backoff_ms": 10_000})
    workshop.start()
    task = workshop.run()
    for waited, asked in zip(pauses(workshop, task.task_uuid), expected, strict=True):
        assert asked * 0.85 <= waited <= asked * 1.15 + TOLERANCE


def test_the_longest_wait_bounds_the_others(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise RetryableError("again")

    retry = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 60_000, "max_backoff_ms": 50}
    only_step(workshop, retry=retry)
    workshop.start()
    task = workshop.run()
    assert all(waited <= 0.05 + TOLERANCE for waited in pauses(workshop, task.task_uuid))


def test_retry_after_is_a_floor(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work(context: StepContext) -> None:
        if not context.is_retry():
            raise RetryableError("the service asks for time", retry_after=0.4)

    only_step(workshop, retry={"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1})
    workshop.start()
    task = workshop.run()
    (waited,) = pauses(workshop, task.task_uuid)
    assert task.status == "complete" and 0.4 <= waited <= 0.4 * 1.15 + TOLERANCE


def test_while_a_retry_waits_the_task_says_so(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise RetryableError("not now", retry_after=60)

    only_step(workshop, retry={"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1})
    workshop.start()
    task = workshop.create()
    before = time.time()
    with pytest.raises(TimeoutError, match="waiting_for_retry"):
        workshop.finish(task, timeout=1.0)
    found, step = workshop.client.get_task(task), workshop.steps(task)["work"]
    assert (found.status, found.health_status, step.current_state) == (
        "waiting_for_retry",
        "recovering",
        "waiting_for_retry",
    )
    assert step.next_retry_at is not None
    due = datetime.fromisoformat(step.next_retry_at).timestamp()
    assert before + 59 <= due <= before + 60 * 1.15 + 2


@pytest.mark.parametrize(
    ("error", "error_type", "retried"),
    [
        (PermanentError("no"), "permanent_error", False),
        (RetryableError("later"), "retryable_error", True),
        (TaskerError("as I say", retryable=False), "handler_error", False),
        (TaskerError("as I say", retryable=True), "handler_error", True),
        (ValueError("odd"), "handler_error", True),
        (KeyError("missing"), "handler_error", True),
        (SystemExit(3), "SystemExit", True),
    ],
)
def test_what_a_function_raises_decides(
    workshop: Workshop, error: BaseException, error_type: str, retried: bool
) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise error

    only_step(workshop, retry={"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures"
    assert workshop.steps(task.task_uuid)["work"].attempts == (2 if retried else 1)
    told = workshop.error(task.task_uuid, "work")
    assert (told["error_type"], told["retryable"]) == (error_type, retried)
    assert str(error.args[0]) in told["message"]


def test_what_a_class_raises_is_named_by_its_class(workshop: Workshop) -> None:
    workshop.handler_class(Refuses)
    only_step(workshop)
    workshop.start()
    task = workshop.run()
    assert workshop.steps(task.task_uuid)["work"].attempts == 1
    error = workshop.error(task.task_uuid, "work")
    assert error["error_type"] == "PermanentError"
    assert (error["message"], error["error_code"], error["retryable"]) == ("the card was declined", "DECLINED", False)
    assert error["context"]["bank"] == "north"


def test_what_a_class_reports_is_kept(workshop: Workshop) -> None:
    workshop.handler_class(Reports)
    only_step(workshop)
    workshop.start()
    task = workshop.run()
    assert workshop.steps(task.task_uuid)["work"].attempts == 1
    error = workshop.error(task.task_uuid, "work")
    assert [error[key] for key in ("message", "error_type", "error_code", "context")] == [
        "out of stock",
        "stock_error",
        "S-1",
        {"sku": "TEA"},
    ]


def test_a_class_that_returns_no_result_is_told_what_to_return(workshop: Workshop) -> None:
    workshop.handler_class(Forgets)
    only_step(workshop)
    workshop.start()
    error = workshop.error(workshop.run().task_uuid, "work")
    assert "returned a dict; call() must return a StepHandlerResult" in error["message"]
    assert error["retryable"] is False


def test_inputs_of_the_wrong_type_end_the_step_and_name_the_field(workshop: Workshop) -> None:
    calls: list[Charge] = []

    @step_handler("work")
    @inputs(Charge)
    def work(inputs: Charge) -> None:
        calls.append(inputs)

    workshop.register("work", work)
    only_step(workshop)
    workshop.start()
    task = workshop.run(context={"amount": "a lot"})
    error = workshop.error(task.task_uuid, "work")
    assert (task.status, calls, workshop.steps(task.task_uuid)["work"].attempts) == ("blocked_by_failures", [], 1)
    assert (error["error_type"], error["retryable"]) == ("validation_error", False)
    assert re.search("do(es)? not fit Charge: amount: Input should be a valid integer", error["message"])
    assert "a lot" not in error["message"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"when": {"made": [datetime.min]}}, "['when']['made'][0] is a datetime; convert it"),
        ({"ratio": float("nan")}, "['ratio'] is nan, which JSON doesn't know"),
        ({"ok": 1, "set": {1, 2}}, "['set'] is a set"),
        ({("a", "b"): 1}, "has a key that is a tuple"),
        ({"photo": "x" * 1_100_000}, "at most 1,048,576 are kept. Store large data elsewhere"),
    ],
)
def test_a_result_that_cannot_be_kept_is_refused_with_its_place(
    workshop: Workshop, result: dict[Any, Any], words: str
) -> None:
    workshop.handler("work")(lambda: result)
    workshop.handler("beside")(lambda: {"fine": True})
    workshop.template({"work": [], "beside": []})
    workshop.start()
    task = workshop.run()
    assert workshop.states(task.task_uuid) == {"work": "error", "beside": "complete"}
    error = workshop.error(task.task_uuid, "work")
    assert (error["error_type"], error["retryable"]) == ("serialization_error", False)
    assert words in error["message"] and "result of step 'work'" in error["message"]
    assert workshop.steps(task.task_uuid)["work"].attempts == 1


def test_a_result_that_contains_itself_or_is_too_deep(workshop: Workshop) -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(150):
        inner["in"] = inner = {}
    workshop.handler("loops")(lambda: loop)
    workshop.handler("sinks")(lambda: deep)
    workshop.template({"loops": [], "sinks": []})
    workshop.start()
    task = workshop.run().task_uuid
    assert "['self'] contains itself" in workshop.error(task, "loops")["message"]
    assert "nested deeper than" in workshop.error(task, "sinks")["message"]


def test_details_of_an_error_that_are_not_json_do_not_lose_the_error(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise PermanentError("odd details", metadata={"lock": object()})

    only_step(workshop)
    workshop.start()
    error = workshop.error(workshop.run().task_uuid, "work")
    assert (error["message"], error["error_type"]) == ("odd details", "permanent_error")
    assert "object object at" in error["context"]["repr"]
