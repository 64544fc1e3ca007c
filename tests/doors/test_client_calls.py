"""The client, in process and over HTTP: every call, what it answers, and that the answers are plain data."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasker_core import (
    ClientHealthResponse,
    ClientStepAuditResponse,
    ClientStepResponse,
    ClientTaskListResponse,
    ClientTaskResponse,
    DuplicateTaskError,
    StepContext,
    TaskerClient,
)
from tests.support.workshop import Workshop, eventually, flow

READINESS = {
    "workflow_step_uuid", "task_uuid", "named_step_uuid", "name", "current_state", "dependencies_satisfied",
    "retry_eligible", "ready_for_execution", "last_failure_at", "next_retry_at", "total_parents", "completed_parents",
    "attempts", "max_attempts", "backoff_request_seconds", "last_attempted_at",
}  # fmt: skip


@pytest.fixture
def shop(each_door: Workshop) -> Workshop:
    each_door.handler("cart")(lambda: {"total": 42})
    each_door.handler("pay")(lambda: {"paid": True})
    each_door.template({"cart": [], "pay": ["cart"]})
    return each_door


def plain(answer: Any) -> dict[str, Any]:
    """The answer as a route of a web application would return it: nothing may be lost on the way through JSON."""
    fields: dict[str, Any] = answer.__dict__
    assert json.loads(json.dumps(fields)) == fields
    return fields


def test_a_task_that_was_just_created(shop: Workshop) -> None:
    client = shop.connect("ann", "till-3")
    before = datetime.now(UTC)
    task = client.create_task(
        "flow",
        namespace="shop",
        context={"cart": [1, 2]},
        reason="a customer pays",
        priority=7,
        tags=["web", "eu"],
        correlation_id="01980000-0000-7000-8000-00000000000a",
        parent_correlation_id="01980000-0000-7000-8000-00000000000b",
        idempotency_key="order-1",
    )
    found = client.get_task(task.task_uuid)
    assert isinstance(task, ClientTaskResponse) and task == found
    told = plain(found)
    assert uuid.UUID(told["task_uuid"]).version == 7
    expected = {
        "name": "flow",
        "namespace": "shop",
        "version": "1.0.0",
        "status": "steps_in_process",
        "context": {"cart": [1, 2]},
        "initiator": "ann",
        "source_system": "till-3",
        "reason": "a customer pays",
        "priority": 7,
        "tags": ["web", "eu"],
        "correlation_id": "01980000-0000-7000-8000-00000000000a",
        "parent_correlation_id": "01980000-0000-7000-8000-00000000000b",
        "total_steps": 2,
        "pending_steps": 1,
        "in_progress_steps": 0,
        "completed_steps": 0,
        "failed_steps": 0,
        "ready_steps": 1,
        "execution_status": "has_ready_steps",
        "recommended_action": "execute_ready_steps",
        "completion_percentage": 0.0,
        "health_status": "healthy",
        "completed_at": None,
    }
    assert {key: told[key] for key in expected} == expected
    created = datetime.fromisoformat(told["created_at"])
    assert before - timedelta(seconds=1) <= created <= datetime.now(UTC)
    assert [set(step) for step in told["steps"]] == [READINESS, READINESS]
    assert [(step["name"], step["current_state"], step["ready_for_execution"]) for step in told["steps"]] == [
        ("cart", "enqueued", True),
        ("pay", "pending", False),
    ]
    client.close()


def test_a_task_that_is_complete(shop: Workshop) -> None:
    shop.start()
    told = plain(shop.run())
    assert {key: told[key] for key in ("status", "execution_status", "completion_percentage", "completed_steps")} == {
        "status": "complete",
        "execution_status": "all_complete",
        "completion_percentage": 100.0,
        "completed_steps": 2,
    }
    assert told["recommended_action"] == "finalize_task"
    assert told["created_at"] <= told["completed_at"] <= told["updated_at"]


def test_steps_and_their_history(shop: Workshop) -> None:
    worker = shop.start()
    task = shop.run().task_uuid
    cart, pay = shop.client.list_task_steps(task)
    assert (cart.name, pay.name) == ("cart", "pay") and isinstance(pay, ClientStepResponse)
    told = plain(pay)
    assert shop.client.get_step(task, pay.step_uuid) == pay
    expected = {
        "task_uuid": task,
        "current_state": "complete",
        "dependencies_satisfied": True,
        "ready_for_execution": False,
        "total_parents": 1,
        "completed_parents": 1,
        "attempts": 1,
        "max_attempts": 3,
        "last_failure_at": None,
        "next_retry_at": None,
    }
    assert {key: told[key] for key in expected} == expected
    assert told["results"]["result"] == {"paid": True}
    assert (told["results"]["success"], told["results"]["error"]) == (True, None)
    (entry,) = shop.client.get_step_audit_history(task, pay.step_uuid)
    assert isinstance(entry, ClientStepAuditResponse)
    audit = plain(entry)
    assert (audit["workflow_step_uuid"], audit["task_uuid"], audit["step_name"]) == (pay.step_uuid, task, "pay")
    assert (audit["success"], audit["from_state"], audit["to_state"]) == (True, "in_progress", "complete")
    assert audit["worker_uuid"] == worker.worker_id
    assert audit["correlation_id"] == shop.client.get_task(task).correlation_id
    assert audit["execution_time_ms"] >= 0 and audit["result"]["result"] == {"paid": True}


def test_the_history_of_a_step_that_has_not_run_is_empty(shop: Workshop) -> None:
    task = shop.create()
    step = shop.steps(task)["cart"]
    assert step.results is None and shop.client.get_step_audit_history(task, step.step_uuid) == []


def test_lists_are_newest_first_paged_and_filtered(shop: Workshop) -> None:
    shop.template({"cart": []}, name="other", namespace="warehouse")
    tasks = [shop.create(context={"no": no}) for no in range(5)]
    other = shop.create("other", namespace="warehouse")
    page = shop.client.list_tasks(limit=2, offset=1)
    assert isinstance(page, ClientTaskListResponse)
    assert [task.task_uuid for task in page.tasks] == [tasks[4], tasks[3]]
    assert plain(page.pagination) == {
        "page": 1,
        "per_page": 2,
        "total_count": 6,
        "total_pages": 3,
        "has_next": True,
        "has_previous": True,
    }
    assert [task.task_uuid for task in shop.client.list_tasks(namespace="warehouse").tasks] == [other]
    assert [task.task_uuid for task in shop.client.list_tasks(name="other").tasks] == [other]
    shop.client.cancel_task(tasks[0])
    cancelled = shop.client.list_tasks(status="cancelled")
    assert [task.task_uuid for task in cancelled.tasks] == [tasks[0]] and cancelled.pagination.total_count == 1
    last = shop.client.list_tasks(limit=4, offset=4).pagination
    assert (last.has_next, last.has_previous, last.page) == (False, True, 2)
    assert shop.client.list_tasks(namespace="nobody").tasks == []


def test_health(shop: Workshop) -> None:
    health = shop.client.health_check()
    assert isinstance(health, ClientHealthResponse)
    assert (health.healthy, health.status) == (True, "healthy") and plain(health)["timestamp"]


def test_answers_are_frozen_and_their_types_take_unknown_keys(shop: Workshop) -> None:
    task = shop.client.get_task(shop.create())
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.status = "complete"  # type: ignore[misc]  # what the test is about
    assert ClientTaskResponse.from_dict({"task_uuid": "x", "from_a_later_version": 1}).task_uuid == "x"


CONTEXT: dict[str, Any] = {
    "z": 1,
    "a": {"y": [], "b": {}, "": None},
    "nul": "a\u0000b",
    "text": 'é ü 漢 🛒 " \\ / \u2028 \u007f </script>',
    "lone surrogate": "\ud83d",
    "big": 123456789012345678901234567890,
    "negative": -(2**63) - 1,
    "floats": [0.1, 1e22, -0.0, 1.7976931348623157e308, 5e-324, 3.0],
    "bools": [True, False, None],
    "deep": [[[[[[]]]]]],
}


def test_a_context_is_stored_exactly_and_reaches_the_handler_so(each_door: Workshop) -> None:
    seen: list[dict[str, Any]] = []

    @each_door.handler("look")
    def look(context: StepContext) -> dict[str, Any]:
        seen.append(context.input_data)
        return dict(context.input_data)

    each_door.template({"look": []})
    each_door.start()
    task = each_door.run(context=CONTEXT)
    for value in (task.context, seen[0], each_door.result(task.task_uuid, "look")):
        assert json.dumps(value) == json.dumps(CONTEXT)


def test_waiting_ends_when_the_task_rests_or_time_is_up(shop: Workshop) -> None:
    task = shop.create()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=rf"task {task} is steps_in_process after 0.2 s \(has_ready_steps\)"):
        shop.client.wait(task, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 5
    with pytest.raises(TimeoutError):
        shop.client.wait(task, timeout=0)
    shop.start()
    assert shop.client.wait(task).status == "complete"
    assert shop.client.wait(task, timeout=0).status == "complete"


def test_a_wait_is_woken_by_a_cancellation(shop: Workshop) -> None:
    task = shop.create()
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(shop.client.wait(task, 20).status))
    waiting.start()
    with shop.connect() as another:
        another.cancel_task(task)
    waiting.join(10)
    assert answers == ["cancelled"]


def test_many_tasks_in_one_call(shop: Workshop) -> None:
    requests = [{"name": "flow", "namespace": "shop", "context": {"no": no}, "tags": ["bulk"]} for no in range(300)]
    tasks = shop.client.create_tasks(requests)
    assert [task.context for task in tasks] == [{"no": no} for no in range(300)]
    assert {(task.name, task.namespace, task.version, task.status, tuple(task.tags or ())) for task in tasks} == {
        ("flow", "shop", "1.0.0", "steps_in_process", ("bulk",))
    }
    plain(tasks[0])
    assert shop.client.create_tasks([]) == []
    shop.start()
    eventually(lambda: shop.client.list_tasks(status="complete").pagination.total_count == 300, timeout=30)


def test_many_tasks_are_created_all_or_none(shop: Workshop) -> None:
    existing = shop.create(context={"no": 1})
    requests = [{"name": "flow", "namespace": "shop", "context": {"no": no}} for no in range(3)]
    with pytest.raises(DuplicateTaskError) as duplicate:
        shop.client.create_tasks(requests)
    assert (duplicate.value.task_uuid, duplicate.value.same_context) == (existing, True)
    with pytest.raises(RuntimeError, match="no template 'flwo'"):
        shop.client.create_tasks([*requests[:1], {"name": "flwo", "namespace": "shop"}])
    with pytest.raises(DuplicateTaskError):
        shop.client.create_tasks([requests[2], requests[2]])
    assert shop.client.list_tasks().pagination.total_count == 1
    answers = shop.client.create_tasks(requests, on_duplicate="return")
    assert answers[1].task_uuid == existing
    assert shop.client.list_tasks().pagination.total_count == 3


def test_existing_tasks_are_answered_as_they_are(shop: Workshop) -> None:
    with shop.start():
        done = shop.run(context={"no": 1}).task_uuid
    requests = [{"name": "flow", "context": {"no": no}} for no in (0, 1)]
    new, old = shop.client.create_tasks(requests, on_duplicate="return")
    assert (old.task_uuid, old.status, old.namespace, old.version) == (done, "complete", "shop", "1.0.0")
    assert (new.status, new.namespace, new.version) == ("steps_in_process", "shop", "1.0.0")
    again = shop.client.create_task("flow", namespace="shop", context={"no": 1}, on_duplicate="return")
    assert (again.task_uuid, again.status) == (done, "complete")


def test_ten_threads_share_a_client(shop: Workshop) -> None:
    shop.start()
    results: list[list[str]] = [[] for _ in range(10)]

    def customer(no: int) -> None:
        for order in range(10):
            task = shop.client.create_task("flow", namespace="shop", context={"customer": no, "order": order})
            found = shop.client.wait(task.task_uuid, timeout=30)
            steps = shop.client.list_task_steps(task.task_uuid)
            assert found.context == {"customer": no, "order": order} and len(steps) == 2
            results[no].append(found.status)

    threads = [threading.Thread(target=customer, args=(no,)) for no in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [["complete"] * 10] * 10


def test_two_threads_that_create_the_same_task_create_one(shop: Workshop) -> None:
    ids: list[str] = []
    start = threading.Barrier(8)

    def create() -> None:
        start.wait()
        ids.append(
            shop.client.create_task("flow", namespace="shop", context={"no": 1}, on_duplicate="return").task_uuid
        )

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ids) == 8 and len(set(ids)) == 1


def test_why_a_task_is_not_finished(shop: Workshop) -> None:
    task = shop.create()
    told = shop.client.explain(task)
    assert {step.name: step.reason.kind for step in told.steps} == {"cart": "no_worker", "pay": "waits_for_parents"}
    shop.start()
    shop.finish(task)
    assert (shop.client.explain(task).state, shop.client.explain(task).steps) == ("complete", ())


def test_how_the_store_is(shop: Workshop) -> None:
    found = shop.client.doctor(deep=True)
    assert found.is_usable and {check.kind for check in found.checks} >= {"database", "workers", "queue"}
    health = shop.client.health_check()
    assert (health.healthy, health.status) == (True, "healthy")
    assert health.timestamp is not None and datetime.fromisoformat(health.timestamp).tzinfo is not None


def test_the_store_is_chosen_by_the_environment(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.template({"cart": []})
    task = workshop.create()
    for name in ("DATABASE_URL", "TASKER_DATABASE_URL"):
        monkeypatch.setenv(name, workshop.url)
        with TaskerClient() as client:
            assert client.get_task(task).task_uuid == task
        monkeypatch.setenv(name, "mysql://nowhere")
        monkeypatch.delenv("DATABASE_URL") if name == "TASKER_DATABASE_URL" else None
    monkeypatch.delenv("TASKER_DATABASE_URL")
    monkeypatch.chdir(workshop.directory)
    with TaskerClient() as client:
        assert client.get_task(task).task_uuid == task


def test_a_template_may_be_a_file_or_a_mapping(shop: Workshop) -> None:
    file = shop.directory / "mapped.yaml"
    file.write_text(json.dumps(flow({"cart": []}, name="filed")))
    shop.client.register_template(file)
    shop.client.register_template(str(file))
    shop.client.register_template(flow({"cart": []}, name="mapped"))
    for name in ("filed", "mapped"):
        assert shop.client.create_task(name, namespace="shop").total_steps == 1
