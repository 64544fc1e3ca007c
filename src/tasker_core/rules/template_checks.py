"""Checks of what a well-formed template says: its graph, its schemas, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasker_core.rules import schema as json_schema
from tasker_core.rules.batches import MOST_STEPS_WITH_BATCHES
from tasker_core.rules.expand import DEEPEST_DECISIONS, Growth
from tasker_core.rules.findings import Findings, Path, found
from tasker_core.rules.graph import find_cycle
from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_batches import check_batches
from tasker_core.rules.template_blocks import Compensation, Retry
from tasker_core.rules.template_kept import report_kept

_USUAL = {
    "max_attempts": (1, 100),
    "backoff_base_ms": (1, 3_600_000),
    "max_backoff_ms": (1, 3_600_000),
}
"""What a retry policy is meant to hold; beyond it a template is loaded all the same."""


class Outline(NamedTuple):
    """The names of the steps and what each waits for, as far as they could be read; None stands for the unreadable."""

    names: Sequence[str | None]
    dependencies: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, data: Any) -> Outline:
        """The outline of a template's raw data: what can be told of the graph though something else be wrong."""
        steps = data.get("steps") if isinstance(data, Mapping) else None
        steps = [step if isinstance(step, Mapping) else {} for step in steps] if isinstance(steps, list) else []
        names = [name if isinstance(name := step.get("name"), str) else None for step in steps]
        waits = [step.get("dependencies") or step.get("depends_on") for step in steps]
        return cls(names, [wait if isinstance(wait, list) else [] for wait in waits])


def check_graph(outline: Outline, findings: Findings) -> None:
    """Report duplicate steps, dependencies that can't be, cycles, and steps that stand alone."""
    places: dict[str, int] = {}
    for number, name in enumerate(outline.names):
        if name is None:
            continue
        if name in places:
            message = f"step {name!r} is defined twice; it is already step number {places[name] + 1}"
            findings.error("DUPLICATE_STEP_NAME", ("steps", number, "name"), message)
        places.setdefault(name, number)
    edges = _edges(outline, places, findings)
    if cycle := find_cycle(places, edges):
        path = _wait(outline, places, cycle)
        circle = " -> ".join((*cycle, cycle[0]))
        findings.error("CYCLE_DETECTED", path, f"these steps wait for each other, so none can start: {circle}")
    if edges:
        tied = {name for edge in edges for name in edge}
        for name, number in places.items():
            if name not in tied and not outline.dependencies[number]:
                message = f"step {name!r} depends on no other and no other depends on it"
                findings.warning("ORPHAN_STEP", ("steps", number), message)


def check_step(step: StepTemplate, path: Path, findings: Findings) -> None:
    """Report what is wrong with one step, or kept and not acted on."""
    what = f"step {step.name!r}"
    if step.retry:
        _check_retry(step.retry, (*path, "retry"), what, findings)
    if step.result_schema is not None:
        check_schema(step.result_schema, (*path, "result_schema"), f"'result_schema' of {what}", findings)
    for number, event in enumerate(step.publishes_events):
        place = (*path, "publishes_events", number, "schema")
        check_schema(event.payload_schema, place, f"the schema of event {event.name!r} of {what}", findings)
    if step.compensate is not None:
        _check_compensation(step, step.compensate, (*path, "compensate"), findings)
    report_kept(step, path, what, findings)
    report_kept(step.handler, (*path, "handler"), f"the handler of {what}", findings)


def _check_compensation(step: StepTemplate, compensate: Compensation, path: Path, findings: Findings) -> None:
    what = f"step {step.name!r}"
    if step.type == "batch_worker":
        message = (
            f"{what} is a batch worker, and the pieces of a batch can't be undone one by one; let the step that cuts "
            "the batch, or the one behind it, have the compensation"
        )
        findings.error("BATCH_WORKER_UNDONE", path, message)
    if compensate.retry:
        _check_retry(compensate.retry, (*path, "retry"), f"the compensation of {what}", findings)


def check_whole(template: Template, findings: Findings) -> None:
    """Report what is wrong with the template beyond its steps, or kept and not acted on."""
    if template.input_schema is not None:
        check_schema(template.input_schema, ("input_schema",), "'input_schema'", findings)
    for number, event in enumerate(template.domain_events):
        if event.payload_schema is not None:
            place = ("domain_events", number, "schema")
            check_schema(event.payload_schema, place, f"the schema of event {event.name!r}", findings)
    _check_environments(template, findings)
    _check_decisions(template, findings)
    check_batches(template, findings)
    if template.undo_steps and len(template.steps) > MOST_STEPS_WITH_BATCHES:
        message = f"a template with compensations can have {MOST_STEPS_WITH_BATCHES:,} steps at most; this one has more"
        findings.error("TOO_MANY_STEPS", ("steps",), message)
    report_kept(template, (), "", findings)
    if without := [step.name for step in template.steps if step.result_schema is None]:
        some = ", ".join(without[:5]) + (", ..." if len(without) > 5 else "")
        message = f"{len(without)} of {len(template.steps)} steps have no 'result_schema': {some}"
        findings.info("NO_RESULT_SCHEMA", ("steps",), message)


