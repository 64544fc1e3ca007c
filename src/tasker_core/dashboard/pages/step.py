"""The pane of a step: what it got, what it returned or how it failed, every attempt, and why it isn't done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasker_core.dashboard.visit import Visit
from tasker_core.errors import StepNotFoundError

MOST_PARENTS, LARGEST = 20, 20_000
"""Dependencies whose results are shown, and characters of a payload."""


@dataclass(frozen=True, slots=True)
class Pane:
    """What is shown of a step."""

    step: Mapping[str, Any]
    template: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    left_out: int
    result: Any
    error: Mapping[str, Any] | None
    attempts: Sequence[Mapping[str, Any]]
    workers: Mapping[str, str]
    can: Mapping[str, bool]


def pane_of(visit: Visit, summary: Mapping[str, Any], step: str) -> Pane | None:
    """The pane of the step with this UUID; None where the task has no such step."""
    engine, task = visit.engine, summary["task"]["task_uuid"]
    try:
        view = visit.see(engine.views.step(task, step))
        audit = visit.see(engine.views.audit(task, step))
    except StepNotFoundError:
        return None
    by_name = {each["name"]: each for each in summary["steps"]}
    parents = by_name[view["name"]]["dependencies"] if view["name"] in by_name else []
    inputs = [visit.see(engine.views.step(task, by_name[name]["step_uuid"])) for name in parents[:MOST_PARENTS]]
    template = next(
        (each for each in summary["template"]["steps"] if each["name"] == view["template_step"]), {"handler": ""}
    )
    results = view["results"] or {}
    state = view["current_state"]
    return Pane(
        step=view,
        template=template,
        inputs=[{"name": each["name"], "state": each["current_state"], "step_uuid": each["step_uuid"],
                 "result": (each["results"] or {}).get("result")} for each in inputs],
        left_out=max(0, len(parents) - MOST_PARENTS),
        result=results.get("result"),
        error=results.get("error") if state != "complete" else None,
        attempts=audit,
        workers={each["worker_uuid"]: each["name"] for each in engine.board.workers()},
        can={
            "reset": state == "error",
            "settle": state not in ("complete", "cancelled", "resolved_manually"),
            "restart": view["dependencies_satisfied"],
        },
    )  # fmt: skip
