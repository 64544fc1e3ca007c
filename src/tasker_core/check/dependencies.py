"""What handlers take from earlier steps: do these steps run before, and is it in their results?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel

from tasker_core.check.flows import Flow, StepCode, Uses
from tasker_core.check.handlers import Dependency, Handler
from tasker_core.check.models import taken
from tasker_core.check.schemas import Misfit, Shape, misfits
from tasker_core.rules.findings import Path, Place
from tasker_core.rules.spelling import nearest


def check_dependencies(flow: Flow, uses: Uses) -> None:
    """Report results that a handler wants and can't get, and those that aren't what it takes."""
    for code, handler in flow.coded():
        for dependency in handler.dependencies:
            if _is_there(flow, code, handler, dependency.step, dependency.place, uses, dependency.is_optional):
                _check_model(flow, code, dependency)
        if handler.body is None:
            continue
        there: dict[str, bool] = {}
        for read in handler.body.reads:
            if read.kind != "dependency":
                continue
            if read.name not in there:
                there[read.name] = _is_there(flow, code, handler, read.name, read.place, uses, True)
            if there[read.name]:
                _check_path(flow, code, read.name, read.path, read.place)
        by_parameter = {dependency.parameter: dependency for dependency in handler.dependencies}
        for read in handler.body.parameter_reads:
            wanted = by_parameter.get(read.name)
            if wanted is not None and wanted.model is None:
                _check_path(flow, code, wanted.step, read.path, read.place)
        _check_attributes(flow, code, handler, by_parameter)


def _is_there(
    flow: Flow, code: StepCode, handler: Handler, name: str, place: Place | None, uses: Uses, is_optional: bool
) -> bool:
    """Whether the step is one before this one; reported where not."""
    before, path = flow.before(code), _waits_at(code)
    wants = f"handler {handler.name!r} of {code.what} takes the result of {name!r}"
    if name in before:
        step = flow.named(name)
        if step is not None and step.step.type == "batch_worker":
            message = f"{wants}, a pattern that never runs itself: only its instances have results"
            right = f"read those of '{name}_001', '{name}_002' ... with get_all_dependency_results('{name}_')"
            flow.findings.add("error", "DEPENDENCY_IS_PATTERN", path, message, right, place)
        return True
    if _is_instance(flow, name):
        return False
    if name in flow.names:
        if is_optional and name in uses[handler].before:
            return False
        if name == code.step.name:
            flow.findings.add("error", "DEPENDENCY_NOT_BEFORE", path, f"{wants}, which is the step itself", "", place)
        else:
            right = f"add {name!r} to the dependencies of {code.undoes or code.step.name!r}, or of a step before it"
            message = f"{wants}, which doesn't run before it: it would get None"
            flow.findings.add("error", "DEPENDENCY_NOT_BEFORE", path, message, right, place)
        return False
    # A handler that takes None as well may run in several templates, of which only some have that step.
    if is_optional and name in uses[handler].steps:
        return False
    likely = nearest(name, before) or nearest(name, flow.names)
    right = f"did you mean {likely!r}?" if likely else f"before it run {_listed(before)}"
    flow.findings.add("error", "DEPENDENCY_UNKNOWN", path, f"{wants}, which is no step of this template", right, place)
    return False


def _check_model(flow: Flow, code: StepCode, dependency: Dependency) -> None:
    if dependency.model is None:
        return
    made, wanted = flow.result_of(dependency.step), taken(dependency.model)
    if made is None or wanted is None:
        return
    for misfit in misfits(made, wanted, lax=True):
        if misfit.kind == "may_be_missing" and not made.required:
            continue  # a schema that requires nothing says nothing of what is there
        _report(flow, code, _Wanted(dependency.step, dependency.model, dependency.place, made.is_closed), misfit)


@dataclass(frozen=True)
class _Wanted:
    step: str
    model: type[BaseModel]
    place: Place | None
    is_sure: bool
    """Whether the handler's code says what the result is, not the template's schema."""


def _report(flow: Flow, code: StepCode, wanted: _Wanted, misfit: Misfit) -> None:
    path, model = _waits_at(code), wanted.model.__name__
    of = f"{misfit.field!r} of the result of step {wanted.step!r}" if misfit.path else f"the result of {wanted.step!r}"
    match misfit.kind:
        case "missing":
            likely = nearest(misfit.path[-1], misfit.fields)
            right = f"did you mean {likely!r}?" if likely else f"the result has {_listed(misfit.fields)}"
            message = f"{code.what} needs {of} for its {model}, and it isn't there"
            flow.findings.add("error", "RESULT_FIELD_MISSING", path, message, right, wanted.place)
        case "extra":
            message = f"{code.what} is given {of}, and its {model} forbids fields that it doesn't know"
            right = f"add it to {model}, or don't forbid extra fields"
            flow.findings.add("error", "RESULT_FIELD_EXTRA", path, message, right, wanted.place)
        case "may_be_missing":
            message = f"{code.what} needs {of} for its {model}, and its 'result_schema' doesn't require it"
            flow.findings.add(
                "warning", "RESULT_FIELD_UNSURE", path, message, "add it to 'required' there", wanted.place
            )
        case "type":
            message = f"{code.what} takes {of} as {misfit.wanted} ({model}), and it is {misfit.made}"
            flow.findings.add("error", "RESULT_TYPE", path, message, "let both say the same type", wanted.place)
        case "null":
            message = f"{code.what} takes {of} as {misfit.wanted} ({model}), and it may be nothing"
            right = f"let {model} take None there, or let step {wanted.step!r} always give a value"
            flow.findings.add("warning", "RESULT_MAY_BE_NULL", path, message, right, wanted.place)


def _check_path(flow: Flow, code: StepCode, step: str, path: tuple[str, ...], place: Place) -> None:
    """A field that a handler reads by its name."""
    shape: Shape | None = flow.result_of(step)
    for depth, key in enumerate(path):
        if shape is None or not shape.is_object:
            return
        inner = shape.field(key)
        if inner is None:
            if shape.is_complete or shape.lists_fields:
                likely = nearest(key, shape.properties)
                right = f"did you mean {likely!r}?" if likely else f"it has {_listed(shape.properties)}"
                field = ".".join(path[: depth + 1])
                message = f"{code.what} reads {field!r} of the result of step {step!r}, where it never is"
                flow.findings.add("error", "RESULT_FIELD_MISSING", _waits_at(code), message, right, place)
            return
        shape = inner


def _check_attributes(flow: Flow, code: StepCode, handler: Handler, by_parameter: dict[str, Dependency]) -> None:
    """Attributes of models that these don't have, and those of dicts."""
    assert handler.body is not None
    for read in handler.body.attribute_reads:
        (name,) = read.path
        dependency = by_parameter.get(read.name)
        model = dependency.model if dependency else handler.input_model if read.name == "inputs" else None
        if model is not None:
            if not _has(model, name):
                likely = nearest(name, model.model_fields)
                right = f"did you mean {likely!r}?" if likely else f"it has {_listed(model.model_fields)}"
                message = f"handler {handler.name!r} reads {read.name}.{name}, and {model.__name__} has no {name!r}"
                flow.findings.add("error", "ATTRIBUTE_UNKNOWN", (*code.path, "handler"), message, right, read.place)
        elif dependency is not None and not hasattr(dict, name):
            shape = flow.result_of(dependency.step)
            if shape is not None and shape.is_object:
                message = (
                    f"handler {handler.name!r} reads {read.name}.{name}, and is given a dict, as no model is named"
                )
                right = f"write @depends_on({read.name}=({dependency.step!r}, Model)), or {read.name}[{name!r}]"
                flow.findings.add("error", "ATTRIBUTE_UNKNOWN", (*code.path, "handler"), message, right, read.place)


def _has(model: type[BaseModel], name: str) -> bool:
    if name in model.model_fields or hasattr(model, name) or name in model.__private_attributes__:
        return True
    has_own = any("__getattr__" in vars(cls) for cls in model.__mro__ if cls not in BaseModel.__mro__)
    return model.model_config.get("extra") == "allow" or has_own


def _waits_at(code: StepCode) -> Path:
    if code.undoes is None and code.step.dependencies:
        return (*code.path, "dependencies")
    return (*code.path, "handler")


def _is_instance(flow: Flow, name: str) -> bool:
    match = re.fullmatch(r"(.+)_\d+", name)
    step = flow.named(match[1]) if match else None
    return step is not None and step.step.type == "batch_worker"


def _listed(names: object) -> str:
    some = sorted(str(name) for name in names) if hasattr(names, "__iter__") else []
    return ", ".join(map(repr, some[:8])) + (" and more" if len(some) > 8 else "") if some else "nothing"
