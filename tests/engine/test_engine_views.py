"""What callers see of tasks and steps: the shapes and words of the contract."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tasker_core.clock import ManualClock, step_uuid
from tasker_core.engine import Engine
from tasker_core.errors import StepNotFoundError, TaskNotFoundError, TaskStateError
from tasker_core.types import StepAuditResponse, StepResponse, TaskListResponse, TaskResponse
from tasker_core.words import Word
from tests.support.flows import Hands, failed, flow, ok, wish

FORK = {"start": [], "left": ["start"], "right": ["start"], "end": ["left", "right"]}

TASK_FIELDS = {
    "task_uuid", "name", "namespace", "version", "status", "created_at", "updated_at", "completed_at", "context",
    "initiator", "source_system", "reason", "priority", "tags", "correlation_id", "parent_correlation_id",
    "total_steps", "pending_steps", "in_progress_steps", "completed_steps", "failed_steps", "ready_steps",
    "execution_status", "recommended_action", "completion_percentage", "health_status", "steps",
}  # fmt: skip
STEP_OF_TASK_FIELDS = {
    "workflow_step_uuid", "task_uuid", "named_step_uuid", "name", "current_state", "dependencies_satisfied",
    "retry_eligible", "ready_for_execution", "last_failure_at", "next_retry_at", "total_parents", "completed_parents",
    "attempts", "max_attempts", "backoff_request_seconds", "last_attempted_at",
}  # fmt: skip
STEP_FIELDS = {
    "step_uuid", "task_uuid", "name", "created_at", "updated_at", "completed_at", "results", "current_state",
    "dependencies_satisfied", "retry_eligible", "ready_for_execution", "total_parents", "completed_parents",
    "attempts", "max_attempts", "last_failure_at", "next_retry_at", "last_attempted_at",
}  # fmt: skip
AUDIT_FIELDS = {
    "audit_uuid", "workflow_step_uuid", "transition_uuid", "task_uuid", "recorded_at", "worker_uuid",
    "correlation_id", "success", "execution_time_ms", "result", "step_name", "from_state", "to_state",
}  # fmt: skip


@pytest.fixture
def task(engine: Engine) -> str:
    engine.catalog.register(flow(FORK), replace=False)
    (created,) = engine.create([wish(engine, context={"n": 1})])
    return created.task


def seen(engine: Engine, task: str) -> dict[str, Any]:
    return engine.views.task(task)


def step_of(engine: Engine, task: str, name: str) -> dict[str, Any]:
    return next(step for step in engine.views.steps(task) if step["name"] == name)


def test_a_task_has_the_fields_of_the_contract(engine: Engine, task: str) -> None:
    view = seen(engine, task)
    assert set(view) >= TASK_FIELDS
    assert all(set(step) == STEP_OF_TASK_FIELDS for step in view["steps"])
    assert json.loads(json.dumps(view)) == view, "JSON-able as it stands"
    response = TaskResponse.from_dict(view)
    assert response.task_uuid == task and response.steps == view["steps"]


def test_a_step_and_its_audit_have_the_fields_of_the_contract(engine: Engine, hands: Hands, task: str) -> None:
    hands.play()
    for step in engine.views.steps(task):
        assert set(step) >= STEP_FIELDS
        assert json.loads(json.dumps(step)) == step
        assert StepResponse.from_dict(step).step_uuid == step["step_uuid"]
        (entry,) = engine.views.audit(task, step["step_uuid"])
        assert set(entry) >= AUDIT_FIELDS
        assert json.loads(json.dumps(entry)) == entry
        assert StepAuditResponse.from_dict(entry).step_name == step["name"]


def test_the_counts_and_words_follow_the_steps(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    def told() -> tuple[Any, ...]:
        view = seen(engine, task)
        counts = tuple(view[f"{kind}_steps"] for kind in ("pending", "ready", "in_progress", "completed", "failed"))
        words = (view["status"], view["execution_status"], view["recommended_action"], view["health_status"])
        return counts, words, view["completion_percentage"]

    assert told() == (
        (3, 1, 0, 0, 0), ("steps_in_process", "has_ready_steps", "execute_ready_steps", "healthy"), 0.0,
    )  # fmt: skip
    start = hands.claim()["start"]
    assert told() == (
        (3, 0, 1, 0, 0), ("steps_in_process", "processing", "wait_for_completion", "healthy"), 0.0,
    )  # fmt: skip
    hands.report(ok(start))
    both = hands.claim()
    hands.report(ok(both["left"]), failed(both["right"]))
    assert told() == (
        (1, 0, 0, 2, 0), ("waiting_for_retry", "waiting_for_dependencies", "wait_for_dependencies", "recovering"), 50.0,
    )  # fmt: skip
    clock.advance(5)
    assert told()[1][1] == "has_ready_steps", "its time has come"
    engine.enqueue_due("test")
    hands.report(failed(hands.claim()["right"], retryable=False))
    assert told() == (
        (1, 0, 0, 2, 1), ("blocked_by_failures", "blocked_by_failures", "handle_failures", "blocked"), 50.0,
    )  # fmt: skip


def test_a_finished_task_says_so(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    clock.advance(1)
    hands.play()
    view = seen(engine, task)
    assert (view["status"], view["execution_status"], view["recommended_action"]) == (
        "complete", "all_complete", "finalize_task",
    )  # fmt: skip
    assert (view["completion_percentage"], view["completed_steps"], view["total_steps"]) == (100.0, 4, 4)
    assert view["created_at"] == "2027-01-15T08:00:00.000000Z"
    assert view["completed_at"] == view["updated_at"] == "2027-01-15T08:00:01.000000Z"


def test_what_happens_within_a_microsecond_is_told_in_its_order(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(flow({"pay": []}, name="quick"), replace=False)
    tasks = [made.task for made in engine.create([wish(engine, name="quick", context={"n": n}) for n in range(10)])]
    for task in tasks:
        engine.settle([failed(lease, retryable=False) for lease in hands.claim_all()], hands.actor)
        engine.operator.reset(task, "pay", Word("ann", "mended"))
        hands.report(*(failed(lease, retryable=False) for lease in hands.claim_all()))
        engine.cancel(task, actor="ann", reason="no use")
    moves = ["steps_in_process", "blocked_by_failures", "steps_in_process", "blocked_by_failures", "cancelled"]
    for task in tasks:
        told = engine.views.transitions(task)
        assert len({entry["at"] for entry in told}) == 1
        own = [entry for entry in told if entry["step_uuid"] is None]
        assert [(entry["from_state"], entry["to_state"]) for entry in own] == list(itertools.pairwise(moves))
        assert engine.explain(task).text == "cancelled by ann: no use"


def test_a_cancelled_task_waits_for_nothing(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(ok(hands.claim()["start"]))
    hands.claim(room=1)
    engine.cancel(task, actor="ann")
    view = seen(engine, task)
    assert (view["status"], view["execution_status"], view["recommended_action"], view["health_status"]) == (
        "cancelled", "all_complete", "finalize_task", "healthy",
    )  # fmt: skip
    assert (view["completion_percentage"], view["ready_steps"]) == (25.0, 0)


def test_a_step_tells_its_readiness(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    end = step_of(engine, task, "end")
    assert (end["total_parents"], end["completed_parents"], end["dependencies_satisfied"]) == (2, 0, False)
    assert (end["ready_for_execution"], end["created_at"], end["last_attempted_at"]) == (False, None, None)
    hands.report(ok(hands.claim()["start"]))
    both = hands.claim()
    clock.advance(2)
    hands.report(ok(both["left"]), failed(both["right"]))
    end, right = step_of(engine, task, "end"), step_of(engine, task, "right")
    assert (end["completed_parents"], end["dependencies_satisfied"]) == (1, False)
    assert (right["attempts"], right["max_attempts"], right["retry_eligible"]) == (1, 3, True)
    assert right["last_attempted_at"] == "2027-01-15T08:00:00.000000Z"
    assert right["last_failure_at"] == "2027-01-15T08:00:02.000000Z"
    assert right["next_retry_at"] == "2027-01-15T08:00:03.000000Z"
    assert (right["completed_at"], right["ready_for_execution"]) == (None, False)
    clock.advance(1)
    assert step_of(engine, task, "right")["ready_for_execution"]


def test_the_result_of_a_step_is_under_result(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    start = hands.claim()["start"]
    assert step_of(engine, task, "start")["results"] is None
    clock.advance(0.25)
    hands.report(ok(start, {"total": 2**60, "text": "\u0000"}))
    assert step_of(engine, task, "start")["results"] == {
        "success": True, "status": "completed", "result": {"total": 2**60, "text": "\u0000"}, "error": None,
        "execution_time_ms": 250, "metadata": {},
    }  # fmt: skip


def test_the_error_of_a_step_is_told(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(failed(hands.claim()["start"], "card declined", retryable=False, error_type="permanent_error"))
    found = step_of(engine, task, "start")["results"]
    assert (found["success"], found["status"], found["result"]) == (False, "error", None)
    assert (found["error"]["message"], found["error"]["error_type"]) == ("card declined", "permanent_error")
    assert found["error"]["retryable"] is False


# I9. Seen to fail with record_attempts left out of Steps.settle.
def test_every_attempt_can_be_read_back(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    other = Hands(engine)
    lease = hands.claim()["start"]
    engine.give_back(hands.number, [lease.key], "stopping")
    clock.advance(1)
    hands.report(failed(hands.claim()["start"], "busy"))
    clock.advance(1)
    engine.enqueue_due("test")
    other.report(ok(other.claim()["start"], "done"))

    step = step_of(engine, task, "start")
    assert [(h["attempt"], h["ending"], h["state"]) for h in step["history"]] == [
        (1, "released", "enqueued"), (1, "failed", "waiting_for_retry"), (2, "ok", "complete"),
    ]  # fmt: skip
    trail = engine.views.audit(task, step["step_uuid"])
    assert [(e["from_state"], e["to_state"], e["success"], e["attempt"]) for e in trail] == [
        ("in_progress", "complete", True, 2),
        ("in_progress", "waiting_for_retry", False, 1),
        ("in_progress", "enqueued", False, 1),
    ], "the newest first"
    assert [e["worker_uuid"] for e in trail] == [other.uuid, hands.uuid, hands.uuid]
    assert [e["recorded_at"][17:19] for e in trail] == ["02", "01", "00"]
    assert trail[0]["result"]["result"] == "done" and trail[1]["result"]["error"]["message"] == "busy"
    assert {e["correlation_id"] for e in trail} == {seen(engine, task)["correlation_id"]}
    assert len({e["audit_uuid"] for e in trail}) == 3


def test_a_hand_back_does_not_hide_the_last_word(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    hands.report(failed(hands.claim()["start"], "busy"))
    clock.advance(2)
    engine.enqueue_due("test")
    engine.give_back(hands.number, [hands.claim()["start"].key], "stopping")
    assert step_of(engine, task, "start")["results"]["error"]["message"] == "busy"


def test_a_task_as_it_was_just_written_looks_like_one_that_was_read(engine: Engine, task: str) -> None:
    (created,) = engine.create([wish(engine, context={"n": 2}, tags=["a"], priority=5, idempotency_key="k")])
    assert created.fresh is not None
    assert engine.views.fresh(*created.fresh) == engine.views.task(created.task)


def test_one_step_is_found_by_its_id(engine: Engine, task: str) -> None:
    left = engine.views.step(task, step_uuid(task, 2))
    assert left["name"] == "left" and left == engine.views.steps(task)[1]


def test_what_is_not_there_is_named(engine: Engine, task: str) -> None:
    nobody = engine.ids.new()
    for ask in (engine.views.task, engine.views.steps, engine.number):
        with pytest.raises(TaskNotFoundError, match=f"there is no task {nobody}"):
            ask(nobody)
    with pytest.raises(TaskNotFoundError, match=nobody):
        engine.cancel(nobody, actor="ann")
    with pytest.raises(StepNotFoundError, match=f"task {task} has no step {nobody}"):
        engine.views.step(task, nobody)
    with pytest.raises(StepNotFoundError):
        engine.views.audit(task, nobody)


def test_tasks_are_listed_page_by_page(engine: Engine, hands: Hands, task: str, clock: ManualClock) -> None:
    hands.play()
    for n in range(2, 7):
        clock.advance(1)
        engine.create([wish(engine, context={"n": n})])
    page = engine.views.tasks({}, 4, 0)
    assert [view["context"]["n"] for view in page["tasks"]] == [6, 5, 4, 3]
    assert page["pagination"] == {
        "page": 1, "per_page": 4, "total_count": 6, "total_pages": 2, "has_next": True, "has_previous": False,
        "next": page["tasks"][-1]["task_uuid"],
    }  # fmt: skip
    rest = engine.views.tasks({}, 4, 4)
    assert [view["context"]["n"] for view in rest["tasks"]] == [2, 1]
    assert rest["pagination"] == {
        "page": 2, "per_page": 4, "total_count": 6, "total_pages": 2, "has_next": False, "has_previous": True,
        "next": None,
    }  # fmt: skip
    assert rest["tasks"][1] == seen(engine, task)
    finished = engine.views.tasks({"namespace": "shop", "state": "complete"}, 4, 0)
    assert [view["task_uuid"] for view in finished["tasks"]] == [task]
    nothing = engine.views.tasks({"namespace": "depot"}, 4, 0)
    assert nothing["tasks"] == [] and nothing["pagination"]["total_count"] == 0
    assert TaskListResponse.from_dict(page).pagination.total_pages == 2


def test_a_cancelled_task_says_so_and_can_only_be_cancelled_once(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(ok(hands.claim()["start"]))
    engine.cancel(task, actor="ann", reason="changed my mind")
    view = seen(engine, task)
    assert (view["status"], view["completed_steps"]) == ("cancelled", 1)
    assert view["completed_at"] is not None
    with pytest.raises(TaskStateError, match=f"task {task} is cancelled already"):
        engine.cancel(task, actor="ann")
    said = engine.store.tasks.transitions(engine.number(task))
    assert {(t.actor, t.reason) for t in said} == {("ann", "changed my mind")}
