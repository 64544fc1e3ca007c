"""What steps say of their results, and of the events that these become: does the handler return it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasker_core.check.flows import Flow, StepCode
from tasker_core.check.schemas import Misfit, Shape, misfits, whole
from tasker_core.rules.findings import Level, Path, Place
from tasker_core.rules.spelling import nearest


def check_results(flow: Flow) -> None:
    """Compare each ``result_schema``, and the schema of each event that holds the result, with what is returned."""
    level: Level = "error" if flow.template.schema_validation == "enforce" else "warning"
    for code, handler in flow.coded():
        if handler.returns is not None and code.undoes is None and code.step.result_schema is not None:
            wanted = whole(code.step.result_schema)
            for misfit in misfits(handler.returns, wanted, lax=False):
                what = f"the result of {code.what}, by its 'result_schema',"
                _report(
                    flow, level, "RESULT_SCHEMA_MISMATCH", (*code.path, "result_schema"), what, misfit, handler.place
                )
    for code in flow.steps:
        if code.undoes is None:
            _check_events(flow, code)


def check_required(flow: Flow) -> None:
    """Report fields that a schema requires and doesn't describe: most likely one of both is misspelled."""
    template = flow.template
    schemas: list[tuple[Path, Mapping[str, Any] | None]] = [(("input_schema",), template.input_schema)]
    for number, step in enumerate(template.steps):
        schemas.append((("steps", number, "result_schema"), step.result_schema))
        for place, event in enumerate(step.publishes_events):
            schemas.append((("steps", number, "publishes_events", place, "schema"), event.payload_schema))
    for path, schema in schemas:
        for at, name, known in _undescribed(schema, path) if schema is not None else ():
            likely = nearest(name, known)
            right = f"did you mean {likely!r}?" if likely else "describe it under 'properties'"
            message = f"the schema requires {name!r} and has no such property"
            flow.findings.add("warning", "REQUIRED_UNKNOWN", at, message, right)


def _check_events(flow: Flow, code: StepCode) -> None:
    made = flow.result_of(code.step.name)
    declared = {event.name for event in flow.template.domain_events}
    for number, event in enumerate(code.step.publishes_events):
        path = (*code.path, "publishes_events", number)
        if declared and event.name not in declared:
            likely = nearest(event.name, declared)
            message = f"{code.what} publishes {event.name!r}, which 'domain_events' doesn't declare"
            right = f"did you mean {likely!r}?" if likely else "declare it there"
            flow.findings.add("warning", "EVENT_UNDECLARED", (*path, "name"), message, right)
        if event.publisher is not None or event.condition != "success" or made is None:
            continue
        place = code.handler.place if code.handler is not None else None
        for misfit in misfits(made, whole(event.payload_schema), lax=False):
            what = f"the payload of event {event.name!r}, which is the result of {code.what},"
            _report(flow, "warning", "EVENT_PAYLOAD", (*path, "schema"), what, misfit, place)


def _report(flow: Flow, level: Level, code: str, path: Path, what: str, misfit: Misfit, place: Place | None) -> None:
    match misfit.kind:
        case "missing":
            likely = nearest(misfit.path[-1], misfit.fields)
            right = f"did you mean {likely!r}?" if likely else "let the handler return it"
            flow.findings.add(
                level, code, path, f"{what} has {misfit.field!r}, and the handler never returns it", right, place
            )
        case "extra":
            message = f"{what} has no {misfit.field!r} and allows no other fields, and the handler returns it"
            flow.findings.add(level, code, path, message, "describe it, or allow additionalProperties", place)
        case "type":
            message = (
                f"{what} has {misfit.field or 'all of it'!r} as {misfit.wanted}, and the handler returns {misfit.made}"
            )
            flow.findings.add(level, code, path, message, "let both say the same type", place)
        case "null":
            message = f"{what} has {misfit.field!r} as {misfit.wanted}, and the handler may return nothing there"
            flow.findings.add("warning", code, path, message, "let the schema take null there", place)


def _undescribed(schema: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    shape = Shape(schema, schema)
    if shape.lists_fields:
        for number, name in enumerate(shape.required):
            if name not in shape.properties:
                yield (*path, "required", number), name, list(shape.properties)
    for name, inner in shape.properties.items():
        if isinstance(inner, Mapping):
            yield from _undescribed(inner, (*path, "properties", name))
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield from _undescribed(items, (*path, "items"))
