"""Contexts and results as they are shown to those who may see everything, and to others."""

from __future__ import annotations

import json
from typing import Any

from tasker_core.server.auth.access import Access
from tasker_core.server.redaction import MASK
from tests.support.contents import contents
from tests.support.flows import Hands, flow
from tests.support.guard import UNBOUNDED, Guard
from tests.support.served import Served, served

CONTEXT = {
    "note": "ok",
    "cardNumber": "4111",
    "user": {"name": "Ada", "password": {"old": "pw-1"}},
    "n": 10**30,
    "f": 0.1,
}
MASKED = {"note": "ok", "cardNumber": MASK, "user": {"name": "Ada", "password": MASK}, "n": 10**30, "f": 0.1}
SECRETS = ("4111", "pw-1", "tok-1")


def as_caller(api: Served, guard: Guard, name: str) -> Served:
    api.http.headers.update(guard.headers(name))
    return api


def everything_about(api: Served, task: str) -> list[Any]:
    """All answers that show payloads of a task."""
    steps = api.get(f"/v1/tasks/{task}/workflow_steps")
    one = f"/v1/tasks/{task}/workflow_steps/{steps[0]['step_uuid']}"
    return [api.get(f"/v1/tasks/{task}"), api.get("/v1/tasks"), steps, api.get(one), api.get(f"{one}/audit")]


def test_values_under_secret_keys_are_masked_for_who_may_not_see_them(guarded: Served, guard: Guard) -> None:
    api = as_caller(guarded, guard, "shop")
    made = api.post("/v1/tasks", {"name": "order", "namespace": "shop", "context": CONTEXT})
    assert made["context"] == MASKED
    Hands(api.engine).play({"pay": lambda _: {"receipt": "r-1", "access_token": "tok-1"}})
    answers = everything_about(api, made["task_uuid"])
    assert not any(secret in json.dumps(answer) for answer in answers for secret in SECRETS)
    assert answers[0]["context"] == MASKED
    assert answers[2][0]["results"]["result"] == {"receipt": "r-1", "access_token": MASK}
    assert answers[4][0]["result"]["result"] == {"receipt": "r-1", "access_token": MASK}

    seen = everything_about(as_caller(api, guard, "ops"), made["task_uuid"])
    assert seen[0]["context"] == CONTEXT
    assert seen[2][0]["results"]["result"]["access_token"] == "tok-1"
    stored = api.engine.views.task(made["task_uuid"])["context"]
    assert stored == CONTEXT, "what is stored stays as it was"


def test_who_may_not_see_them_may_not_search_for_them(guarded: Served, guard: Guard) -> None:
    api = as_caller(guarded, guard, "shop")
    context = {**CONTEXT, "user": {"password": {"old": "pw-2"}}}
    made = api.post("/v1/tasks", {"name": "order", "namespace": "shop", "context": context})
    asked = {"context_path": "user.password.old", "context_value": "pw-2"}
    assert "tasks:context_read" in api.get("/v1/tasks", 403, **asked)["error"]["message"]
    seen = as_caller(api, guard, "ops").get("/v1/tasks", **asked)["tasks"]
    assert [task["task_uuid"] for task in seen] == [made["task_uuid"]]


def test_a_large_answer_is_masked_as_a_small_one_is(guarded: Served, guard: Guard) -> None:
    api = as_caller(guarded, guard, "shop")
    large = {**CONTEXT, "items": [{"no": n, "token": f"tok-{n}"} for n in range(5_000)]}
    made = api.http.post("/v1/tasks", json={"name": "order", "namespace": "shop", "context": large})
    assert made.status_code == 201 and int(made.headers["Content-Length"]) == len(made.content) > 100_000
    assert made.json()["context"]["items"][4_999] == {"no": 4_999, "token": MASK}
    assert b"tok-" not in made.content


def test_the_words_of_an_answer_are_not_masked_whatever_the_setting_says(guard: Guard, sqlite_url: str) -> None:
    access = Access(authenticator=guard.authenticator(), redact=("name", "iban"), unknown_per_second=UNBOUNDED)
    with served(sqlite_url, access) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        as_caller(api, guard, "shop")
        context = {"name": "Ada", "IBAN": "DE1", "token": "t"}
        made = api.post("/v1/tasks", {"name": "order", "namespace": "shop", "context": context})
        assert made["name"] == "order" and made["steps"][0]["name"] == "pay"
        assert made["context"] == {"name": MASK, "IBAN": MASK, "token": "t"}


def test_who_needs_no_authentication_sees_everything(open_server: Served) -> None:
    made = open_server.post("/v1/tasks", {"name": "order", "namespace": "shop", "context": CONTEXT})
    assert made["context"] == CONTEXT


def test_who_did_something_is_written_down_by_name(guarded: Served, guard: Guard) -> None:
    api = as_caller(guarded, guard, "ops")
    task = api.create(context={"for": "the record"})
    api.delete(f"/v1/tasks/{task}", reason="no longer wanted", cancelled_by="Ann")
    stored = contents(api.url_of_store)
    (transitions,) = (rows for table, rows in stored.items() if table.endswith("transitions"))
    assert any("client ops for Ann" in row and "no longer wanted" in row for row in transitions)
