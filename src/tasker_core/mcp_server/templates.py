"""Tools about a template in hand, as YAML: they need neither a store nor a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from tasker_core.check.schema_diff import Deviation, changes, compare
from tasker_core.drawing.graph import graph_of_template
from tasker_core.drawing.mermaid import mermaid
from tasker_core.drawing.svg import svg
from tasker_core.errors import TemplateError
from tasker_core.generating import Models, handlers_source
from tasker_core.generating.outline import as_yaml, outline
from tasker_core.mcp_server.answer import as_text
from tasker_core.rules.template import Template
from tasker_core.rules.template_diff import difference
from tasker_core.rules.template_text import read_template


def template_validate(template: str) -> str:
    """Check a template, given as YAML: whether it can be used, and all that was found, with lines and suggestions."""
    try:
        read = read_template(template, "template.yaml")
    except TemplateError as error:
        return as_text({"valid": False, "findings": [str(each) for each in error.findings] or [str(error)]})
    return as_text({"valid": True, "name": str(read.template.identity), "findings": [str(f) for f in read.findings]})


def template_inspect(template: str) -> str:
    """Tell a template's steps, given as YAML: what runs each, what it waits for, how it is retried."""
    read = _read(template)
    return as_text(
        {
            "name": read.name, "namespace": read.namespace_name, "version": read.version,
            "description": read.description,
            "steps": [
                {
                    "name": step.name, "type": step.type, "handler": step.handler.callable,
                    "dependencies": list(step.dependencies), "max_attempts": step.retry_policy.max_attempts,
                    "ancestors": sorted(read.ancestors(step.name)), "has_result_schema": bool(step.result_schema),
                }
                for step in read.steps
            ],
        }
    )  # fmt: skip


def template_visualize(template: str, format: Literal["mermaid", "svg"] = "mermaid") -> str:
    """Draw a template, given as YAML."""
    read = _read(template)
    graph = graph_of_template(
        [
            {
                "name": step.name, "step_type": step.type, "handler": step.handler.callable,
                "dependencies": list(dict.fromkeys(step.dependencies)),
            }
            for step in read.steps
        ]
    )  # fmt: skip
    return svg(graph, str(read.identity)) if format == "svg" else mermaid(graph)


def handler_generate(template: str, steps: list[str] | None = None) -> str:
    """Make pydantic models and handlers to fill in, of a template given as YAML; of some of its steps only."""
    read = _read(template)
    models, module = Models.of(read), f"{read.name}_types"
    return as_text({f"{module}.py": models.source(), "handlers.py": handlers_source(read, models, module, steps or ())})


def schema_inspect(template: str) -> str:
    """Tell the schemas of a template, given as YAML: of its input, and of the result of each step."""
    read = _read(template)
    return as_text({"input": read.input_schema, "results": {step.name: step.result_schema for step in read.steps}})


def schema_compare(producer: dict[str, Any], consumer: dict[str, Any]) -> str:
    """Tell where what one JSON Schema describes doesn't fit what another one expects: codes, paths, what it means."""
    found = compare(producer, consumer)
    return as_text({"compatible": not any(each.is_breaking for each in found), "findings": _told(found)})


def schema_diff(old: str, new: str) -> str:
    """Tell what two templates, given as YAML, say otherwise; of their schemas with codes, and whether it may break."""
    before, after = _read(old), _read(new)
    found, said = changes(before, after), difference(before, after)
    breaking = any(each.is_breaking for each in found)
    return as_text({"same": not said, "breaking": breaking, "schemas": _told(found), "differences": said})


def template_generate(
    name: str, steps: list[str], namespace: str = "default", version: str = "1.0.0", params: list[str] | None = None
) -> str:
    """Make a template to begin with, as YAML. A step may have what it waits for after a colon, as ship:pay,pick; a
    parameter of the context its type after an equals sign, as order_id=integer."""
    return as_yaml(outline(name, namespace, version, steps, params or ()))


def _told(found: Sequence[Deviation]) -> list[dict[str, Any]]:
    return [{"code": each.code, "path": each.path, "breaking": each.is_breaking, "text": each.text} for each in found]


def _read(template: str) -> Template:
    return read_template(template, "template.yaml").template


OFFLINE: Mapping[str, Callable[..., Any]] = {
    tool.__name__: tool
    for tool in (
        template_validate, template_inspect, template_visualize, handler_generate, schema_inspect, schema_diff,
        schema_compare, template_generate,
    )
}  # fmt: skip
