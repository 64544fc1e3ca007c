"""Which keywords a decorated function is called with. Everything that can be known is worked out at decoration time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pydantic
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from tasker_core.errors import HandlerDeclarationError
from tasker_core.step_handler.endings import validation_failure
from tasker_core.step_handler.signatures import signature_of
from tasker_core.types import StepContext, StepHandlerResult

Getter: TypeAlias = Callable[[Any, StepContext], Any]
"""Takes the handler and the context, gives the keyword's value."""

Plan: TypeAlias = tuple[tuple[str, Getter], ...]
"""The keywords of a call, in order."""


TRANSACTION = "transaction"
"""The parameter that ``context.transaction`` is given to."""


class Refused(Exception):
    """The data a function asks for does not fit its model; ``result`` says how."""

    def __init__(self, result: StepHandlerResult) -> None:
        super().__init__(result.error_message)
        self.result = result


def plan_for(fn: Callable[..., Any], handler: str, offered: Mapping[str, Getter]) -> Plan:
    """The keywords of ``fn``: its declared dependencies and inputs, what its decorator offers, and the context.

    Raises:
        HandlerDeclarationError: a keyword that ``fn`` has no parameter for, two values for one parameter, or a
            parameter that nothing gives a value to.
    """
    signature = signature_of(fn)
    parameters = signature.parameters
    plan: dict[str, Getter] = {}

    def add(name: str, getter: Getter, source: str) -> None:
        if name in plan or (name in ("context", "_context") and source != "context"):
            raise HandlerDeclarationError(
                f"handler {handler!r}: parameter {name!r} of {fn.__qualname__} is given twice"
            )
        if not _takes(parameters, name):
            raise HandlerDeclarationError(
                f"handler {handler!r}: {source} gives {name!r}, but {fn.__qualname__}{signature} has no such parameter"
            )
        plan[name] = getter

    models = getattr(fn, "_dep_models", {})
    for name, step in getattr(fn, "_depends_on", {}).items():
        model = models.get(name)
        add(name, dependency(step) if model is None else typed_dependency(step, model), "@depends_on")
    if (model := getattr(fn, "_input_model", None)) is not None:
        add("inputs", model_inputs(model), f"@inputs({model.__name__})")
    for key in getattr(fn, "_inputs", ()):
        add(key, one_input(key), "@inputs")
    for name, getter in offered.items():
        if name not in plan and _takes(parameters, name):
            plan[name] = getter
    if TRANSACTION not in plan and TRANSACTION in parameters:
        if inspect.iscoroutinefunction(fn):
            raise HandlerDeclarationError(
                f"handler {handler!r}: {fn.__qualname__} is async, and {TRANSACTION!r} is a connection that blocks; "
                "make it a plain function"
            )
        add(TRANSACTION, lambda _handler, context: context.transaction, "context.transaction")
    for name in ("context", "_context"):
        if name in parameters:
            add(name, the_context, "context")
            break
    _check_all_given(fn, handler, plan, parameters)
    return tuple(plan.items())


def _takes(parameters: Mapping[str, inspect.Parameter], name: str) -> bool:
    if name in parameters:
        return parameters[name].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


def _check_all_given(
    fn: Callable[..., Any], handler: str, plan: Mapping[str, Getter], parameters: Mapping[str, inspect.Parameter]
) -> None:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    empty = inspect.Parameter.empty
    missing = [
        p.name for p in parameters.values() if p.kind not in variable and p.default is empty and p.name not in plan
    ]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise HandlerDeclarationError(
            f"handler {handler!r}: nothing gives {fn.__qualname__} its parameter {names}; name it in @depends_on or "
            f"@inputs below the handler's decorator, or give it a default"
        )


def the_context(_handler: Any, context: StepContext) -> StepContext:
    """The context itself."""
    return context


def dependency(step: str) -> Getter:
    """What an earlier step returned, as it is."""
    return lambda _handler, context: context.get_dependency_result(step)


def typed_dependency(step: str, model: type[BaseModel]) -> Getter:
    """What an earlier step returned, as a model when it is a dict."""
    validate = model.model_validate

    def get(_handler: Any, context: StepContext) -> Any:
        raw = context.get_dependency_result(step)
        if not isinstance(raw, dict):
            return raw
        try:
            return validate(raw)
        except pydantic.ValidationError as error:
            raise Refused(validation_failure(error, f"the result of step {step!r}")) from error

    return get


def one_input(key: str) -> Getter:
    """A field of the task's input, or None."""
    return lambda _handler, context: context.input_data.get(key)


def model_inputs(model: type[BaseModel]) -> Getter:
    """The task's input as a model. A field that is absent or None takes its default, where it has one."""
    populate_by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    fields = [
        (name, name if populate_by_name else _alias(name, field), field.is_required())
        for name, field in model.model_fields.items()
    ]

    def get(_handler: Any, context: StepContext) -> Any:
        given = context.input_data
        values = {alias: given.get(name) for name, alias, required in fields if required or given.get(name) is not None}
        try:
            return model(**values)
        except pydantic.ValidationError as error:
            raise Refused(validation_failure(error, "the task's input")) from error

    return get


def _alias(name: str, field: FieldInfo) -> str:
    """The key by which the model takes a field; the task's input always names it by the field's own name."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else name
