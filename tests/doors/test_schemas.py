"""What a user sees of schemas: warnings on the task, refusals where enforced, the same in process and in a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core import TaskerClient
from tasker_core.errors import InvalidRequestError, SchemaViolationError
from tests.support.workshop import Workshop, flow, tasker

CART = {"type": "object", "required": ["sku"], "properties": {"quantity": {"type": "integer", "minimum": 1}}}
RECEIPT = {"type": "object", "required": ["charge_id"]}
BAD = {"sku": "tea", "quantity": 0}


def checkout(**keys: Any) -> dict[str, Any]:
    return {**flow({"cart": [], "pay": ["cart"]}, pay={"result_schema": RECEIPT}), "input_schema": CART, **keys}


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.handler("cart")(lambda: {"total": 42})
    workshop.handler("pay")(lambda: {"paid": True})
    return workshop


def test_a_task_tells_its_warnings_and_is_complete(shop: Workshop) -> None:
    shop.client.register_template(checkout())
    shop.start()
    task = shop.client.create_task("flow", namespace="shop", context=BAD)
    assert [(w["code"], w["path"]) for w in task.warnings] == [("input_schema", "/quantity")]
    done = shop.finish(task.task_uuid)
    assert (done.status, shop.result(task.task_uuid, "pay")) == ("complete", {"paid": True})
    assert [(w["code"], w["step"], w["attempt"]) for w in done.warnings] == [
        ("input_schema", None, None),
        ("result_schema", "pay", 1),
    ]
    shown = tasker("task", "get", task.task_uuid, cwd=shop.directory, url=shop.url).out
    assert "warning: the context at /quantity: the value is less than the minimum of 1 (input_schema)\n" in shown
    assert 'warning: the result of step pay: "charge_id" is a required property (result_schema)\n' in shown
    told = json.loads(tasker("task", "get", task.task_uuid, "--json", cwd=shop.directory, url=shop.url).out)
    assert told["warnings"] == done.warnings


def test_enforced_a_bad_context_is_refused_by_field(shop: Workshop) -> None:
    shop.client.register_template(checkout(schema_validation="enforce"))
    with pytest.raises(SchemaViolationError) as refused:
        shop.create(context=BAD)
    assert refused.value.field == "context/quantity"
    with pytest.raises(SchemaViolationError):
        shop.client.create_tasks([{"name": "flow", "namespace": "shop", "context": c} for c in ({"sku": "tea"}, BAD)])
    assert shop.client.list_tasks().tasks == []
    said = tasker("task", "create", "flow", "-i", json.dumps(BAD), cwd=shop.directory, url=shop.url)
    assert said.code != 0 and "/quantity: the value is less than the minimum of 1" in said.err


def test_enforced_a_bad_result_fails_for_good(shop: Workshop) -> None:
    shop.client.register_template(checkout(schema_validation="enforce"))
    shop.start()
    task = shop.create(context={"sku": "tea"})
    assert shop.finish(task).status == "blocked_by_failures"
    assert shop.error(task, "pay")["error_type"] == "validation_error"
    assert len(shop.audit(task, "pay")) == 1, "no retry can mend it"


def test_the_environment_enforces_everywhere(shop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(
        yaml.safe_dump(checkout(steps=flow({"note": []}, note={"handler": {"callable": "greet"}})["steps"]))
    )
    run = ("run", file, "--handlers", "tests.support.workshop.handlers", "--input")
    warned = tasker(*run, json.dumps(BAD), cwd=shop.directory, url=shop.url)
    assert warned.code == 0 and "warning: the context at /quantity" in warned.out
    refused = tasker(
        *run, json.dumps({**BAD, "no": 2}), cwd=shop.directory, url=shop.url, TASKER_SCHEMA_VALIDATION="enforce"
    )
    assert refused.code != 0 and "doesn't fit the input_schema of shop/flow 1.0.0" in refused.err
    assert shop.client.list_tasks().pagination.total_count == 1


def test_a_setting_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    monkeypatch.setenv("TASKER_SCHEMA_VALIDATION", "strict")
    with pytest.raises(InvalidRequestError, match="TASKER_SCHEMA_VALIDATION must be warn or enforce, not 'strict'"):
        TaskerClient(database_url=sqlite_url)


def test_validating_a_template_says_nothing_of_schemas_that_are_acted_on(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(yaml.safe_dump(checkout(schema_validation="enforce")))
    checked = tasker("template", "validate", file)
    assert checked.code == 0 and "KEPT" not in checked.out
