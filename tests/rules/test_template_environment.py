"""What an environment changes of a template, and what it can't."""

from __future__ import annotations

from typing import Any

from tasker_core.rules.template import Template
from tasker_core.rules.template_environment import in_environment
from tasker_core.rules.template_text import read_mapping
from tasker_core.words import RetryPolicy


def order(*overrides: dict[str, Any], environment: str = "production") -> Template:
    steps = [
        {
            "name": "pay",
            "handler": {"callable": "pay", "initialization": {"url": "http://test", "deep": {"a": 1}}},
            "retry": {"max_attempts": 7, "backoff_base_ms": 5},
            "timeout_seconds": 3,
        },
        {"name": "ship", "handler": {"callable": "ship"}, "dependencies": ["pay"]},
    ]
    return Template.from_content({
        "name": "order", "namespace_name": "shop", "version": "1.0.0", "steps": steps,
        "environments": {environment: {"steps": list(overrides)}},
    })  # fmt: skip


def test_another_environment_changes_nothing() -> None:
    template = order({"name": "ALL", "timeout_seconds": 9})
    for environment in ("", "development", "Production"):
        assert in_environment(template, environment).steps == template.steps


def test_settings_are_merged_and_a_retry_policy_is_replaced() -> None:
    changed = in_environment(
        order({
            "name": "pay", "timeout_seconds": 30, "retry": {"max_attempts": 2},
            "handler": {"initialization": {"url": "https://live", "deep": {"b": 2}}},
        }),
        "production",
    )  # fmt: skip
    pay = changed.step("pay")
    assert pay.handler.initialization == {"url": "https://live", "deep": {"b": 2}}
    assert (pay.timeout_seconds, pay.retry_policy) == (30, RetryPolicy(max_attempts=2)), "the base of 5 ms is gone, too"
    assert changed.step("ship").timeout_seconds is None


def test_all_are_every_step_and_a_name_goes_over_it_wherever_it_stands() -> None:
    named = {"name": "pay", "timeout_seconds": 30, "handler": {"initialization": {"url": "https://live"}}}
    every = {"name": "ALL", "timeout_seconds": 9, "handler": {"initialization": {"url": "x", "key": "k"}}}
    for overrides in ((named, every), (every, named)):
        changed = in_environment(order(*overrides), "production")
        assert {step.name: step.timeout_seconds for step in changed.steps} == {"pay": 30, "ship": 9}
        assert changed.step("pay").handler.initialization == {"url": "https://live", "deep": {"a": 1}, "key": "k"}
        assert changed.step("ship").handler.initialization == {"url": "x", "key": "k"}
    later = in_environment(order(every, {**every, "timeout_seconds": 8}), "production")
    assert later.step("ship").timeout_seconds == 8, "else the later goes over the earlier"


def test_what_a_step_is_cannot_be_changed() -> None:
    template = order({
        "name": "ship", "dependencies": [], "type": "decision", "handler": {"callable": "other", "method": "run"},
    })  # fmt: skip
    assert in_environment(template, "production").steps == template.steps
    read = read_mapping(template.model_dump(mode="json", by_alias=True) | {
        "environments": {"production": {"steps": [{"name": "ship", "handler": {"callable": "other"}}]}},
    }, "order")  # fmt: skip
    assert [f.code for f in read.findings if "callable" in f.message] == ["UNKNOWN_KEY"]


def test_the_template_itself_stays_as_it_was_written() -> None:
    template = order({"name": "ALL", "timeout_seconds": 9})
    digest = template.digest()
    changed = in_environment(template, "production")
    assert template.digest() == digest and template.step("ship").timeout_seconds is None
    assert changed.edges() == ((1, 2),) and changed.ancestors("ship") == {"pay"} and not changed.environments


def test_a_retry_policy_of_an_environment_is_looked_at_like_any_other() -> None:
    template = order({"name": "ALL", "retry": {"max_attempts": 0}})
    read = read_mapping(template.content(), "order")
    (found,) = [finding for finding in read.findings if finding.code == "NO_ATTEMPTS"]
    assert "'retry.max_attempts' of step 'ALL' in environment 'production' is 0" in found.message
