"""Each kind of bad template is refused with a message that says where, what, and what would be right."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tasker_core.errors import TaskerError, TemplateError
from tasker_core.rules.template_text import read_mapping, read_template

HEAD = "name: order\nnamespace_name: shop\nversion: 1.0.0\n"
STEPS = HEAD + "steps:\n"
PAY = STEPS + "  - name: pay\n    handler: {callable: pay}\n"
WORKER = "  - name: work\n    type: batch_worker\n    handler: {callable: work}\n    dependencies: [pay]\n"
TOIL = WORKER.replace(" work", " toil")


def complaint(text: str) -> str:
    """What is said of the text, without the first line."""
    with pytest.raises(TemplateError) as caught:
        read_template(text, "order.yaml")
    first, *rest = str(caught.value).splitlines()
    assert first == "order.yaml can't be used as a template:"
    return "\n".join(rest)


def steps(*waits: tuple[str, str]) -> str:
    return STEPS + "".join(
        f"  - name: {name}\n    handler: {{callable: {name}}}\n    dependencies: [{wait}]\n" for name, wait in waits
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            steps(("validate_cart", ""), ("process_payment", "validate_crat")),
            "order.yaml:10: error MISSING_DEP_REF: step 'process_payment' depends on 'validate_crat', "
            "which is no step of this template; did you mean 'validate_cart'?",
            id="unknown dependency",
        ),
        pytest.param(
            steps(("a", "c"), ("b", "a"), ("c", "b"), ("d", "c")),
            "order.yaml:7: error CYCLE_DETECTED: these steps wait for each other, so none can start: a -> b -> c -> a",
            id="cycle",
        ),
        pytest.param(
            steps(("a", "a")), "order.yaml:7: error SELF_DEPENDENCY: step 'a' depends on itself", id="self dependency"
        ),
        pytest.param(
            steps(("a", ""), ("b", "a"), ("a", "")),
            "order.yaml:11: error DUPLICATE_STEP_NAME: step 'a' is defined twice; it is already step number 1",
            id="duplicate step",
        ),
        pytest.param(
            STEPS + "  - name: pay\n    handler:\n      callable: ' '\n",
            "order.yaml:7: error EMPTY_CALLABLE: 'handler.callable' of step 'pay' is empty; "
            "name the handler that runs this step",
            id="empty callable",
        ),
        pytest.param(
            HEAD + "steps: []\n",
            "order.yaml:4: error NO_STEPS: a template needs at least one step: list them under 'steps'",
            id="empty steps",
        ),
        pytest.param(
            HEAD, "order.yaml:1: error NO_STEPS: a template needs at least one step: list them under 'steps'",
            id="no steps",
        ),
        pytest.param(
            PAY.replace("1.0.0", "1.0"),
            "order.yaml:3: error WRONG_TYPE: 'version' must be text; found the number 1.0; "
            'put it in quotes, all three numbers: version: "1.0.0"',
            id="version is a number",
        ),
        pytest.param(
            PAY.replace("1.0.0", "v1.2"),
            "order.yaml:3: error BAD_VERSION: 'version' must be three numbers like 1.0.0; found 'v1.2'",
            id="version isn't semver",
        ),
        pytest.param(
            PAY.replace("name: order", "name: OrderProcessing"),
            "order.yaml:1: error BAD_NAME: 'name' must be lower-case letters, digits and _, a letter first; "
            "found 'OrderProcessing'; write 'order_processing'",
            id="name",
        ),
        pytest.param(
            PAY.replace("shop", "my-shop"),
            "order.yaml:2: error BAD_NAME: 'namespace_name' must be letters, digits and _, no digit first; "
            "found 'my-shop'",
            id="namespace",
        ),
        pytest.param(
            PAY.replace("shop", "s" * 30),
            f"order.yaml:2: error NAMESPACE_TOO_LONG: 'namespace_name' may have 29 characters at most; "
            f"'{'s' * 30}' has 30",
            id="namespace too long",
        ),
        pytest.param(
            PAY.replace("name: pay", "name: pay card"),
            "order.yaml:5: error BAD_NAME: 'name' of step 'pay card' must be letters, digits, _ and -; "
            "found 'pay card'",
            id="step name",
        ),
        pytest.param(
            PAY.replace("name: pay", f"name: {'p' * 129}"),
            f"order.yaml:5: error BAD_NAME: 'name' of step '{'p' * 129}' may have 128 characters at most; found 129",
            id="step name too long",
        ),
        pytest.param(
            PAY.replace("{callable: pay}", "pay"),
            "order.yaml:6: error WRONG_TYPE: 'handler' of step 'pay' must be a mapping; found the text 'pay'; "
            "write handler: {callable: pay}",
            id="handler is text",
        ),
        pytest.param(
            STEPS + "  - handler: {callable: pay}\n",
            "order.yaml:5: error MISSING_KEY: step number 1 has no 'name', which it needs",
            id="step without a name",
        ),
        pytest.param(
            STEPS + "  - pay\n",
            "order.yaml:5: error WRONG_TYPE: step number 1 must be a mapping; found the text 'pay'",
            id="step is text",
        ),
        pytest.param(
            PAY + "    depends_on: check\n",
            "order.yaml:7: error WRONG_TYPE: 'dependencies' of step 'pay' must be a list; found the text 'check'; "
            "write [check]",
            id="dependencies is text",
        ),
        pytest.param(
            PAY + "    dependencies: [3]\n",
            "order.yaml:7: error WRONG_TYPE: 'dependencies[0]' of step 'pay' must be text; found the number 3; "
            "put it in quotes",
            id="dependency is a number",
        ),
        pytest.param(
            PAY + "    dependencies: []\n    depends_on: []\n",
            "order.yaml:8: error DUPLICATE_KEY: step 'pay' has both 'dependencies' and 'depends_on', "
            "which mean the same; keep 'dependencies'",
            id="one key under two names",
        ),
        pytest.param(
            PAY + "    retry:\n      max_attempts: -1\n",
            "order.yaml:8: error OUT_OF_RANGE: 'retry.max_attempts' of step 'pay' counts all attempts, "
            "the first one too, so 1 is the least; found -1",
            id="fewer than no attempts",
        ),
        pytest.param(
            PAY + "    retry: {max_attempts: 1000000}\n",
            "order.yaml:7: error OUT_OF_RANGE: 'retry.max_attempts' of step 'pay' must be at most 999999; "
            "found 1000000",
            id="too many attempts",
        ),
        pytest.param(
            PAY + "    retry: {max_attempts: true}\n",
            "order.yaml:7: error WRONG_TYPE: 'retry.max_attempts' of step 'pay' must be a whole number; found true",
            id="attempts is a boolean",
        ),
        pytest.param(
            PAY + "    retry: {backoff_base_ms: 1_000}\n",
            "order.yaml:7: error WRONG_TYPE: 'retry.backoff_base_ms' of step 'pay' must be a whole number; "
            "found the text '1_000'; write 1000, without quotes",
            id="number as text",
        ),
        pytest.param(
            PAY + "    retry: {retryable: yes}\n",
            "order.yaml:7: error WRONG_TYPE: 'retry.retryable' of step 'pay' must be true or false; "
            "found the text 'yes'; write true",
            id="boolean as text",
        ),
        pytest.param(
            PAY + "    retry: {backoff: exponental}\n",
            "order.yaml:7: error BAD_VALUE: 'retry.backoff' of step 'pay' must be one of none, linear, exponential, "
            "fibonacci; found the text 'exponental'; did you mean 'exponential'?",
            id="backoff",
        ),
        pytest.param(
            PAY + "    retry: {max_backoff_ms: -1}\n",
            "order.yaml:7: error OUT_OF_RANGE: 'retry.max_backoff_ms' of step 'pay' must be at least 0; found -1",
            id="negative wait",
        ),
        pytest.param(
            PAY + "    retry: {jitter: 1.5}\n",
            "order.yaml:7: error OUT_OF_RANGE: 'retry.jitter' of step 'pay' must be at most 1; found 1.5",
            id="jitter",
        ),
        pytest.param(
            PAY + "    timeout_seconds: 0\n",
            "order.yaml:7: error OUT_OF_RANGE: 'timeout_seconds' of step 'pay' must be more than 0; found 0",
            id="timeout",
        ),
        pytest.param(
            PAY + "    type: batchable\n",
            "order.yaml:5: error BATCH_WITHOUT_WORKER: no step of type batch_worker depends on batchable step 'pay', "
            "so nobody works on what it cuts",
            id="analyzer without a worker",
        ),
        pytest.param(
            PAY + "    type: batch_worker\n",
            "order.yaml:5: error BATCH_WITHOUT_ANALYZER: batch worker 'pay' must depend on exactly one step of type "
            "batchable, which cuts its batch; it depends on none",
            id="worker without an analyzer",
        ),
        pytest.param(
            PAY + "    type: batchable\n    batch_config: {worker_template: wrok}\n" + WORKER,
            "order.yaml:8: error UNKNOWN_WORKER: 'batch_config.worker_template' of batchable step 'pay' must be a "
            "batch_worker that depends on it; did you mean 'work'?",
            id="unknown worker",
        ),
        pytest.param(
            PAY + "    type: batchable\n" + WORKER + TOIL,
            "order.yaml:5: error UNKNOWN_WORKER: batchable step 'pay' has several workers, 'work', 'toil': "
            "'batch_config.worker_template' must say which stands for no work",
            id="several workers",
        ),
        pytest.param(
            PAY + "    type: batchable\n" + WORKER.replace("[pay]", "[pay, pack]")
            + "  - name: pack\n    handler: {callable: pack}\n",
            "order.yaml:11: error BATCH_WORKER_WAITS: batch worker 'work' waits for 'pack' as well; let its analyzer "
            "'pay' wait for that instead",
            id="a worker that waits for more",
        ),
        pytest.param(
            PAY + "    type: batchable\n    batch_config: {worker_template: work}\n" + WORKER
            + TOIL.replace("[pay]", "[pay, work]"),
            "order.yaml:16: error BATCH_BEHIND_BATCH: batch worker 'toil' can't wait for batch worker 'work': each "
            "instance would wait for each of the other's; let a step between them wait for the one and cut the other",
            id="a batch behind each of a batch",
        ),
        pytest.param(
            PAY + "    step_type: batchabel\n",
            "order.yaml:7: error UNKNOWN_STEP_TYPE: 'type' of step 'pay' must be one of standard, decision, "
            "deferred_convergence, batchable, batch_worker; found the text 'batchabel'; did you mean 'batchable'?",
            id="unknown step type",
        ),
        pytest.param(
            PAY + "    result_schema:\n      type: object\n      properties:\n        total: {type: numbr}\n",
            "order.yaml:10: error INVALID_SCHEMA: 'result_schema' of step 'pay' isn't valid JSON Schema: "
            "\"numbr\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            id="result schema",
        ),
        pytest.param(
            PAY + "input_schema: {required: order_id}\n",
            "order.yaml:7: error INVALID_SCHEMA: 'input_schema' isn't valid JSON Schema: "
            '"order_id" is not of type "array"',
            id="input schema",
        ),
        pytest.param(
            PAY + "    result_schema:\n      properties:\n        total:\n          $ref: '#/$defs/money'\n",
            "order.yaml:10: error INVALID_SCHEMA: 'result_schema' of step 'pay' isn't valid JSON Schema: "
            "$ref '#/$defs/money' leads to nothing in this schema; nothing is fetched from elsewhere",
            id="schema with a reference to nothing",
        ),
        pytest.param(
            PAY + "input_schema:\n  type: object\n  $schema: https://example.com/mine\n",
            "order.yaml:9: error INVALID_SCHEMA: 'input_schema' isn't valid JSON Schema: "
            "$schema 'https://example.com/mine' names no draft that is known; there are 4, 6, 7, 2019-09 and 2020-12",
            id="schema of an unknown draft",
        ),
        pytest.param(
            PAY + "input_schema:\n  properties:\n    sku: {pattern: '('}\n",
            "order.yaml:9: error INVALID_SCHEMA: 'input_schema' isn't valid JSON Schema: \"(\" is not a \"regex\"",
            id="schema with a broken pattern",
        ),
        pytest.param(
            PAY + "input_schema: []\n",
            "order.yaml:7: error WRONG_TYPE: 'input_schema' must be a mapping; found a list",
            id="input schema is a list",
        ),
        pytest.param(
            PAY + "    publishes_events:\n      - {name: Paid, description: x, schema: {}}\n",
            "order.yaml:8: error BAD_NAME: 'publishes_events[0].name' of step 'pay' must be lower-case words joined "
            "by dots, like 'payment.processed'; found 'Paid'",
            id="event name",
        ),
    ],
)  # fmt: skip
def test_bad_template(text: str, said: str) -> None:
    assert complaint(text) == said


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_lines() -> None:
    text = (
        "name: order\n"
        "namespace_name: shop\n"
        "version: 1\n"
        "steps:\n"
        "  - name: a\n"
        "    handlr: {callable: a}\n"
        "    dependencies: [x]\n"
        "  - name: b\n"
        "    handler: {callable: b}\n"
        "    dependencies: [c]\n"
        "  - name: c\n"
        "    type: batchable\n"
        "    handler: {callable: c}\n"
        "    dependencies: [b]\n"
    )
    with pytest.raises(TemplateError) as caught:
        read_template(text, "order.yaml")
    assert [str(finding).split(": ")[:2] for finding in caught.value.findings] == [
        ["order.yaml:3", "error WRONG_TYPE"],
        ["order.yaml:5", "error MISSING_KEY"],
        ["order.yaml:6", "warning UNKNOWN_KEY"],
        ["order.yaml:7", "error MISSING_DEP_REF"],
        ["order.yaml:10", "error CYCLE_DETECTED"],
    ]


def test_the_error_is_a_tasker_error_and_a_value_error() -> None:
    with pytest.raises(TemplateError) as caught:
        read_template("", "order.yaml")
    assert isinstance(caught.value, TaskerError)
    assert isinstance(caught.value, ValueError)


def test_the_message_leaves_mere_notes_out_and_the_findings_hold_them() -> None:
    with pytest.raises(TemplateError) as caught:
        read_template(PAY + "    composition: {}\n    type: batchable\n", "order.yaml")
    assert "KEPT" not in str(caught.value)
    assert "KEPT" in str(caught.value.findings)


def test_many_misspelled_dependencies_are_reported_quickly() -> None:
    text = steps(*((f"step_{n}", f"stop_{n}") for n in range(1_000)))
    assert len(complaint(text).splitlines()) == 1_000


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "default_context.x is a set; a template holds what JSON can hold"),
        (float("nan"), "default_context.x (nan) is no number that JSON knows"),
        ({1: 2}, "default_context.x has the key 1; a key must be text"),
        (10**400, "default_context.x is too large a number"),
        (["a", object()], "default_context.x[1] is a object; a template holds what JSON can hold"),
    ],
)
def test_a_mapping_with_what_json_cannot_hold(value: Any, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read_mapping({"default_context": {"x": value}}, "mapping")
    assert str(caught.value) == f"mapping can't be used as a template:\nmapping: error NOT_JSON: {said}"


def test_a_mapping_that_contains_itself() -> None:
    mapping: dict[str, Any] = {"name": "order"}
    mapping["default_context"] = mapping
    with pytest.raises(TemplateError, match="is nested too deeply, or contains itself"):
        read_mapping(mapping, "mapping")


def test_dates_in_a_mapping_are_taken_as_text() -> None:
    step = {"name": "pay", "handler": {"callable": "pay", "initialization": {"day": datetime.date(2024, 5, 1)}}}
    mapping = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": [step]}
    assert read_mapping(mapping, "mapping").template.steps[0].handler.initialization == {"day": "2024-05-01"}
