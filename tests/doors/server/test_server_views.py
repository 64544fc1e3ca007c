"""Whatever else there is to see of tasks, templates and how things went, over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from tasker_core.server.shapes.analytics import BottleneckAnalysis, PerformanceMetrics
from tasker_core.server.shapes.dead_letters import (
    DeadLetterStats,
    DlqEntry,
    DlqGroup,
    QueuedDlqEntry,
    StalenessEntry,
    WholeDlqEntry,
)
from tasker_core.server.shapes.steps import StepResponse
from tasker_core.server.shapes.tasks import (
    ContextResponse,
    ExplanationResponse,
    TaskBatchResponse,
    TaskResponse,
    TaskSummaryResponse,
    TransitionResponse,
)
from tasker_core.server.shapes.templates import (
    HandlerResponse,
    RegisteredTemplate,
    TemplateDetail,
    TemplateListResponse,
    TemplateReadiness,
)
from tasker_core.settings.values import Settings
from tests.support.flows import AWAY, Hands, failed, flow, ok, results
from tests.support.served import Served, served


def sound(answer: Any, shape: type[BaseModel] | Any) -> Any:
    """The answer, which must have this shape."""
    TypeAdapter(shape).validate_python(answer)
    return answer


@pytest.fixture
def lost(api: Served) -> str:
    """A task whose step lost its worker more often than it may: a dead letter tells of it."""
    template = flow({"pay": []}, name="fragile", max_crashes=1).content()
    sound(api.post("/v1/templates", template), RegisteredTemplate)
    task = api.create("fragile")
    hands = Hands(api.engine, AWAY, "away")
    hands.claim()
    api.engine.store.workers.end(hands.number)
    assert api.engine.sweep() == 1
    return task


def test_a_batch_is_created_whole_or_not_at_all(api: Served) -> None:
    wishes = [
        {"name": "order", "namespace": "shop", "context": {"n": n}, "task_uuid": str(uuid.uuid4())} for n in (1, 2)
    ]
    made = sound(api.post("/v1/tasks/batch", {"tasks": wishes}), TaskBatchResponse)["tasks"]
    assert [task["context"]["n"] for task in made] == [1, 2]
    assert sound(api.post("/v1/tasks/batch", {"tasks": wishes}, 200), TaskBatchResponse)["tasks"] == made
    new = {"name": "order", "namespace": "shop", "context": {"n": 3}}
    mixed = {"tasks": [new, {"name": "order", "namespace": "shop", "context": {"n": 1}}]}
    refused = api.post("/v1/tasks/batch", mixed, 409)["error"]
    assert refused["details"]["task_uuid"] == made[0]["task_uuid"]
    assert api.get("/v1/tasks")["pagination"]["total_count"] == 2
    answered = sound(api.post("/v1/tasks/batch", mixed, 201, on_duplicate="return"), TaskBatchResponse)["tasks"]
    assert answered[1] == made[0] and answered[0]["context"] == {"n": 3}
    refused_bodies: list[dict[str, Any]] = [{}, {"tasks": []}, {"tasks": [1]}, {"tasks": {}}]
    for bad in refused_bodies:
        assert api.post("/v1/tasks/batch", bad, 400)["error"]["field"] == "tasks"
    assert api.post("/v1/tasks/batch", {"tasks": [new], "all": True}, 400)["error"]["field"] == "all"
    assert api.post("/v1/tasks/batch", {"tasks": [new, {**new, "name": "odrer"}]}, 404)["error"]["code"] == "NOT_FOUND"


def test_a_failed_step_is_reset_and_its_task_goes_on(api: Served, hands: Hands) -> None:
    task = api.create()
    path = f"/v1/tasks/{task}/workflow_steps"
    pay, ship = api.get(path)
    assert api.patch(f"{path}/{pay['step_uuid']}", {"action_type": "reset_for_retry"}, 400)["error"]["code"] == (
        "INVALID_STATE"
    )
    hands.report(failed(hands.claim()["pay"], "card declined", retryable=False))
    assert api.get(f"/v1/tasks/{task}", wait_ms=10_000)["status"] == "blocked_by_failures"
    asked = {"action_type": "reset_for_retry", "reason": "another card", "reset_by": "ann"}
    reset = sound(api.patch(f"{path}/{pay['step_uuid']}", asked), StepResponse)
    assert (reset["current_state"], reset["attempts"]) == ("enqueued", 0)
    hands.play()
    assert api.get(f"/v1/tasks/{task}")["status"] == "complete"
    (word,) = [change for change in api.get(f"/v1/tasks/{task}/transitions") if change["step_name"] == "pay"]
    assert (word["actor"], word["reason"], word["to_state"]) == ("client ann", "another card", "enqueued")
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "action_type"), ({"action_type": "skip"}, "action_type"), ({**asked, "by": 1}, "by"),
        ({**asked, "reason": 5}, "reason"), ({**asked, "reset_by": "x" * 256}, "reset_by"),
    ]  # fmt: skip
    for body, field in refused:
        assert api.patch(f"{path}/{ship['step_uuid']}", body, 400)["error"]["field"] == field
    assert api.patch(f"{path}/{uuid.uuid4()}", asked, 404)["error"]["details"] == {"resource": "step"}


def test_a_step_is_ended_by_hand_and_its_task_goes_on(api: Served, hands: Hands) -> None:
    task = api.create()
    path = f"/v1/tasks/{task}/workflow_steps"
    pay, ship = (f"{path}/{step['step_uuid']}" for step in api.get(path))
    by_hand = {"action_type": "complete_manually", "completion_data": {"result": {"cash": 9}}, "completed_by": "ann"}
    done = sound(api.patch(pay, {**by_hand, "reason": "paid in cash"}), StepResponse)
    assert (done["current_state"], done["results"]["result"]) == ("complete", {"cash": 9})
    assert results(hands.claim()["ship"]) == {"pay": {"cash": 9}}
    once = {
        "action_type": "resolve_manually",
        "reason": "fetched",
        "resolved_by": "bob",
        "action_id": str(uuid.uuid4()),
    }
    done = sound(api.patch(ship, once), StepResponse)
    assert done["current_state"] == "resolved_manually" and api.patch(ship, once) == done
    assert api.get(f"/v1/tasks/{task}")["status"] == "complete"
    told = [(change["step_name"], change["actor"]) for change in api.get(f"/v1/tasks/{task}/transitions")]
    assert sorted(told, key=str) == [("pay", "client ann"), ("ship", "client bob"), (None, "client bob")]
    assert [entry["ending"] for entry in api.get(f"{ship}/audit")] == ["by_hand", "taken"]
    assert api.patch(ship, {**once, "action_id": None}, 400)["error"]["code"] == "INVALID_STATE"
    refused: list[tuple[dict[str, Any], str]] = [
        ({**by_hand, "completion_data": 5}, "completion_data"), ({**by_hand, "reset_by": "x"}, "reset_by"),
        ({**by_hand, "completion_data": {}}, "completion_data.result"), ({**once, "action_id": 5}, "action_id"),
        ({**by_hand, "completion_data": {"result": 1, "metadata": []}}, "completion_data.metadata"),
        ({**once, "completion_data": {"result": 1}}, "completion_data"), ({**once, "resolved_by": ""}, "resolved_by"),
    ]  # fmt: skip
    for body, field in refused:
        assert api.patch(ship, body, 400)["error"]["field"] == field


def test_a_task_is_mended_whole(api: Served, hands: Hands) -> None:
    task = api.create(context={"n": 1})
    path = f"/v1/tasks/{task}"
    hands.report(failed(hands.claim()["pay"], retryable=False))
    retried = sound(api.patch(path, {"action_type": "retry_failed", "by": "ann"}), TaskResponse)
    assert retried["status"] == "steps_in_process"
    hands.play()
    again = api.patch(path, {"action_type": "restart", "from_step": "ship", "context": {"n": 2}, "reason": "lost"})
    assert (again["context"], again["completed_steps"]) == ({"n": 2}, 1)
    assert api.patch(path, {"action_type": "give_up"}, 400)["error"]["code"] == "INVALID_STATE"
    assert api.patch(path, {"action_type": "resolve_manually", "by": "bob"})["status"] == "resolved_manually"
    told = {change["actor"] for change in api.get(f"{path}/transitions")}
    assert {"client", "client ann", "client bob"} <= told
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "action_type"), ({"action_type": "skip"}, "action_type"), ({"action_type": "restart"}, "from_step"),
        ({"action_type": "restart", "from_step": "pay", "context": 5}, "context"),
        ({"action_type": "give_up", "from_step": "pay"}, "from_step"), ({"action_type": "give_up", "by": 1}, "by"),
    ]  # fmt: skip
    for body, field in refused:
        assert api.patch(path, body, 400)["error"]["field"] == field
    assert api.patch(path, {"action_type": "restart", "from_step": "x"}, 404)["error"]["details"] == {
        "resource": "step"
    }
    missing = api.patch(f"/v1/tasks/{uuid.uuid4()}", {"action_type": "retry_failed"}, 404)
    assert missing["error"]["details"] == {"resource": "task"}


def test_a_task_is_explained_summarised_and_its_changes_told(api: Served, hands: Hands) -> None:
    task = api.create(context={"n": 1})
    explained = sound(api.get(f"/v1/tasks/{task}/explain"), ExplanationResponse)
    assert [step["kind"] for step in explained["steps"]] == ["no_worker", "waits_for_parents"]
    hands.report(failed(hands.claim()["pay"], "no", retryable=False, error_type="card_declined"))
    explained = sound(api.get(f"/v1/tasks/{task}/explain"), ExplanationResponse)
    assert [failure["error_type"] for failure in explained["failures"]] == ["card_declined"]
    drawn = sound(api.get(f"/v1/tasks/{task}/summary"), TaskSummaryResponse)
    assert [step["dependencies"] for step in drawn["template"]["steps"]] == [[], ["pay"]]
    assert [(step["error"] or {}).get("type") for step in drawn["steps"]] == ["card_declined", None]
    assert drawn["dlq"] == {"in_dlq": False, "dlq_reason": None, "resolution_status": None}
    assert api.get(drawn["links"]["task"])["status"] == drawn["task"]["status"] == "blocked_by_failures"
    changes = sound(api.get(f"/v1/tasks/{task}/transitions"), list[TransitionResponse])
    assert [change["to_state"] for change in changes if change["step_name"] is None] == ["blocked_by_failures"]
    assert sound(api.get(f"/v1/tasks/{task}/context"), ContextResponse) == {"task_uuid": task, "context": {"n": 1}}
    for part in ("explain", "summary", "transitions", "context"):
        assert api.get(f"/v1/tasks/{uuid.uuid4()}/{part}", 404)["error"]["details"] == {"resource": "task"}


def test_templates_are_registered_listed_and_shown(api: Served, hands: Hands) -> None:
    template = flow({"look": []}, name="audit", namespace="books").content()
    registered = sound(api.post("/v1/templates", template), RegisteredTemplate)
    assert (registered["namespace"], registered["name"], registered["replaced"]) == ("books", "audit", False)
    assert api.post("/v1/templates", template, 200)["replaced"] is False
    changed = {**template, "description": "once a year"}
    assert api.post("/v1/templates", changed)["replaced"] is True
    listed = sound(api.get("/v1/templates"), TemplateListResponse)
    assert listed["namespaces"] == [{"name": "books", "template_count": 1}, {"name": "shop", "template_count": 1}]
    assert [entry["name"] for entry in api.get("/v1/templates", namespace="books")["templates"]] == ["audit"]
    shown = sound(api.get("/v1/templates/books/audit/1.0.0"), TemplateDetail)
    assert shown["configuration"] == changed and shown["steps"][0]["default_max_attempts"] == 3
    assert api.get("/v1/templates/books/audit/1.0.1", 404)["error"]["details"] == {"resource": "template"}
    broken = {**template, "steps": [{"name": "look", "handler": {"callable": "look"}, "dependencies": ["nothing"]}]}
    refused = api.post("/v1/templates", broken, 422)["error"]
    assert refused["code"] == "INVALID_TEMPLATE" and "nothing" in refused["details"]["findings"][0]["message"]
    assert api.get("/v1/templates/books/audit/1.0.0") == shown
    validate = "/v1/templates/shop/order/1.0.0/validate"
    api.engine.store.workers.serve(hands.number, ["shop/pay"])
    ready = sound(api.post(validate, None, 200), TemplateReadiness)
    assert not ready["valid"] and [step["workers"] for step in ready["steps"]] == [1, 0]
    lanes = ["books/look", "shop/pay", "shop/ship"]
    api.engine.store.workers.serve(hands.number, lanes)
    assert api.post(validate, None, 200)["valid"]
    assert api.post("/v1/templates/shop/order/9.9.9/validate", None, 404)["error"]["details"] == {
        "resource": "template"
    }
    handlers = sound(api.get("/v1/handlers"), list[HandlerResponse])
    assert [f"{each['namespace']}/{each['callable']}" for each in handlers] == lanes


def test_other_content_is_refused_outside_development(sqlite_url: str) -> None:
    template = flow({"look": []}).content()
    with served(sqlite_url, settings=Settings(env="production")) as api:
        api.post("/v1/templates", template)
        refused = api.post("/v1/templates", {**template, "description": "other"}, 409)["error"]
    assert refused["code"] == "CONFLICT" and "description" in refused["details"]["differences"][0]


def test_a_dead_letter_is_found_counted_and_resolved(api: Served, lost: str) -> None:
    (entry,) = sound(api.get("/v1/dlq"), list[DlqEntry])
    assert (entry["task_uuid"], entry["step_name"], entry["dlq_reason"]) == (lost, "pay", "worker_lost")
    assert (entry["task_state"], entry["resolution_status"]) == ("blocked_by_failures", "pending")
    whole = sound(api.get(f"/v1/dlq/task/{lost}"), WholeDlqEntry)
    assert {**whole, "task_snapshot": None} == {**entry, "task_snapshot": None}
    assert {step["name"]: step["state"] for step in whole["task_snapshot"]["steps"]}["pay"] == "error"
    (group,) = sound(api.get("/v1/dlq/groups", resolution_status="pending"), list[DlqGroup])
    assert (group["entries"], group["example_dlq_entry_uuid"]) == (1, entry["dlq_entry_uuid"])
    (queued,) = sound(api.get("/v1/dlq/investigation-queue"), list[QueuedDlqEntry])
    assert queued["dlq_entry_uuid"] == entry["dlq_entry_uuid"] and queued["priority_score"] >= 50
    path = f"/v1/dlq/entry/{entry['dlq_entry_uuid']}"
    noted = sound(api.patch(path, {"resolution_notes": "looking", "metadata": {"ticket": 7}}), DlqEntry)
    assert (noted["resolution_status"], noted["resolution_timestamp"]) == ("pending", None)
    done = sound(api.patch(path, {"resolution_status": "ManuallyResolved", "resolved_by": "ann"}), DlqEntry)
    assert done["resolution_status"] == "manually_resolved" and done["resolution_timestamp"] is not None
    assert (done["resolution_notes"], done["metadata"]) == ("looking", {"ticket": 7})
    assert api.get("/v1/dlq", resolution_status="pending") == []
    assert api.get("/v1/dlq", resolution_status="manually_resolved") == [done]
    (stats,) = sound(api.get("/v1/dlq/stats"), list[DeadLetterStats])
    assert (stats["total_entries"], stats["pending"], stats["manually_resolved"]) == (1, 0, 1)
    assert stats["avg_resolution_time_minutes"] is not None
    again = api.patch(path, {"resolution_status": "pending"})
    assert again["resolution_timestamp"] is None
    summary = api.get(f"/v1/tasks/{lost}/summary")["dlq"]
    assert summary == {"in_dlq": True, "dlq_reason": "worker_lost", "resolution_status": "pending"}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"resolution_status": "gone"}, "resolution_status"), ({"metadata": 5}, "metadata"),
        ({"resolved_by": 5}, "resolved_by"), ({"by": "ann"}, "by"),
    ]  # fmt: skip
    for body, field in refused:
        assert api.patch(path, body, 400)["error"]["field"] == field
    assert api.get("/v1/dlq", 400, resolution_status="gone")["error"]["field"] == "resolution_status"
    assert api.patch(f"/v1/dlq/entry/{uuid.uuid4()}", {}, 404)["error"]["details"] == {"resource": "dead_letter"}
    healthy = api.create()
    assert api.get(f"/v1/dlq/task/{healthy}", 404)["error"]["details"] == {"resource": "dead_letter"}
    (standing,) = sound(api.get("/v1/dlq/staleness"), list[StalenessEntry])
    assert (standing["task_uuid"], standing["health_status"]) == (healthy, "healthy")


def test_figures_of_the_last_hours(api: Served, hands: Hands) -> None:
    empty = sound(api.get("/v1/analytics/performance"), PerformanceMetrics)
    assert (empty["total_tasks"], empty["system_health_score"]) == (0, 1.0)
    for n in range(4):
        api.create(context={"n": n})
    for lease in hands.claim_all():
        hands.report(ok(lease) if lease.step != "pay" or "3" not in lease.context else failed(lease, retryable=False))
    hands.play()
    figures = sound(api.get("/v1/analytics/performance", hours=2), PerformanceMetrics)
    assert (figures["total_tasks"], figures["completed_tasks"], figures["failed_tasks"]) == (4, 3, 1)
    assert (figures["completion_rate"], figures["error_rate"], figures["tasks_per_hour"]) == (0.75, 0.25, 2.0)
    assert figures["average_step_duration_seconds"] > 0
    slow = sound(api.get("/v1/analytics/bottlenecks", min_executions=4), BottleneckAnalysis)
    (pay,) = slow["slow_steps"]
    assert (pay["step_name"], pay["execution_count"], pay["error_rate"]) == ("pay", 4, 0.25)
    assert slow["slow_tasks"] == [] and "25% of its attempts fail" in slow["recommendations"][0]
    (order,) = api.get("/v1/analytics/bottlenecks", min_executions=3)["slow_tasks"]
    assert (order["task_name"], order["execution_count"]) == ("order", 3)
    assert api.get("/v1/analytics/performance", 400, hours=0)["error"]["field"] == "hours"


def test_the_first_task_since_a_moment_is_found_between_gaps(api: Served) -> None:
    made = [api.create(context={"n": n}) for n in range(7)]
    moments = [api.engine.store.tasks.find(task) for task in made]
    numbers = [row.id for row in moments if row]
    analytics = api.engine.store.analytics
    for gone in (made[0], made[3], made[6]):
        api.delete(f"/v1/tasks/{gone}")
    api.engine.store.history.drop([numbers[0], numbers[3], numbers[6]], before=2**62)
    kept = [numbers[n] for n in (1, 2, 4, 5)]
    for row in moments:
        assert row is not None
        first = analytics.first_since(row.created_at)
        assert [number for number in kept if number >= first] == [n for n in kept if n >= row.id]
    assert analytics.first_since(0) <= kept[0]
    assert analytics.first_since(2**62) > kept[-1]
