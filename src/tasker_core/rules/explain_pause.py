"""Is a task held, and by whom?"""

from __future__ import annotations

from tasker_core.rules.explanation import Reason, ReasonKind
from tasker_core.rules.facts import Facts
from tasker_core.rules.pausing import said


def held_by(facts: Facts) -> Reason | None:
    """Why none of the task's ready steps runs: its own pause, else that of its namespace."""
    if facts.pause is not None:
        kind, pause, what = ReasonKind.TASK_PAUSED, facts.pause, "task"
    elif facts.namespace_pause is not None:
        kind, pause, what = ReasonKind.NAMESPACE_PAUSED, facts.namespace_pause, f"namespace {facts.namespace}"
    else:
        return None
    details = {"by": pause.actor, "reason": pause.reason, "namespace": facts.namespace}
    return Reason(kind, f"held: {what} paused {said(pause)}", pause.at, details)
