"""What an environment makes of a template."""

from __future__ import annotations

from collections.abc import Sequence

from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_blocks import StepOverride

EVERY_STEP = "ALL"


def in_environment(template: Template, environment: str) -> Template:
    """``template`` as it is in ``environment``: with that one's changes made, and none left to make.

    What is said of a step by its name goes over what is said of ``ALL``, wherever it stands; else the later over the
    earlier. The settings of a handler are merged key by key; a retry policy replaces the whole one.
    """
    if not template.environments:
        return template
    said = template.environments.get(environment)
    rows = sorted(said.steps if said else (), key=lambda row: row.name != EVERY_STEP)
    kept = {name: getattr(template, name) for name in Template.model_fields}
    steps = tuple(
        _changed(step, [row for row in rows if row.name in (EVERY_STEP, step.name)]) for step in template.steps
    )
    return Template.model_construct(**{**kept, "steps": steps, "environments": {}})


def _changed(step: StepTemplate, rows: Sequence[StepOverride]) -> StepTemplate:
    for row in rows:
        if row.name not in (EVERY_STEP, step.name):
            continue
        changes: dict[str, object] = {}
        if row.handler is not None:
            settings = {**step.handler.initialization, **row.handler.initialization}
            changes["handler"] = step.handler.model_copy(update={"initialization": settings})
        if row.timeout_seconds is not None:
            changes["timeout_seconds"] = row.timeout_seconds
        if row.retry is not None:
            changes["retry"] = row.retry
        step = step.model_copy(update=changes)
    return step
