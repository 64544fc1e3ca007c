"""What the engine counts: at creation, and once for each batch that it settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tasker_core.engine.catalog import Catalog
from tasker_core.engine.known import Known
from tasker_core.rules.rank import created_at
from tasker_core.rules.template import Template
from tasker_core.store.burial import Letter
from tasker_core.store.settling import Ruling, Settlement
from tasker_core.store.warnings import Note
from tasker_core.telemetry import metrics
from tasker_core.words import Ending, Event, Report, StepState, TaskState


def count_requested(known: Sequence[Known]) -> None:
    """Tasks of these templates were asked for."""
    for template, n in Counter((k.template.namespace_name, k.template.name) for k in known).items():
        metrics.TASK_REQUESTS.add(*template, n=n)


def count_moved(states: Iterable[str]) -> None:
    """Tasks moved into these states."""
    for state, n in Counter(states).items():
        metrics.TASK_TRANSITIONS.add(state, n=n)


def count_stand(state: str, template: Template) -> None:
    """A task of ``template`` came to ``state``: is it done, or blocked?"""
    labels = template.namespace_name, template.name
    if state == TaskState.BLOCKED_BY_FAILURES:
        metrics.TASK_FAILURES.add(*labels)
    elif state == TaskState.COMPLETE:
        metrics.TASK_COMPLETIONS.add(*labels)


def count_settled(
    rulings: Sequence[Ruling], completed: int, reports: Sequence[Report], done: Settlement, catalog: Catalog
) -> None:
    """A batch was settled, and ``completed`` of its steps simply completed."""
    metrics.RESULTS_PROCESSED.add(Ending.OK, StepState.COMPLETE, n=completed)
    if completed < len(rulings):
        for ruling in rulings:
            if ruling.verdict.state is not StepState.COMPLETE and ruling.verdict.key in done.applied:
                metrics.RESULTS_PROCESSED.add(ruling.ending, ruling.verdict.state)
    count_buried(done.buried)
    if done.rested:
        _count_rested({report.outcome.key.task: report for report in reports}, done, catalog)


def count_buried(letters: Iterable[Letter]) -> None:
    """Dead letters were written."""
    for reason, n in Counter(str(letter.reason) for letter in letters).items():
        metrics.DLQ_ENTRIES.add(reason, n=n)


def count_events(events: Sequence[Event], notes: Sequence[Note]) -> None:
    """These events were published, and these warnings say which weren't."""
    for mode, n in Counter(event.mode for event in events).items():
        metrics.EVENTS_PUBLISHED.add(mode, n=n)
    for code, n in Counter(code for code, _ in notes).items():
        metrics.EVENTS_FAILED.add(code, n=n)


def _count_rested(reports: Mapping[int, Report], done: Settlement, catalog: Catalog) -> None:
    count_moved(done.rested.values())
    for task, state in done.rested.items():
        if state not in (TaskState.COMPLETE, TaskState.BLOCKED_BY_FAILURES):
            continue
        report = reports[task]
        template = catalog.known(report.template).template
        count_stand(state, template)
        if state == TaskState.COMPLETE and report.rank:
            seconds = (done.now - created_at(report.rank)) / 1e6
            metrics.TASK_DURATION.of(template.namespace_name, template.name).note(max(seconds, 0.0))
