"""Good templates are read as they are meant; notes and warnings don't stand in their way."""

from __future__ import annotations

import pytest

from tasker_core.errors import TemplateError
from tasker_core.rules.template_text import ReadTemplate, read_mapping, read_template
from tasker_core.words import RetryPolicy

CHECKOUT = """\
name: ecommerce_order_processing
namespace_name: ecommerce
version: 1.0.0
steps:
  - name: validate_cart
    handler: {callable: ecommerce_validate_cart}
    dependencies: []
    retry: {retryable: true, max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
  - name: process_payment
    handler: {callable: ecommerce_process_payment}
    dependencies: [validate_cart]
    retry: {retryable: true, max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
"""

ONE_STEP = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler:
      callable: pay
"""

EVERYTHING = """\
name: order
namespace_name: shop
version: 2.1.0-rc.1
description: All that a template can say
metadata: {author: Ada, tags: [a, b], documentation_url: https://example.test, created_at: 2024-05-01}
system_dependencies: {primary: erp, secondary: [mail]}
domain_events:
  - {name: order.paid, description: Paid, schema: {type: object}}
input_schema: {type: object, required: [order_id]}
identity_strategy: caller_provided
identity_window_seconds: 3600
default_context: {currency: EUR}
default_options: {priority: 5}
schema_validation: enforce
environments:
  production:
    steps:
      - {name: ALL, timeout_seconds: 30}
      - {name: pay, handler: {initialization: {url: https://pay.test}}, retry: {max_attempts: 5}}
lifecycle: {max_duration_minutes: 60, staleness_action: none, auto_fail_on_timeout: true}
x-team: payments
steps:
  - name: check
    step_type: batchable
    handler: {callable: "Shop::StepHandlers::CheckHandler", initialization: {limits: [1, 2.5, null], on: yes}}
    compensate: {handler: refund, retry: {max_attempts: 9}, timeout_seconds: 7, max_crashes: 2}
  - name: pay
    description: Charges the card
    type: batch_worker
    handler: {callable: shop.pay:Pay, method: charge, resolver: mine, x-note: any}
    depends_on: [check]
    system_dependency: gateway
    retry: {retryable: false, max_attempts: 1, backoff: none, backoff_base_ms: 5, max_backoff_ms: 50, jitter: 0}
    timeout_seconds: 2.5
    max_crashes: 1
    publishes_events:
      - {name: order.paid, description: Paid, schema: {type: object}, condition: always, delivery_mode: fast}
    batch_config: {batch_size: 10, parallelism: 2, cursor_field: id, worker_template: pay, failure_strategy: isolate}
    result_schema: {type: object}
    composition: {steps: []}
    concurrency: 3
    rate: 10/s
"""


def codes(read: ReadTemplate, level: str) -> list[str]:
    return [finding.code for finding in read.findings if finding.level == level]


def test_the_checkout_template_is_read() -> None:
    template = read_template(CHECKOUT, "order.yaml").template
    assert template.identity == ("ecommerce", "ecommerce_order_processing", "1.0.0")
    assert [(step.name, step.handler.callable, step.dependencies) for step in template.steps] == [
        ("validate_cart", "ecommerce_validate_cart", ()),
        ("process_payment", "ecommerce_process_payment", ("validate_cart",)),
    ]
    assert template.edges() == ((1, 2),)
    assert template.step("process_payment").retry_policy == RetryPolicy(max_attempts=2, backoff_base_ms=100)


def test_a_silent_template_gets_the_documented_defaults() -> None:
    step = read_template(ONE_STEP, "order.yaml").template.step("pay")
    assert step.retry is None
    assert step.retry_policy == RetryPolicy(True, 3, "exponential", 1_000, 30_000, 0.15)
    assert (step.type, step.timeout_seconds, step.max_crashes) == ("standard", None, 3)
    assert (step.handler.method, step.handler.resolver, step.handler.initialization) == ("call", None, {})


def test_retry_values_that_are_left_empty_count_as_absent() -> None:
    text = ONE_STEP + "    retry: {max_attempts: 5, backoff_base_ms: null, max_backoff_ms: ~}\n    dependencies:\n"
    step = read_template(text, "order.yaml").template.step("pay")
    assert step.retry_policy == RetryPolicy(max_attempts=5)
    assert step.dependencies == ()


def test_every_key_is_known_and_kept() -> None:
    read = read_template(EVERYTHING, "order.yaml", strict=True)
    template = read.template
    assert codes(read, "error") == codes(read, "warning") == []
    check, pay = template.steps
    assert check.handler.initialization == {"limits": [1, 2.5, None], "on": "yes"}
    assert pay.retry_policy == RetryPolicy(False, 1, "none", 5, 50, 0.0)
    assert (pay.timeout_seconds, pay.max_crashes, pay.dependencies) == (2.5, 1, ("check",))
    assert template.metadata is not None
    assert template.metadata.created_at == "2024-05-01"
    content = template.content()
    assert content["lifecycle"] == {
        "max_duration_minutes": 60, "staleness_action": "none", "auto_fail_on_timeout": True,
    }  # fmt: skip
    assert content["domain_events"] == [{"name": "order.paid", "description": "Paid", "schema": {"type": "object"}}]
    assert {"composition", "concurrency", "rate"} <= set(content["steps"][1])
    assert content["steps"][0]["compensate"] == {
        "handler": {"callable": "refund"}, "retry": {"max_attempts": 9}, "timeout_seconds": 7.0, "max_crashes": 2,
    }  # fmt: skip


def test_keys_that_are_only_kept_are_named_with_their_line() -> None:
    read = read_template(ONE_STEP + "    composition: {}\ndefault_options: {fast: true}\n", "order.yaml")
    kept = [str(finding) for finding in read.findings if finding.code == "KEPT"]
    assert kept == [
        "order.yaml:8: info KEPT: 'composition' of step 'pay' is kept with the template; this release doesn't act on it",  # noqa: E501
        "order.yaml:9: info KEPT: 'default_options' is kept with the template; this release doesn't act on it",
    ]


def test_a_kept_key_that_asks_for_what_is_done_anyhow_is_not_named() -> None:
    read = read_template(ONE_STEP + "identity_strategy: strict\n", "order.yaml")
    assert "KEPT" not in codes(read, "info")


def test_steps_without_a_result_schema_are_noted_once() -> None:
    notes = [finding for finding in read_template(CHECKOUT, "order.yaml").findings if finding.level == "info"]
    assert [str(note) for note in notes] == [
        "order.yaml:4: info NO_RESULT_SCHEMA: 2 of 2 steps have no 'result_schema': validate_cart, process_payment"
    ]


def test_no_attempts_are_the_one_that_always_runs() -> None:
    read = read_template(ONE_STEP + "    retry: {max_attempts: 0}\n", "order.yaml")
    assert read.template.step("pay").retry_policy == RetryPolicy(max_attempts=1)
    assert codes(read, "warning") == ["NO_ATTEMPTS"]


def test_an_unknown_key_is_a_warning_and_an_error_in_strict_checks() -> None:
    text = ONE_STEP + "    timeout_secs: 3\n"
    words = "UNKNOWN_KEY: unknown key 'timeout_secs' in step 'pay'; did you mean 'timeout_seconds'?"
    read = read_template(text, "order.yaml")
    assert [str(finding) for finding in read.findings if finding.level == "warning"] == [
        f"order.yaml:8: warning {words}"
    ]
    with pytest.raises(TemplateError, match=r"order\.yaml:8: error UNKNOWN_KEY"):
        read_template(text, "order.yaml", strict=True)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("    retry: {limit: 3}", "unknown key 'limit' in 'retry' of step 'pay'; did you mean 'max_attempts'?"),
        ("    lifecycle: {}", "unknown key 'lifecycle' in step 'pay'; it belongs in the template itself"),
        ("    max_attempts: 3", "unknown key 'max_attempts' in step 'pay'; it belongs in 'retry'"),
        ("    needs: [x]", "unknown key 'needs' in step 'pay'; did you mean 'dependencies'?"),
        ("      conf: 1", "unknown key 'conf' in 'handler' of step 'pay'"),
        ("namespace: shop", "unknown key 'namespace' in the template; did you mean 'namespace_name'?"),
        ("environments: {test: {step: []}}", "unknown key 'step' in 'environments.test'; did you mean 'steps'?"),
        ("metadata: {autor: me}", "unknown key 'autor' in 'metadata'; did you mean 'author'?"),
    ],
)
def test_unknown_keys_are_found_in_every_block(block: str, message: str) -> None:
    read = read_template(f"{ONE_STEP}{block}\n", "order.yaml")
    assert [(f.message, f.line) for f in read.findings if f.level == "warning"] == [(message, 8)]


def test_keys_that_begin_with_x_are_free_everywhere_and_not_part_of_the_content() -> None:
    text = (
        "x-common: &common {max_attempts: 4}\n" + ONE_STEP + "    x-owner: me\n    retry: {<<: *common, x-why: slow}\n"
    )
    read = read_template(text, "order.yaml", strict=True)
    assert read.template.step("pay").retry_policy.max_attempts == 4
    assert "x-" not in str(read.template.content())


def test_unusual_retry_values_are_told() -> None:
    read = read_template(ONE_STEP + "    retry:\n      max_attempts: 999999\n      backoff_base_ms: 0\n", "order.yaml")
    assert [str(finding) for finding in read.findings if finding.code == "UNUSUAL_VALUE"] == [
        "order.yaml:9: info UNUSUAL_VALUE: 'retry.max_attempts' of step 'pay' is 999,999; 1 to 100 is usual",
        "order.yaml:10: warning UNUSUAL_VALUE: 'retry.backoff_base_ms' of step 'pay' is 0; 1 to 3,600,000 is usual",
    ]


def test_what_is_odd_but_works_is_a_warning() -> None:
    text = CHECKOUT.replace("[validate_cart]", "[validate_cart, validate_cart]") + (
        "  - name: alone\n"
        "    handler: {callable: alone}\n"
        "    result_schema: {type: array}\n"
        "input_schema:\n"
        "  type: string\n"
        "environments:\n"
        "  test:\n"
        "    steps: [{name: validate_crat}]\n"
    )
    warnings = [str(f) for f in read_template(text, "order.yaml").findings if f.level == "warning"]
    assert warnings == [
        "order.yaml:11: warning DUPLICATE_DEPENDENCY: step 'process_payment' names 'validate_cart' twice",
        "order.yaml:13: warning ORPHAN_STEP: step 'alone' depends on no other and no other depends on it",
        (
            "order.yaml:17: warning SCHEMA_NOT_OBJECT: 'input_schema' describes the text 'string'; "
            "it should describe an object (type: object)"
        ),
        (
            "order.yaml:20: warning UNKNOWN_STEP: environment 'test' changes step 'validate_crat', which isn't there; "
            "did you mean 'validate_cart'?"
        ),
    ]


def test_a_mapping_is_read_like_text() -> None:
    mapping = {
        "name": "order",
        "namespace_name": "shop",
        "version": "1.0.0",
        "steps": ({"name": "pay", "handler": {"callable": "pay"}},),
    }
    assert read_mapping(mapping, "mapping").template == read_template(ONE_STEP, "order.yaml").template


def test_findings_of_a_mapping_name_the_path() -> None:
    mapping = {
        "name": "order",
        "namespace_name": "shop",
        "version": "1.0.0",
        "steps": [{"name": "pay", "handler": {"callable": "pay"}, "dependencies": ["check"]}],
    }
    with pytest.raises(TemplateError) as caught:
        read_mapping(mapping, "mapping")
    errors = [str(finding) for finding in caught.value.findings if "error" in str(finding)]
    assert errors == [
        (
            "mapping: error MISSING_DEP_REF at steps[0].dependencies[0]: "
            "step 'pay' depends on 'check', which is no step of this template"
        )
    ]
