"""Whether the handlers of a process can run a template, found before a task meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tasker_core.registry import HandlerRegistry
from tasker_core.registry.template_check import check_handlers
from tasker_core.rules.findings import Findings
from tasker_core.rules.template_text import read_template
from tasker_core.step_handler import StepHandler, step_handler
from tasker_core.types import StepContext, StepHandlerResult
from tests.support.workshop import tasker


@step_handler("pay")
def pay() -> None: ...


class Stock(StepHandler):
    handler_name = "stock"
    schema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {"limit": {"type": "integer"}}}

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success()

    def release(self, context: StepContext) -> StepHandlerResult:
        return self.success()

    def config_schema(self) -> dict[str, Any] | None:
        return self.schema


class Broken(Stock):
    handler_name = "broken"
    schema: ClassVar[dict[str, Any]] = {"type": "objct"}


@pytest.fixture
def registry() -> HandlerRegistry:
    registry = HandlerRegistry()
    registry.register("pay", pay)
    for handler in (Stock, Broken):
        registry.register(handler.handler_name, handler)
    return registry


def found(registry: HandlerRegistry, *handlers: str) -> list[str]:
    """What is found in a template with a step for each of ``handlers``, written as YAML."""
    steps = "".join(f"  - name: s{n}\n    handler:\n      {handler}\n" for n, handler in enumerate(handlers, 1))
    text = f"name: order\nnamespace_name: shop\nversion: 1.0.0\nsteps:\n{steps}"
    read = read_template(text, "order.yaml")
    findings = Findings("order.yaml")
    findings.line_of = read.line_of
    check_handlers(read.template, registry, findings)
    return [str(finding) for finding in findings.in_order()]


def test_a_template_that_can_be_run(registry: HandlerRegistry) -> None:
    settings = "callable: stock\n      method: release\n      initialization: {limit: 3}"
    assert found(registry, "callable: pay", settings) == []


def test_a_handler_that_is_not_there(registry: HandlerRegistry) -> None:
    (said,) = found(registry, "callable: pay", "callable: stok")
    assert said == (
        "order.yaml:10: error HANDLER_NOT_FOUND: step 's2' can't be run: no handler is registered as 'stok'; "
        "did you mean 'stock'?"
    )


def test_a_method_that_is_not_there(registry: HandlerRegistry) -> None:
    assert found(registry, "callable: pay\n      method: refund") == [
        "order.yaml:8: warning METHOD_MISSING: step 's1' names the method 'refund', which pay doesn't have: 'call' runs"
    ]


def test_settings_that_the_handler_does_not_take(registry: HandlerRegistry) -> None:
    (said,) = found(registry, "callable: stock\n      initialization: {limit: three}")
    assert said == (
        "order.yaml:8: warning BAD_SETTINGS: 'handler.initialization' of step 's1': "
        '/limit: the value is not of type "integer"'
    )
    (said,) = found(registry, "callable: broken")
    assert 'INVALID_SCHEMA: config_schema() of broken isn\'t valid JSON Schema: "objct" is not valid' in said


def test_a_resolver_that_is_not_there(registry: HandlerRegistry) -> None:
    (said,) = found(registry, "callable: pay\n      resolver: mine")
    assert "error HANDLER_NOT_FOUND" in said and "asks for the resolver 'mine'" in said


def test_the_command_checks_handlers_when_asked(tmp_path: Path) -> None:
    step = {"name": "greet", "handler": {"callable": "greet", "method": "wave"}}
    template = {"name": "hello", "namespace_name": "shop", "version": "1.0.0", "steps": [step]}
    file = tmp_path / "hello.yaml"
    file.write_text(yaml.safe_dump(template, sort_keys=False))
    plain = tasker("template", "validate", file)
    assert plain.code == 0 and "METHOD_MISSING" not in plain.out
    handlers = ("--handlers", "tests.support.workshop.handlers")
    warned = tasker("template", "validate", file, *handlers)
    assert warned.code == 0 and "hello.yaml:8: warning METHOD_MISSING" in warned.out
    step["handler"] = {"callable": "gret"}
    file.write_text(yaml.safe_dump(template, sort_keys=False))
    refused = tasker("template", "validate", file, *handlers)
    assert refused.code == 1 and "error HANDLER_NOT_FOUND" in refused.out and "did you mean 'greet'?" in refused.out
    (told,) = json.loads(tasker("template", "validate", file, *handlers, "--json").out)
    assert not told["valid"] and "HANDLER_NOT_FOUND" in [finding["code"] for finding in told["findings"]]
    lost = tasker("template", "validate", file, "--handlers", "no_such_package")
    assert lost.code == 2 and "no_such_package" in lost.err
