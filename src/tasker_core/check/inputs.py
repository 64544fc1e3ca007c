"""What handlers take from the task's context and from their settings: is it there, and of that type?"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasker_core.check.flows import Flow, StepCode, Uses
from tasker_core.check.handlers import Handler
from tasker_core.check.models import plain_types, taken
from tasker_core.check.schemas import Shape, in_words, misfits, whole
from tasker_core.rules.findings import Path, Place
from tasker_core.rules.schema import InvalidSchema, Schema
from tasker_core.rules.spelling import nearest


def check_inputs(flow: Flow, uses: Uses) -> None:
    """Compare what is read of the context with ``input_schema``, and what is read of settings with these."""
    shape = flow.input_shape
    _check_defaults(flow)
    if shape is not None:
        _check_keys_of_limits(flow, shape)
    for code, handler in flow.coded():
        if shape is not None:
            _check_named(flow, shape, code, handler, uses)
            if handler.input_model is not None:
                _check_model(flow, shape, code, handler, handler.input_model)
        _check_settings(flow, code, handler, uses)


def _check_named(flow: Flow, shape: Shape, code: StepCode, handler: Handler, uses: Uses) -> None:
    for name, place in handler.inputs:
        declared, there = plain_types(handler.hints.get(name)), shape.field(name)
        said = there.types() if there is not None else None
        if declared and said and not (declared | {"null"}) & said:
            message = f"handler {handler.name!r} of {code.what} declares {name!r} as {in_words(declared)}"
            path: Path = ("input_schema", "properties", name)
            right = f"'input_schema' says {in_words(said)}: let both say the same type"
            flow.findings.add("warning", "INPUT_TYPE", path, message, right, place)
    reads: list[tuple[str, tuple[str, ...], Place | None]] = [(name, (), place) for name, place in handler.inputs]
    if handler.body is not None:
        reads += [(read.name, read.path, read.place) for read in handler.body.reads if read.kind == "input"]
    for name, path, place in reads:
        if name in uses[handler].inputs and shape.field(name) is None:
            continue
        _check_path(flow, shape, (name, *path), f"handler {handler.name!r} of {code.what}", place)


def _check_path(flow: Flow, shape: Shape, path: tuple[str, ...], who: str, place: Place | None) -> None:
    there: Shape | None = shape
    for depth, key in enumerate(path):
        if there is None or not (there.is_complete or there.lists_fields):
            return
        inner = there.field(key)
        if inner is None:
            likely = nearest(key, there.properties)
            right = (
                f"did you mean {likely!r}?" if likely else f"add it to 'input_schema', or read one of {_listed(there)}"
            )
            message = f"{who} reads {'.'.join(path[: depth + 1])!r} of the context, which 'input_schema' doesn't know"
            flow.findings.add("warning", "INPUT_UNKNOWN", ("input_schema", "properties"), message, right, place)
            return
        there = inner


def _check_model(flow: Flow, shape: Shape, code: StepCode, handler: Handler, model: type[BaseModel]) -> None:
    wanted = _by_field(model)
    if wanted is None:
        return
    who, place = f"{model.__name__}, which {code.what} takes as its input,", handler.inputs_place
    at: Path = ("input_schema",)
    for misfit in misfits(shape, wanted, lax=True):
        match misfit.kind:
            case "missing":
                likely = nearest(misfit.path[-1], misfit.fields)
                right = f"did you mean {likely!r}?" if likely else "add it to 'input_schema', as required"
                message = f"{who} needs {misfit.field!r}, which 'input_schema' doesn't know"
                flow.findings.add("error", "INPUT_FIELD_MISSING", (*at, "properties"), message, right, place)
            case "may_be_missing":
                message = f"{who} needs {misfit.field!r}, which 'input_schema' doesn't require"
                right = "add it to 'required', or give the model's field a default"
                flow.findings.add("warning", "INPUT_MAY_BE_MISSING", (*at, "required"), message, right, place)
            case "type":
                message = f"{who} wants {misfit.field!r} as {misfit.wanted}; 'input_schema' says {misfit.made}"
                path = (*at, "properties", misfit.path[0])
                flow.findings.add("error", "INPUT_TYPE", path, message, "let both say the same type", place)
            case "null":
                message = f"{who} takes {misfit.field!r} as {misfit.wanted}; by 'input_schema' it may be null"
                path = (*at, "properties", misfit.path[0])
                flow.findings.add("warning", "INPUT_TYPE", path, message, "let the model take None there", place)
    if not shape.lists_fields and not shape.is_complete:
        return
    unread = [name for name in shape.properties if name not in wanted.properties]
    for name in wanted.properties:
        likely = nearest(name, unread) if name not in shape.properties and name not in wanted.required else None
        if likely is not None:
            message = f"{who} reads {name!r}, which 'input_schema' doesn't know"
            path = (*at, "properties", likely)
            flow.findings.add("warning", "INPUT_UNKNOWN", path, message, f"did you mean {likely!r}?", place)


def _by_field(model: type[BaseModel]) -> Shape | None:
    """What the model takes, its own fields by their names: so the task's input names them, whatever their aliases."""
    shape = taken(model)
    if shape is None or not shape.is_object:
        return None
    names: dict[str, str] = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias or field.alias
        names[alias if isinstance(alias, str) else name] = name
    document = {
        **shape.document,
        **shape.schema,
        "properties": {names.get(key, key): schema for key, schema in shape.properties.items()},
        "required": [names.get(key, key) for key in shape.required],
        "x-other-names": {},
    }
    document.pop("$ref", None)
    return whole(document)


