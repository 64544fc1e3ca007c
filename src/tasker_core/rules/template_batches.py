"""Checks of what a template says of its batches: who cuts, who works on the pieces, how many at once."""

from __future__ import annotations

from collections.abc import Mapping

from tasker_core.rules.batches import (
    MOST_INSTANCES,
    MOST_STEPS_WITH_BATCHES,
    analyzers_of,
    worker_for_no_work,
)
from tasker_core.rules.findings import Findings
from tasker_core.rules.template import StepTemplate, Template


def check_batches(template: Template, findings: Findings) -> None:
    """Report analyzers and worker steps that don't fit each other."""
    numbers = {step.name: no for no, step in enumerate(template.steps, 1)}
    if any(parent not in numbers for step in template.steps for parent in step.dependencies):
        return
    workers = {no: step for no, step in enumerate(template.steps, 1) if step.type == "batch_worker"}
    cut_by: dict[int, list[str]] = {no: [] for no, step in enumerate(template.steps, 1) if step.type == "batchable"}
    for no, worker in workers.items():
        analyzers = analyzers_of(worker, template, numbers)
        _check_worker(no, worker, template, numbers, findings)
        for analyzer in analyzers:
            cut_by[analyzer].append(worker.name)
    for no, names in cut_by.items():
        _check_analyzer(no, template.steps[no - 1], names, findings)
    for no, step in enumerate(template.steps, 1):
        if step.batch_config is not None and step.type not in ("batchable", "batch_worker"):
            message = f"step {step.name!r} is of type {step.type!r}; 'batch_config' says nothing of such a step"
            findings.warning("BATCH_CONFIG_UNUSED", ("steps", no - 1, "batch_config"), message)
    if workers and len(template.steps) > MOST_STEPS_WITH_BATCHES:
        message = f"a template with batches can have {MOST_STEPS_WITH_BATCHES:,} steps at most; this one has more"
        findings.error("TOO_MANY_STEPS", ("steps",), message)


def _check_worker(
    no: int, worker: StepTemplate, template: Template, numbers: Mapping[str, int], findings: Findings
) -> None:
    place, what = ("steps", no - 1, "dependencies"), f"batch worker {worker.name!r}"
    analyzers = [template.steps[of - 1].name for of in analyzers_of(worker, template, numbers)]
    if len(analyzers) != 1:
        found = f"on {', '.join(map(repr, analyzers))}" if analyzers else "on none"
        message = f"{what} must depend on exactly one step of type batchable, which cuts its batch; it depends {found}"
        findings.error("BATCH_WITHOUT_ANALYZER", place, message)
    for name in worker.dependencies:
        parent = template.steps[numbers[name] - 1] if name in numbers else None
        done_before = analyzers and name in {*analyzers, *template.ancestors(analyzers[0])}
        if parent is not None and parent.type != "batch_worker" and analyzers and not done_before:
            message = f"{what} waits for {name!r} as well; let its analyzer {analyzers[0]!r} wait for that instead"
            findings.error("BATCH_WORKER_WAITS", place, message)
        if parent is not None and parent.type == "batch_worker":
            message = (
                f"{what} can't wait for batch worker {name!r}: each instance would wait for each of the other's; "
                "let a step between them wait for the one and cut the other"
            )
            findings.error("BATCH_BEHIND_BATCH", place, message)
    for other in template.steps:
        if other is not worker and other.type == "batch_worker" and other.name.startswith(f"{worker.name}_"):
            message = f"instances of {what} and of {other.name!r} could have the same name; choose another name for one"
            findings.error("BATCH_NAMES_CLASH", ("steps", no - 1, "name"), message)


def _check_analyzer(no: int, analyzer: StepTemplate, workers: list[str], findings: Findings) -> None:
    config, what = analyzer.batch_config, f"batchable step {analyzer.name!r}"
    if not workers:
        message = f"no step of type batch_worker depends on {what}, so nobody works on what it cuts"
        findings.error("BATCH_WITHOUT_WORKER", ("steps", no - 1), message)
    elif config is not None and config.worker_template not in workers:
        hint = findings.did_you_mean(config.worker_template, workers)
        message = f"'batch_config.worker_template' of {what} must be a batch_worker that depends on it{hint}"
        findings.error("UNKNOWN_WORKER", ("steps", no - 1, "batch_config", "worker_template"), message)
    elif worker_for_no_work(analyzer, workers) is None:
        able = ", ".join(map(repr, workers))
        message = (
            f"{what} has several workers, {able}: 'batch_config.worker_template' must say which stands for no work"
        )
        findings.error("UNKNOWN_WORKER", ("steps", no - 1), message)
    if config is not None and config.parallelism > MOST_INSTANCES:
        message = (
            f"'batch_config.parallelism' of {what} is {config.parallelism:,}; {MOST_INSTANCES:,} pieces at most can run"
        )
        findings.warning("UNUSUAL_VALUE", ("steps", no - 1, "batch_config", "parallelism"), message)
