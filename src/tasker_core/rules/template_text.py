"""Reads a template: YAML text, or a mapping -> the template and what was found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tasker_core.errors import TemplateError
from tasker_core.rules.findings import Finding, Findings, Path, found
from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_checks import Outline, check_graph, check_step, check_whole
from tasker_core.rules.template_scalars import NotJson, plain_data
from tasker_core.rules.template_shape import check_keys, check_other_names, report_shape
from tasker_core.rules.template_yaml import DEEPEST, parse

_OTHER_NAMES = {name: other for other, name in StepTemplate.other_names.items()}


@dataclass(frozen=True, slots=True)
class ReadTemplate:
    """A template that can be used, with the warnings and notes that reading it gave.

    ``line_of`` tells the line of a path in its text, for whoever finds more.
    """

    template: Template
    findings: tuple[Finding, ...]
    line_of: Callable[[Path], int | None]


def read_template(text: str, source: str, *, strict: bool = False) -> ReadTemplate:
    """Read a template from YAML.

    ``source`` is the file's name as findings show it; ``strict`` makes unknown keys errors. Raises TemplateError if
    anything makes the template unusable: its ``findings`` hold all that was found, each with file and line.

    >>> read = read_template(
    ...     "{name: order, namespace_name: shop, version: 1.0.0, steps: [{name: pay, handler: {callable: pay}}]}",
    ...     "order.yaml",
    ... )
    >>> read.template.steps[0].handler.callable
    'pay'
    """
    findings = Findings(source)
    parsed = parse(text, findings, _OTHER_NAMES)
    if parsed is None:
        raise _refusal(findings)
    findings.line_of = parsed.line_of
    return _read(parsed.data, findings, strict=strict)


def read_mapping(mapping: Mapping[str, Any], source: str, *, strict: bool = False) -> ReadTemplate:
    """Read a template from a Python mapping; findings name the path of a value where a text has lines.

    Otherwise like ``read_template``.
    """
    findings = Findings(source)
    try:
        data = plain_data(mapping, DEEPEST)
    except NotJson as error:
        findings.error("NOT_JSON", (), str(error))
        raise _refusal(findings) from None
    return _read(data, findings, strict=strict)


def _read(data: Any, findings: Findings, *, strict: bool) -> ReadTemplate:
    if not isinstance(data, Mapping):
        message = f"a template is a mapping with name, namespace_name, version and steps; found {found(data)}"
        findings.error("NOT_A_TEMPLATE", (), message)
        raise _refusal(findings)
    check_keys(data, findings, strict=strict)
    check_other_names(data, findings)
    check_graph(Outline.of(data), findings)
    template = _build(data, findings)
    if template is None or findings.errors:
        raise _refusal(findings)
    return ReadTemplate(template, findings.in_order(), findings.line_of)


def _build(data: Mapping[str, Any], findings: Findings) -> Template | None:
    try:
        template = Template.model_validate(data)
    except ValidationError as error:
        report_shape(error, data, findings)
        _check_good_steps(data, findings)
        return None
    for number, step in enumerate(template.steps):
        check_step(step, ("steps", number), findings)
    check_whole(template, findings)
    return template


def _check_good_steps(data: Mapping[str, Any], findings: Findings) -> None:
    """Check the steps that are well formed though something else isn't, so that one look shows all that is wrong."""
    steps = data.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        try:
            good = StepTemplate.model_validate(step)
        except ValidationError:
            continue
        check_step(good, ("steps", number), findings)


def _refusal(findings: Findings) -> TemplateError:
    """The error that carries all findings; its message lists what is wrong, and leaves mere notes out."""
    found = findings.in_order()
    listed = "\n".join(str(finding) for finding in found if finding.level != "info")
    return TemplateError(f"{findings.source} can't be used as a template:\n{listed}", findings=found)
