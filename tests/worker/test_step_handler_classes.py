"""The class form, and decisions in both forms."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core import errors
from tasker_core.step_handler import (
    Decision,
    DecisionHandler,
    DecisionMixin,
    StepHandler,
    base,
    decision,
    decision_handler,
    inputs,
    mixins,
)
from tasker_core.types import DecisionPointOutcome, StepContext, StepHandlerResult


def context(**input_data: Any) -> StepContext:
    return StepContext.model_validate(
        {
            "task_uuid": "01980000-0000-7000-8000-000000000000",
            "step_uuid": "01980000-0000-7000-8000-000000000001",
            "correlation_id": "01980000-0000-7000-8000-000000000002",
            "handler_name": "h",
            "input_data": input_data,
        }
    )


class Greet(StepHandler):
    handler_name = "greet"
    handler_version = "1.1.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        if name := context.get_input("name"):
            return self.success({"greeting": f"hello {name}"}, {"language": "en"})
        return self.failure("nobody to greet", "no_name", retryable=False, error_code="G-1")


class Nameless(StepHandler):
    async def call(self, context: StepContext) -> StepHandlerResult:
        return self.success()


def test_a_class_handler() -> None:
    handler = Greet()
    assert repr(handler) == "Greet(name='greet', version='1.1.0')"
    assert (handler.name, handler.version, handler.capabilities) == ("greet", "1.1.0", ["process"])
    assert handler.config_schema() is None
    done = handler.call(context(name="Ann"))
    assert (done.result, done.metadata) == ({"greeting": "hello Ann"}, {"language": "en"})
    failed = handler.call(context())
    assert (failed.error_type, failed.retryable, failed.error_code) == ("no_name", False, "G-1")


def test_a_class_without_a_name_goes_by_its_own() -> None:
    assert Nameless().name == "Nameless"
    assert Nameless().success().result == {}


def test_call_must_be_written() -> None:
    with pytest.raises(TypeError):
        StepHandler()  # type: ignore[abstract]  # proves that it is


def test_contract_names_are_where_code_looks_for_them() -> None:
    assert base.StepHandlerCallResult is not None
    assert mixins.DecisionMixin is DecisionMixin and decision.DecisionHandler is DecisionHandler


class Route(DecisionHandler):
    handler_name = "route"
    handler_version = "3.0.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.route_to_steps(["by_air"], {"km": 9000}, {"mine": 1})


SIGNED = {"decision_handler": "route", "decision_version": "3.0.0"}


def test_a_decision_creates_steps() -> None:
    ending = Route().call(context())
    assert ending.result == {
        "decision_point_outcome": {"type": "create_steps", "step_names": ["by_air"]},
        "routing_context": {"km": 9000},
    }
    assert ending.metadata == {"mine": 1, **SIGNED}
    assert Route().capabilities == ["process", "decision", "routing"]


def test_a_decision_without_branches() -> None:
    ending = Route().skip_branches("digital goods", metadata={"mine": 1})
    assert ending.result == {"decision_point_outcome": {"type": "no_branches"}, "reason": "digital goods"}
    assert ending.metadata == {"mine": 1, **SIGNED}
    again = Route().decision_no_branches(DecisionPointOutcome.no_branches("x", routing_context={"a": 1}))
    assert again.result is not None and again.result["routing_context"] == {"a": 1}


def test_a_decision_with_an_outcome_keeps_its_dynamic_steps() -> None:
    outcome = DecisionPointOutcome.create_steps(["a"], dynamic_steps=[{"name": "b"}])
    ending = Route().decision_success_with_outcome(outcome)
    assert ending.result is not None and ending.result["dynamic_steps"] == [{"name": "b"}]


def test_a_decision_can_fail() -> None:
    ending = Route().decision_failure("no carrier")
    assert (ending.error_type, ending.retryable, ending.metadata) == ("decision_error", False, SIGNED)


def test_the_callers_metadata_is_left_alone() -> None:
    given: dict[str, Any] = {"mine": 1}
    Route().decision_success(["a"], metadata=given)
    assert given == {"mine": 1}


def test_steps_come_as_a_list() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"\['by_air'\], not 'by_air'"):
        Route().decision_success("by_air")


def test_a_decision_function() -> None:
    @decision_handler("choose")
    @inputs("km")
    def choose(km: int | None) -> Any:
        if km is None:
            return Decision.skip("no distance", asked=True)
        return Decision.route(["by_air"], km=km) if km > 1000 else {"plain": True}

    handler = choose._handler_class()  # type: ignore[attr-defined]  # set by the decorator
    signed = {"decision_handler": "choose", "decision_version": "1.0.0"}
    far = handler.call(context(km=9000))
    assert far.result == {
        "decision_point_outcome": {"type": "create_steps", "step_names": ["by_air"]},
        "routing_context": {"km": 9000},
    }
    assert far.metadata == signed
    unknown = handler.call(context())
    assert unknown.result == {
        "decision_point_outcome": {"type": "no_branches"},
        "reason": "no distance",
        "routing_context": {"asked": True},
    }
    assert handler.call(context(km=1)).result == {"plain": True}