def _check_decisions(template: Template, findings: Findings) -> None:
    names = {step.name for step in template.steps}
    if any(parent not in names for step in template.steps for parent in step.dependencies):
        return
    growth = Growth.of(template)
    for no in sorted(growth.decisions):
        if not growth.choices(no):
            message = f"no step depends on decision {template.steps[no - 1].name!r}, so it has nothing to choose from"
            findings.warning("NOTHING_TO_DECIDE", ("steps", no - 1), message)
    for no in sorted(growth.deferred):
        if not template.steps[no - 1].dependencies:
            message = f"step {template.steps[no - 1].name!r} converges on no step; list all that may come before it"
            findings.error("NOTHING_TO_CONVERGE", ("steps", no - 1), message)
    if growth.depth > DEEPEST_DECISIONS:
        message = f"{growth.depth} decisions stand one behind the other; {DEEPEST_DECISIONS} at most may"
        findings.error("DECISIONS_TOO_DEEP", ("steps",), message)


def check_schema(schema: dict[str, Any], path: Path, what: str, findings: Findings) -> None:
    """Report a mapping that isn't JSON Schema, and warn of a schema for something else than an object."""
    try:
        json_schema.check(schema)
    except json_schema.InvalidSchema as error:
        findings.error("INVALID_SCHEMA", (*path, *error.path), f"{what} isn't valid JSON Schema: {error}")
        return
    if schema.get("type", "object") != "object" and path[-1] != "result_schema":
        message = f"{what} describes {found(schema['type'])}; it should describe an object (type: object)"
        findings.warning("SCHEMA_NOT_OBJECT", (*path, "type"), message)


def _edges(outline: Outline, places: Mapping[str, int], findings: Findings) -> list[tuple[str, str]]:
    """The edges between steps that are there, reporting all others."""
    all_named = None not in outline.names
    edges = []
    for name, number in places.items():
        seen = set()
        for position, parent in enumerate(outline.dependencies[number]):
            path = ("steps", number, "dependencies", position)
            if not isinstance(parent, str):
                continue
            if parent == name:
                findings.error("SELF_DEPENDENCY", path, f"step {name!r} depends on itself")
            elif parent in seen:
                findings.warning("DUPLICATE_DEPENDENCY", path, f"step {name!r} names {parent!r} twice")
            elif parent in places:
                edges.append((parent, name))
            elif all_named:
                hint = findings.did_you_mean(parent, (other for other in places if other != name))
                message = f"step {name!r} depends on {parent!r}, which is no step of this template{hint}"
                findings.error("MISSING_DEP_REF", path, message)
            seen.add(parent)
    return edges


def _wait(outline: Outline, places: Mapping[str, int], cycle: Sequence[str]) -> Path:
    """Where the cycle's first step says that it waits for the last."""
    number = places[cycle[0]]
    return ("steps", number, "dependencies", list(outline.dependencies[number]).index(cycle[-1]))


def _check_retry(retry: Retry, path: Path, what: str, findings: Findings) -> None:
    if retry.max_attempts == 0:
        message = f"'retry.max_attempts' of {what} is 0; the first attempt always runs, so write 1"
        findings.warning("NO_ATTEMPTS", (*path, "max_attempts"), message)
    for key, (least, most) in _USUAL.items():
        value = getattr(retry, key)
        if least <= value <= most:
            continue
        message = f"'retry.{key}' of {what} is {value:,}; {least:,} to {most:,} is usual"
        if key != "max_attempts":
            findings.warning("UNUSUAL_VALUE", (*path, key), message)
        elif value:  # many attempts are how a step waits for people
            findings.info("UNUSUAL_VALUE", (*path, key), message)


def _check_environments(template: Template, findings: Findings) -> None:
    names = {step.name for step in template.steps}
    for environment, changes in template.environments.items():
        for number, override in enumerate(changes.steps):
            if override.name != "ALL" and override.name not in names:
                hint = findings.did_you_mean(override.name, names)
                message = f"environment {environment!r} changes step {override.name!r}, which isn't there{hint}"
                findings.warning("UNKNOWN_STEP", ("environments", environment, "steps", number, "name"), message)
            if override.retry:
                path = ("environments", environment, "steps", number, "retry")
                _check_retry(override.retry, path, f"step {override.name!r} in environment {environment!r}", findings)
