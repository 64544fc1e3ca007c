"""One task: its graph, its waterfall, its steps and what happened to it; and a pane for the step that is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response

from tasker_core.dashboard.pages.step import Pane, pane_of
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.drawing.graph import Graph, graph_of_task
from tasker_core.drawing.waterfall import Waterfall, waterfall
from tasker_core.engine import Engine
from tasker_core.engine.moment import moment
from tasker_core.rules.explanation import Explanation
from tasker_core.server.callers import requires

router = pages()

View = Literal["graph", "waterfall", "steps", "events"]
VIEWS = ("graph", "waterfall", "steps", "events")
MOST_ROWS, MOST_TOLD = 300, 12
"""Steps in the waterfall and the list of a page, and reasons that are told one by one."""
MOST_EVENTS = 500
FINAL = ("complete", "error", "cancelled", "resolved_manually")
ASKED = ("tasks:operate", "tasks:cancel", "steps:resolve", "steps:read", "audit:read")
"""Permissions on which it depends what the page offers."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """What the page shows."""

    task: Mapping[str, Any]
    view: str
    why: Mapping[str, Any] | None
    graph: Graph | None
    fall: Waterfall | None
    steps: Sequence[Mapping[str, Any]]
    first_step: int
    total_steps: int
    events: Sequence[Mapping[str, Any]]
    pane: Pane | None
    selected: str
    failed: Sequence[str]
    can_be_undone: bool
    trace: str | None
    letter: Mapping[str, Any]
    may: Mapping[str, bool]
    action_id: str
    context: Any
    most_rows: int


@router.get("/tasks/{task_uuid}", dependencies=[requires("tasks:read")])
async def task_page(
    request: Request, task_uuid: UUID, view: str = "graph", step: str = "", first: int = 0
) -> Response:  # fmt: skip
    """One task."""
    visit = Visit(request)
    shown = view if view in VIEWS else "graph"
    return await visit.page(
        "task.html", lambda: read_task(visit, str(task_uuid), shown, step, max(first, 0)), section="tasks"
    )


def read_task(visit: Visit, uuid: str, view: str, step: str, first: int) -> TaskPage:
    """The page of a task; parts for which the visitor lacks a permission are left out."""
    engine = visit.engine
    whole, summary = engine.views.drawn(uuid)
    task = visit.see({name: value for name, value in whole.items() if name != "steps"})
    sees_steps = visit.may("steps:read")
    steps = summary["steps"]
    failed = [each["step_uuid"] for each in steps if each["current_state"] == "error"]
    rows: Sequence[Mapping[str, Any]] = ()
    if view == "steps" or (view == "waterfall" and sees_steps):
        rows = visit.see(engine.views.steps(uuid, MOST_ROWS, first)) if sees_steps else steps[first : first + MOST_ROWS]
    is_done = task["status"] in ("complete", "cancelled", "resolved_manually")
    return TaskPage(
        task=task | summary["task"],
        view=view,
        why=None if is_done else visit.see(_why(engine.explain(uuid))),
        graph=graph_of_task(summary) if view == "graph" else None,
        fall=waterfall(rows, str(moment(engine.clock.now()))) if view == "waterfall" else None,
        steps=rows if view == "steps" else (),
        first_step=first,
        total_steps=len(steps),
        events=_events(engine, uuid) if view == "events" and visit.may("audit:read") else (),
        pane=pane_of(visit, summary, step) if step and sees_steps else None,
        selected=step,
        failed=failed,
        can_be_undone=_can_be_undone(summary),
        trace=engine.views.trace(uuid),
        letter=summary["dlq"],
        may={name: visit.may(name) for name in ASKED},
        action_id=engine.ids.new(),
        context=task["context"],
        most_rows=MOST_ROWS,
    )  # fmt: skip


def _can_be_undone(summary: Mapping[str, Any]) -> bool:
    """Has something been done that its template says how to undo, and isn't that under way or done?"""
    compensations = [step for step in summary["steps"] if step["compensates"]]
    if compensations:
        ended = summary["task"]["status"] in FINAL and not summary["task"]["compensated"]
        return ended and any(step["current_state"] not in ("complete", "resolved_manually") for step in compensations)
    declares = {each["name"] for each in summary["template"]["steps"] if each["compensation"]}
    return any(step["template_step"] in declares and step["current_state"] == "complete" for step in summary["steps"])


def _why(told: Explanation) -> Mapping[str, Any]:
    """An explanation with the first reasons of many."""
    left = max(0, len(told.steps) - MOST_TOLD) + told.left_out
    return replace(told, steps=told.steps[:MOST_TOLD]).as_dict() | {"left": left}


def _events(engine: Engine, uuid: str) -> Sequence[Mapping[str, Any]]:
    return engine.views.transitions(uuid)[-MOST_EVENTS:][::-1]
