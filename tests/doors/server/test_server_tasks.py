"""Tasks over HTTP: create, get, list, cancel, wait, explain."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

from tasker_core.rules.payload import LARGEST_PAYLOAD
from tasker_core.rules.template import Template
from tasker_core.server.shapes.steps import StepAuditResponse, StepResponse
from tasker_core.server.shapes.tasks import TaskListResponse, TaskResponse
from tests.support.flows import Hands, flow, ok
from tests.support.served import Served

ORDER = {"name": "order", "namespace": "shop"}


def error(answer: Any) -> tuple[str, str | None]:
    assert set(answer) == {"error"}
    return answer["error"]["code"], answer["error"].get("field")


def test_a_created_task_is_what_was_asked_for(api: Served) -> None:
    wish = {
        **ORDER, "version": "1.0.0", "context": {"n": 1, "é": [1.5, None, 2**70, "\ud800"]}, "initiator": "ann",
        "source_system": "web", "reason": "she ordered", "tags": ["eu", "web"], "priority": 7,
        "correlation_id": str(uuid.uuid4()), "parent_correlation_id": str(uuid.uuid4()), "idempotency_key": "k-1",
        "options": {"any": 1}, "requested_at": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    body = json.dumps(wish).encode()
    answer = api.http.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    task = answer.json()
    TaskResponse.model_validate(task)
    said = {key: value for key, value in wish.items() if key not in ("options", "requested_at")}
    assert {key: task[key] for key in said} == said
    assert task["status"] == "steps_in_process" and task["execution_status"] == "has_ready_steps"
    assert task["requested_at"] == "2026-01-02T03:04:05.000000Z"
    assert api.get(f"/v1/tasks/{task['task_uuid']}") == task


def test_a_template_that_wants_a_key_names_the_field(api: Served) -> None:
    asking = {**flow({"pay": []}, name="asking").content(), "identity_strategy": "caller_provided"}
    api.engine.catalog.register(Template.from_content(asking), replace=False)
    refused = api.post("/v1/tasks", {"name": "asking", "namespace": "shop"}, 400)
    assert error(refused) == ("BAD_REQUEST", "idempotency_key")
    api.post("/v1/tasks", {"name": "asking", "namespace": "shop", "idempotency_key": "k"}, 201)


def test_the_same_request_again_is_a_replay_and_another_one_a_duplicate(api: Served) -> None:
    wish = {**ORDER, "context": {"n": 1}, "idempotency_key": "k", "task_uuid": str(uuid.uuid4())}
    first = api.post("/v1/tasks", wish)
    assert first["task_uuid"] == wish["task_uuid"]
    assert api.post("/v1/tasks", wish, 200) == first
    refused = api.post("/v1/tasks", {**wish, "context": {"n": 2}}, 409)["error"]
    assert refused["details"] == {"task_uuid": first["task_uuid"], "same_context": False}
    other = {**wish, "task_uuid": str(uuid.uuid4())}
    refused = api.post("/v1/tasks", other, 409)["error"]
    assert (refused["code"], refused["details"]) == (
        "CONFLICT",
        {"task_uuid": first["task_uuid"], "same_context": True},
    )
    assert first["task_uuid"] in refused["message"]
    assert api.post("/v1/tasks", other, 200, on_duplicate="return") == first
    assert api.get("/v1/tasks")["pagination"]["total_count"] == 1


BAD_REQUESTS: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"name": ""}, 400, "BAD_REQUEST", "name"),
    ({"name": None}, 400, "BAD_REQUEST", "name"),
    ({"name": "odrer"}, 404, "NOT_FOUND", None),
    ({"version": "9.9.9"}, 404, "NOT_FOUND", None),
    ({"namespace": 5}, 400, "BAD_REQUEST", "namespace"),
    ({"priority": 101}, 400, "BAD_REQUEST", "priority"),
    ({"priority": True}, 400, "BAD_REQUEST", "priority"),
    ({"tags": 5}, 400, "BAD_REQUEST", "tags"),
    ({"tags": {"a": 1}}, 400, "BAD_REQUEST", "tags"),
    ({"options": []}, 400, "BAD_REQUEST", "options"),
    ({"context": []}, 400, "BAD_REQUEST", "context"),
    ({"task_uuid": "7"}, 400, "BAD_REQUEST", "task_uuid"),
    ({"correlation_id": 7}, 400, "BAD_REQUEST", "correlation_id"),
    ({"requested_at": "soon"}, 400, "BAD_REQUEST", "requested_at"),
    ({"idempotency_key": "k\u0000"}, 400, "BAD_REQUEST", "idempotency_key"),
    ({"initator": "ann"}, 400, "BAD_REQUEST", "initator"),
    ({"context": {"big": "x" * LARGEST_PAYLOAD}}, 413, "PAYLOAD_TOO_LARGE", None),
    ({"context": {"big": "x" * 2 * LARGEST_PAYLOAD}}, 413, "PAYLOAD_TOO_LARGE", None),
]


def test_a_bad_request_names_its_fault_and_creates_nothing(api: Served) -> None:
    for change, status, code, field in BAD_REQUESTS:
        assert error(api.post("/v1/tasks", {**ORDER, **change}, status)) == (code, field), change
    assert api.get("/v1/tasks")["pagination"]["total_count"] == 0


UNSOUND: list[tuple[bytes, str]] = [
    (b'{"name": "order", "name": "other"}', "the key 'name' stands twice"),
    (b'{"name": "order", "context": {"a": {"n": 1, "n": 2}}}', "the key 'n' stands twice"),
    (b'{"name": ', "the body:1:10: not JSON"),
    (b'{"name": NaN}', "NaN is no JSON"),
    (b'{"name": "\xff"}', "not UTF-8"),
    (b"", "not JSON"),
    (b"[]", "must be a JSON object"),
    (b'{"name": "order", "context": {"x": ' + b"9" * 5_000 + b"}}", "digits"),
    (b'{"name": "order", "context": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, "nested too deeply"),
]


def test_a_body_that_is_no_sound_json_is_refused(api: Served) -> None:
    for body, words in UNSOUND:
        answer = api.http.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and error(answer.json())[0] == "JSON_ERROR"
        assert words in answer.json()["error"]["message"]


def test_a_context_is_100_levels_deep_at_most(api: Served) -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"a": nested(levels - 1)} if levels > 1 else {}

    assert "nested deeper than 100" in api.post("/v1/tasks", {**ORDER, "context": nested(101)}, 400)["error"]["message"]
    api.post("/v1/tasks", {**ORDER, "context": nested(100)})


def test_a_body_that_is_not_declared_as_json_is_not_read(api: Served) -> None:
    # What a form of another site could send.
    answer = api.http.post("/v1/tasks", content=json.dumps(ORDER), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415 and error(answer.json())[0] == "UNSUPPORTED_MEDIA_TYPE"


def test_a_context_against_its_schema_is_refused_where_that_is_enforced(api: Served) -> None:
    schema = {"type": "object", "required": ["sku"]}
    for version, mode in (("2.0.0", "warn"), ("3.0.0", "enforce")):
        template = flow({"pay": []}, version=version).content() | {"input_schema": schema, "schema_validation": mode}
        api.engine.catalog.register(Template.from_content(template), replace=False)
    (warning,) = api.post("/v1/tasks", {**ORDER, "version": "2.0.0"})["warnings"]
    refused = api.post("/v1/tasks", {**ORDER, "version": "3.0.0"}, 422)["error"]
    assert refused["code"] == "SCHEMA_VIOLATION"
    assert [found["message"] for found in refused["details"]["violations"]] == [warning["message"]]


def test_a_body_without_a_length_is_counted(api: Served) -> None:
    def long() -> Any:
        for _ in range(64):
            yield b" " * 65_536

    answer = api.http.post("/v1/tasks", content=long(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413 and error(answer.json())[0] == "PAYLOAD_TOO_LARGE"


def test_lists_are_paged_and_filtered(api: Served) -> None:
    made = [api.create(context={"n": n}) for n in range(5)]
    api.delete(f"/v1/tasks/{made[0]}")

    def listed(**query: Any) -> list[str]:
        page = api.get("/v1/tasks", **query)
        TaskListResponse.model_validate(page)
        return [task["task_uuid"] for task in page["tasks"]]

    newest = made[::-1]
    assert listed() == newest
    assert listed(page=2, per_page=2) == newest[2:4] == listed(limit=2, offset=2)
    assert listed(status="cancelled") == made[:1]
    assert listed(namespace="elsewhere") == [] and len(listed(namespace="shop", name="order")) == 5
    assert api.get("/v1/tasks", page=3, per_page=2)["pagination"] == {
        "page": 3, "per_page": 2, "total_count": 5, "total_pages": 3, "has_next": False, "has_previous": True,
        "next": None,
    }  # fmt: skip


def test_a_list_is_walked_entry_by_entry_while_others_create(api: Served) -> None:
    made = [api.create(context={"n": n}) for n in range(5)]
    page = api.get("/v1/tasks", per_page=2)
    seen = [task["task_uuid"] for task in page["tasks"]]
    while (following := page["pagination"]["next"]) is not None:
        api.create(context={"n": 100 + len(seen)})
        page = api.get("/v1/tasks", limit=2, after=following)
        seen += [task["task_uuid"] for task in page["tasks"]]
        assert page["pagination"]["total_count"] is None
    assert seen == made[::-1] and page["pagination"]["has_next"] is False
    assert error(api.get("/v1/tasks", 404, after=str(uuid.uuid4())))[0] == "NOT_FOUND"


def test_lists_ask_for_whatever_a_task_was_created_with(api: Served) -> None:
    ours: dict[str, Any] = {
        "initiator": "ann", "source_system": "web", "correlation_id": str(uuid.uuid4()), "idempotency_key": "k",
        "tags": ['a "quoted", tag', "é", "nul\u0000"],
    }  # fmt: skip
    before, task, after = api.create(context={"n": 1}), api.create(**ours), api.create(context={"n": 2})
    at = api.get(f"/v1/tasks/{task}")["created_at"]
    for query in (
        {"initiator": "ann"}, {"source_system": "web"}, {"correlation_id": ours["correlation_id"]}, {"tag": "é"},
        {"tag": 'a "quoted", tag'}, {"initiator": "ann", "tag": "é", "name": "order", "version": "1.0.0"},
    ):  # fmt: skip
        page = api.get("/v1/tasks", **query)
        assert [entry["task_uuid"] for entry in page["tasks"]] == [task], query
        assert page["pagination"]["total_count"] == 1, query
    for query in ({"tag": ","}, {"tag": "quoted"}, {"initiator": "an"}, {"version": "2.0.0"}):
        assert api.get("/v1/tasks", **query)["tasks"] == [], query
    since = api.get("/v1/tasks", created_after=at)
    assert [entry["task_uuid"] for entry in since["tasks"]] == [after, task]
    assert [entry["task_uuid"] for entry in api.get("/v1/tasks", created_before=at)["tasks"]] == [before]
    assert error(api.get("/v1/tasks", 400, created_after="2026-01-01T00:00:00")) == ("BAD_REQUEST", "created_after")


def test_a_bad_query_names_its_parameter(api: Served) -> None:
    bad: list[dict[str, Any]] = [
        {"page": 0}, {"per_page": 101}, {"after": "7"}, {"limit": 0}, {"limit": 1_001}, {"offset": -1}, {"page": "x"},
        {"status": "asleep"},
    ]  # fmt: skip
    for query in bad:
        assert error(api.get("/v1/tasks", 400, **query))[1] == next(iter(query))


def test_pages_are_asked_for_in_one_way(api: Served) -> None:
    assert "not several" in api.get("/v1/tasks", 400, page=1, offset=5)["error"]["message"]


def test_what_is_not_there_is_404_and_what_is_no_id_400(api: Served) -> None:
    task, nobody = api.create(), str(uuid.uuid4())
    for path in (f"/v1/tasks/{nobody}", f"/v1/tasks/{nobody}/workflow_steps", f"/v1/tasks/{nobody}/explain"):
        assert api.get(path, 404)["error"]["details"] == {"resource": "task"}
    step = api.get(f"/v1/tasks/{task}/workflow_steps/{nobody}", 404)
    assert step["error"]["details"] == {"resource": "step"}
    assert error(api.delete(f"/v1/tasks/{nobody}", 404))[0] == "NOT_FOUND"
    assert error(api.get("/v1/tasks/not-a-uuid", 400)) == ("INVALID_UUID", "task_uuid")
    assert error(api.get("/v1/nothing", 404))[0] == "NOT_FOUND"
    answer = api.http.put(f"/v1/tasks/{task}")
    assert (answer.status_code, error(answer.json())[0]) == (405, "METHOD_NOT_ALLOWED")


def test_a_cancelled_task_is_cancelled_once(api: Served) -> None:
    task = api.create()
    cancelled = api.delete(f"/v1/tasks/{task}", reason="not wanted", cancelled_by="ann")
    TaskResponse.model_validate(cancelled)
    assert cancelled["status"] == "cancelled"
    assert error(api.delete(f"/v1/tasks/{task}", 400))[0] == "INVALID_STATE"
    number = api.engine.number(task)
    last = [t for t in api.engine.store.tasks.transitions(number) if t.no == 0][-1]
    assert (last.actor, last.reason) == ("client ann", "not wanted")


def test_steps_and_their_attempts(api: Served, hands: Hands) -> None:
    task = api.create()
    hands.report(ok(hands.claim()["pay"], {"paid": 5}))
    pay, ship = api.get(f"/v1/tasks/{task}/workflow_steps")
    for step in (pay, ship):
        StepResponse.model_validate(step)
    assert (pay["name"], pay["current_state"], pay["results"]["result"]) == ("pay", "complete", {"paid": 5})
    assert (ship["name"], ship["current_state"], ship["results"]) == ("ship", "enqueued", None)
    assert api.get(f"/v1/tasks/{task}/workflow_steps/{pay['step_uuid']}") == pay
    (entry,) = api.get(f"/v1/tasks/{task}/workflow_steps/{pay['step_uuid']}/audit")
    StepAuditResponse.model_validate(entry)
    assert entry["success"] and entry["worker_uuid"] == hands.uuid
    assert api.get(f"/v1/tasks/{task}/explain")["steps"][0]["name"] == "ship"


def test_a_wait_ends_when_the_task_rests_and_not_before(api: Served, hands: Hands) -> None:
    task, others = api.create(), [api.create(context={"n": n}) for n in range(20)]
    answers: dict[str, Any] = {}

    def wait(one: str) -> None:
        answers[one] = api.get(f"/v1/tasks/{one}", wait_ms=20_000)["status"]

    waiting = [threading.Thread(target=wait, args=[one]) for one in (task, *others)]
    for thread in waiting:
        thread.start()
    deadline = time.monotonic() + 20
    while api.get("/health/detailed")["info"]["waiting_requests"] < 21:
        assert time.monotonic() < deadline
    hands.play()
    for thread in waiting:
        thread.join(20)
    assert answers == dict.fromkeys((task, *others), "complete")


def test_a_wait_that_is_over_tells_how_the_task_stands(api: Served) -> None:
    task = api.create()
    assert api.get(f"/v1/tasks/{task}", wait_ms=50)["status"] == "steps_in_process"
    assert error(api.get(f"/v1/tasks/{task}", 400, wait_ms=-1)) == ("BAD_REQUEST", "wait_ms")
    assert error(api.get(f"/v1/tasks/{uuid.uuid4()}", 404, wait_ms=10))[0] == "NOT_FOUND"
    api.delete(f"/v1/tasks/{task}")
    assert api.get(f"/v1/tasks/{task}", wait_ms=10**30)["status"] == "cancelled"


def test_a_wait_sees_what_another_process_does(api: Served, store_url: str) -> None:
    from tasker_core.engine import Engine
    from tasker_core.store import Store, open_database

    task = api.create()
    other = Engine(Store(open_database(store_url)))
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(api.get(f"/v1/tasks/{task}", wait_ms=20_000)["status"]))
    waiting.start()
    Hands(other).play()
    waiting.join(20)
    other.close()
    assert answers == ["complete"]