def _check_settings(flow: Flow, code: StepCode, handler: Handler, uses: Uses) -> None:
    """Settings that are read and aren't said: a slip of spelling, or one whose lack would break the handler."""
    if handler.body is None:
        return
    said = code.step.handler.initialization
    reads = [read for read in handler.body.reads if read.kind == "setting"]
    unread = [name for name in said if name not in {read.name for read in reads}]
    for read in reads:
        if read.name in uses[handler].settings:
            continue
        likely = nearest(read.name, unread)
        if likely is None and not read.is_needed:
            continue
        right = f"did you mean {likely!r}?" if likely else f"add {read.name!r} to 'handler.initialization'"
        message = f"handler {handler.name!r} of {code.what} reads the setting {read.name!r}, which isn't said"
        path = (*code.path, "handler", "initialization") if said else (*code.path, "handler")
        flow.findings.add("error" if read.is_needed else "warning", "SETTING_UNKNOWN", path, message, right, read.place)


def _check_keys_of_limits(flow: Flow, shape: Shape) -> None:
    for code in flow.steps:
        limits = code.step.concurrency if code.undoes is None else None
        if limits is not None and limits.key is not None:
            parts = tuple(limits.key.split("."))
            there: Shape | None = shape
            for part in parts:
                if there is None or not (there.is_complete or there.lists_fields):
                    break
                if there.field(part) is None:
                    likely = nearest(part, there.properties)
                    message = f"'concurrency.key' of {code.what} is {limits.key!r}, which 'input_schema' doesn't know"
                    right = f"did you mean {likely!r}?" if likely else f"it knows {_listed(there)}"
                    flow.findings.add("warning", "INPUT_UNKNOWN", (*code.path, "concurrency", "key"), message, right)
                    break
                there = there.field(part)


def _check_defaults(flow: Flow) -> None:
    """``default_context`` has to fit ``input_schema`` as far as it goes."""
    schema, defaults = flow.template.input_schema, flow.template.default_context
    if not schema or not defaults:
        return
    partial: dict[str, Any] = {key: value for key, value in schema.items() if key not in ("required", "minProperties")}
    try:
        violations = Schema(partial).violations(defaults)
    except InvalidSchema:
        return
    for violation in violations:
        name = violation.path.lstrip("/").partition("/")[0]
        path: Path = ("default_context", name) if name else ("default_context",)
        message = f"'default_context' doesn't fit 'input_schema': {violation.path or 'it'}: {violation.message}"
        flow.findings.add("warning", "DEFAULT_CONTEXT_MISFIT", path, message, "let both say the same")
    known = flow.template.input_schema.get("properties") if flow.template.input_schema else None
    shape = whole(schema)
    for name in defaults:
        if isinstance(known, dict) and shape.lists_fields and name not in known:
            likely = nearest(name, known)
            if likely is not None and likely not in defaults:
                message = f"'default_context' has {name!r}, which 'input_schema' doesn't know"
                path = ("default_context", name)
                flow.findings.add("warning", "DEFAULT_CONTEXT_MISFIT", path, message, f"did you mean {likely!r}?")


def _listed(shape: Shape) -> str:
    names = sorted(shape.properties)
    return ", ".join(map(repr, names[:8])) + (" and more" if len(names) > 8 else "")
