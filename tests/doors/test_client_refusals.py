"""What the client refuses, in which words and as which error."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tasker_core import DuplicateTaskError, TaskerClient, TaskerError, TaskNotFoundError, TemplateError
from tasker_core.errors import (
    InvalidRequestError,
    PayloadError,
    SchemaViolationError,
    StepNotFoundError,
    TaskStateError,
    UnknownTemplateError,
)
from tasker_core.settings.values import Settings
from tests.support.served import served
from tests.support.workshop import Workshop, flow

NOBODY = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(each_door: Workshop) -> Workshop:
    each_door.template({"cart": []})
    return each_door


def test_the_same_context_is_the_same_task(shop: Workshop) -> None:
    first = shop.create(context={"a": 1, "b": {"c": 2, "d": 3}})
    with pytest.raises(DuplicateTaskError, match=rf"shop/flow exists already for this context: task {first}") as found:
        shop.create(context={"b": {"d": 3, "c": 2}, "a": 1})
    assert (found.value.task_uuid, found.value.same_context) == (first, True)
    assert isinstance(found.value, TaskerError) and isinstance(found.value, RuntimeError)
    assert shop.create(context={"a": 1, "b": {"c": 2, "d": 4}}) != first


def test_a_key_is_unique_over_versions_and_wins_over_the_context(shop: Workshop) -> None:
    shop.template({"cart": []}, version="2.0.0")
    first = shop.create(context={"order": 1}, idempotency_key="order-1", version="1.0.0")
    with pytest.raises(DuplicateTaskError, match=r"for this idempotency key 'order-1'") as found:
        shop.create(context={"order": 1}, idempotency_key="order-1", version="2.0.0")
    assert (found.value.task_uuid, found.value.same_context) == (first, True)
    with pytest.raises(DuplicateTaskError, match="with a different context") as found:
        shop.create(context={"order": 1, "changed": True}, idempotency_key="order-1")
    assert (found.value.task_uuid, found.value.same_context) == (first, False)
    same_context_without_key = shop.create(context={"order": 1})
    assert same_context_without_key != first
    shop.template({"cart": []}, namespace="warehouse")
    assert shop.create(namespace="warehouse", context={"order": 1}, idempotency_key="order-1") != first


def test_a_create_whose_answer_was_lost_is_answered_with_its_own_task(shop: Workshop) -> None:
    own = str(uuid.uuid4())
    assert shop.create(context={"no": 1}, task_uuid=own) == own
    assert shop.create(context={"no": 1}, task_uuid=own) == own
    with pytest.raises(InvalidRequestError, match="is another task's already"):
        shop.create(context={"no": 2}, task_uuid=own)


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"priority": 101}, "priority", "must lie between -100 and 100, not 101"),
        ({"priority": "high"}, "priority", "must be a whole number, not 'high'"),
        ({"tags": "web"}, "tags", "must be a list of texts"),
        ({"context": [1, 2]}, "context", "must be a mapping of names to values, not a list"),
        ({"correlation_id": "x-1"}, "correlation_id", "must be a UUID, not 'x-1'"),
        ({"idempotency_key": ""}, "idempotency_key", "must not be empty"),
        ({"idempotency_key": "k" * 1_001}, "idempotency_key", "may be 1000 characters long, not 1001"),
        ({"reason": "a\x00b"}, "reason", "must not hold a NUL character"),
        ({"requested_at": "yesterday"}, "requested_at", "must be a time in ISO 8601, not 'yesterday'"),
        ({"prioritty": 3}, "prioritty", "a task has no 'prioritty'; there are"),
        ({"on_duplicate": "ignore"}, "on_duplicate", 'must be "raise" or "return", not \'ignore\''),
        ({"task_uuid": 7}, "task_uuid", "must be a UUID, not 7"),
    ],
)
def test_a_malformed_wish_names_its_field(shop: Workshop, wish: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        shop.client.create_task("flow", **{"namespace": "shop", **wish})
    assert words in str(refused.value) and refused.value.field == field
    for kind in (TaskerError, RuntimeError, ValueError):
        assert isinstance(refused.value, kind)
    assert shop.client.list_tasks().pagination.total_count == 0


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"when": {"at": [object()]}}, "the context can't be written as JSON: ['when']['at'][0] is a object"),
        ({"ratio": float("inf")}, "['ratio'] is inf, which JSON doesn't know"),
        ({"photo": "x" * 1_048_577}, "at most 1,048,576 are kept. Store large data elsewhere"),
    ],
)
def test_a_context_that_cannot_be_kept(shop: Workshop, context: dict[str, Any], words: str) -> None:
    with pytest.raises(PayloadError) as refused:
        shop.create(context=context)
    assert words in str(refused.value)


def test_a_context_that_is_too_deep(shop: Workshop) -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(150):
        inner["in"] = inner = {}
    with pytest.raises(PayloadError, match="nested deeper than 100 levels"):
        shop.create(context=deep)
    for _ in range(100_000):
        inner["in"] = inner = {}
    with pytest.raises(PayloadError, match="nested too deeply"):
        shop.create(context=deep)


def test_unknown_templates_are_answered_with_what_is_near(shop: Workshop) -> None:
    with pytest.raises(UnknownTemplateError, match=r"no template 'flwo' in namespace 'shop'; did you mean 'flow'\?"):
        shop.create("flwo")
    with pytest.raises(UnknownTemplateError, match=r"in namespace 'warehouse'; it is registered in shop"):
        shop.create(namespace="warehouse")
    with pytest.raises(UnknownTemplateError, match=r"shop/flow has no version '9.9.9'; registered are 1.0.0"):
        shop.create(version="9.9.9")


def test_an_empty_store_says_how_templates_get_into_it(each_door: Workshop) -> None:
    with pytest.raises(UnknownTemplateError, match=r"none is registered at all.*tasker template register PATH"):
        each_door.create()


def test_a_name_is_found_in_the_one_namespace_that_has_it(shop: Workshop) -> None:
    assert shop.client.create_task("flow").namespace == "shop"
    assert shop.client.create_task("flow", namespace=None, context={"no": 2}).namespace == "shop"
    shop.template({"cart": []}, namespace="warehouse")
    with pytest.raises(InvalidRequestError, match="exists in several namespaces: shop, warehouse; give a namespace"):
        shop.client.create_task("flow", context={"no": 3})
    shop.template({"cart": []}, namespace="default")
    assert shop.client.create_task("flow", context={"no": 4}).namespace == "default"


def test_without_a_version_it_is_the_first_else_the_newest(shop: Workshop) -> None:
    shop.template({"cart": []}, version="10.0.0")
    assert shop.client.create_task("flow", namespace="shop").version == "1.0.0"
    shop.template({"cart": []}, name="later", version="2.0.0")
    shop.template({"cart": []}, name="later", version="10.1.0")
    assert shop.client.create_task("later", namespace="shop").version == "10.1.0"


def test_ids_that_are_no_ids_and_ids_of_nobody(shop: Workshop) -> None:
    task, client = shop.create(), shop.client
    for call in (client.get_task, client.list_task_steps, client.cancel_task, client.wait):
        with pytest.raises(ValueError, match="task_uuid must be a UUID, not 'task-1'"):
            call("task-1")
        with pytest.raises(TaskNotFoundError, match=f"there is no task {NOBODY}"):
            call(NOBODY)
    for look in (client.get_step, client.get_step_audit_history):
        with pytest.raises(ValueError, match="step_uuid must be a UUID"):
            look(task, "cart")
        with pytest.raises(StepNotFoundError, match=f"task {task} has no step {NOBODY}"):
            look(task, NOBODY)
        with pytest.raises(TaskNotFoundError):
            look(NOBODY, task)
    assert client.get_task(task.upper()).task_uuid == task


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"limit": 0}, "limit must lie between 1 and 1,000, not 0"),
        ({"limit": 1_001}, "limit must lie between 1 and 1,000, not 1001"),
        ({"offset": -1}, "offset must not be negative, not -1"),
        ({"status": "done"}, "'done' is no task state; there are pending, "),
    ],
)
def test_lists_of_odd_sizes_and_states(shop: Workshop, filters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        shop.client.list_tasks(**filters)
    assert words in str(refused.value)


def test_too_many_tasks_in_one_call(shop: Workshop) -> None:
    with pytest.raises(ValueError, match="at most 10,000 tasks a call, not 10,001"):
        shop.client.create_tasks([{"name": "flow"}] * 10_001)


def test_a_template_that_is_wrong_is_refused_by_the_client(each_door: Workshop) -> None:
    with pytest.raises(TemplateError, match=r"step 'pay'.*'crat'.*did you mean 'cart'"):
        each_door.client.register_template(flow({"cart": [], "pay": ["crat"]}))
    missing = each_door.directory / "nowhere.yaml"
    with pytest.raises(TemplateError, match=r"nowhere\.yaml: No such file or directory"):
        each_door.client.register_template(missing)


@pytest.mark.parametrize("door", ["in process", "over HTTP"])
def test_a_registered_version_keeps_its_content_outside_development(
    workshop: Workshop, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKER_ENV", "production")
    with served(workshop.url, settings=Settings(env="production")) as server:
        url, database_url = (server.url, None) if door == "over HTTP" else (None, workshop.url)
        with TaskerClient(url=url, database_url=database_url) as client:
            client.register_template(flow({"cart": []}))
            client.register_template(flow({"cart": []}))
            words = r"shop/flow 1.0.0 is registered with other content .* raise its version\. Differences:\n  .*pay"
            with pytest.raises(TemplateError, match=words):
                client.register_template(flow({"cart": [], "pay": ["cart"]}))
            assert client.create_task("flow", namespace="shop").total_steps == 1


def test_a_context_against_its_schema(each_door: Workshop) -> None:
    schema = {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}
    strict = {**flow({"cart": []}), "input_schema": schema, "schema_validation": "enforce"}
    each_door.client.register_template(strict)
    with pytest.raises(SchemaViolationError) as refused:
        each_door.create(context={"sku": 7})
    assert (refused.value.field, refused.value.violations[0].path) == ("context/sku", "/sku")
    each_door.client.register_template({**strict, "version": "2.0.0", "schema_validation": "warn"})
    task = each_door.client.create_task("flow", namespace="shop", version="2.0.0", context={"sku": 7})
    assert [warning["path"] for warning in task.warnings] == ["/sku"]


def test_only_an_unfinished_task_can_be_cancelled(shop: Workshop) -> None:
    task = shop.create()
    shop.client.cancel_task(task, "the customer left")
    with pytest.raises(TaskStateError, match=f"task {task} is cancelled already") as refused:
        shop.client.cancel_task(task)
    assert refused.value.state == "cancelled"


def test_a_context_of_other_mappings_is_taken(shop: Workshop) -> None:
    from types import MappingProxyType

    task = shop.client.create_task("flow", namespace="shop", context=MappingProxyType({"no": 1}))
    assert task.context == {"no": 1}


def test_errors_of_the_store_are_runtime_errors(workshop: Workshop) -> None:
    with pytest.raises(RuntimeError, match="is a directory; name the file") as refused:
        TaskerClient(database_url=f"sqlite:///{workshop.directory}")
    assert isinstance(refused.value, TaskerError)
