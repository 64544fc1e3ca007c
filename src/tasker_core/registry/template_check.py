"""Can the handlers of this process run a template?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.errors import ResolutionError
from tasker_core.registry.handler_definition import HandlerDefinition
from tasker_core.registry.handler_registry import HandlerRegistry
from tasker_core.registry.lookup import ResolvedHandler
from tasker_core.rules.findings import Findings, Path
from tasker_core.rules.schema import InvalidSchema, Schema
from tasker_core.rules.template import StepTemplate, Template


def check_handlers(template: Template, registry: HandlerRegistry, findings: Findings) -> None:
    """Report each step whose handler isn't found, hasn't the method that is named, or refuses its settings."""
    places: list[Path] = [("steps", number, "handler") for number, _ in enumerate(template.steps)]
    places += [("steps", no - 1, "compensate", "handler") for no in template.undo_steps]
    for path, step in zip(places, template.every_step, strict=True):
        try:
            found = registry.lookup(definition_of(step), allow_import=True)
        except ResolutionError as error:
            findings.error("HANDLER_NOT_FOUND", (*path, "callable"), f"step {step.name!r} can't be run: {error}")
            continue
        if found.method_missing:
            findings.warning("METHOD_MISSING", (*path, "method"), method_missing(step, found))
        _check_settings(step, found, (*path, "initialization"), findings)


def definition_of(step: StepTemplate) -> HandlerDefinition:
    """What a step says of its handler, as the registry asks for it."""
    spec = step.handler
    return HandlerDefinition(spec.callable, spec.method, spec.resolver, dict(spec.initialization))


def method_missing(step: StepTemplate, found: ResolvedHandler) -> str:
    """What is said of a step whose handler hasn't the method that the template names."""
    return f"step {step.name!r} names the method {step.handler.method!r}, which {found.name} doesn't have: 'call' runs"


def _check_settings(step: StepTemplate, found: ResolvedHandler, path: Path, findings: Findings) -> None:
    try:
        schema = _config_schema(found, step.handler.initialization)
        violations = Schema(schema).violations(dict(step.handler.initialization)) if schema is not None else ()
    except InvalidSchema as error:
        findings.warning("INVALID_SCHEMA", path, f"config_schema() of {found.name} isn't valid JSON Schema: {error}")
        return
    for violation in violations:
        findings.warning("BAD_SETTINGS", path, f"'handler.initialization' of step {step.name!r}: {violation}")


def _config_schema(found: ResolvedHandler, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    ask = getattr(found.make(settings), "config_schema", None)
    schema: dict[str, Any] | None = ask() if callable(ask) else None
    return schema
