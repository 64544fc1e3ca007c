"""A test of what a task did: its template, its context, and what each attempt of its steps came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_core.errors import InvalidRequestError
from tasker_core.generating.handlers import value_of
from tasker_core.generating.names import snake, text
from tasker_core.types import StepAuditResponse, StepResponse, TaskResponse
from tasker_core.words import StepState, TaskState

_REPLAYED = {"ok", "failed", "timed_out"}
_BY_HAND = {StepState.RESOLVED_MANUALLY}


def replay_source(
    task: TaskResponse,
    template: Mapping[str, Any],
    steps: Sequence[StepResponse],
    audit: Mapping[str, Sequence[StepAuditResponse]],
) -> str:
    """The text of a module for pytest in which a task goes as ``task`` went.

    ``audit`` has the history of each step by its name, the newest first. Raises InvalidRequestError for a task that
    isn't at rest, was cancelled, or whose steps were ended by hand: no handler did that.
    """
    if not TaskState(task.status).is_at_rest or task.status == TaskState.CANCELLED:
        raise InvalidRequestError(
            f"the task is {task.status}; a test is made of one whose handlers brought it to its end", field="task"
        )
    attempts: list[str] = []
    for step in steps:
        ended = [entry for entry in reversed(audit[step.name]) if entry.ending in _REPLAYED]
        done = step.current_state == StepState.COMPLETE
        if step.current_state in _BY_HAND or (done and not (ended and ended[-1].success)):
            raise InvalidRequestError(
                f"step {step.name!r} was ended by hand; a test is made of what handlers did", field="task"
            )
        if ended:
            written = "".join(f"        {_attempt(entry)},\n" for entry in ended)
            attempts.append(f"    {text(step.name)}: [\n{written}    ],\n")
    states = {step.name: step.current_state for step in steps}
    result = "from tasker_core.types import StepHandlerResult\n" if "StepHandlerResult" in "".join(attempts) else ""
    return f'''"""Task {task.task_uuid} of {task.namespace}/{task.name} {task.version}, as it went."""

from __future__ import annotations

from typing import Any

from tasker_core.testing import Rehearsal
{result}
TEMPLATE: dict[str, Any] = {value_of(dict(template), 0)}
CONTEXT: dict[str, Any] = {value_of(task.context, 0)}

# What each attempt came to. A step that is taken out here runs with its own handler: name the package of that
# in Rehearsal(..., handlers=[...]).
ATTEMPTS: dict[str, list[Any]] = {{
{"".join(attempts)}}}


def test_{snake(task.name)}_goes_as_it_went() -> None:
    with Rehearsal([TEMPLATE]) as rehearsal:
        rehearsal.replay(ATTEMPTS)
        run = rehearsal.run({text(task.name)}, CONTEXT, namespace={text(task.namespace)}, version={text(task.version)})
    assert run.state == {text(task.status)}
    assert {{name: step.state for name, step in run.steps.items()}} == {value_of(states, 4)}
'''


def _attempt(entry: StepAuditResponse) -> str:
    said = entry.result or {}
    if entry.success:
        return value_of(said.get("result"), 8)
    error = said.get("error") or {}
    given = [text(error.get("message") or entry.reason), text(error.get("error_type") or entry.ending)]
    given.append(f"retryable={bool(error.get('retryable', True))}")
    if error.get("error_code"):
        given.append(f"error_code={text(error['error_code'])}")
    return f"StepHandlerResult.failure({', '.join(given)})"
