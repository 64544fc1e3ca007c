"""The list of tasks: tabs by state, a search, page after page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from tasker_core.dashboard.counts import Believed, believed
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.search import HINTS, SHORT_STATES, Search, search
from tasker_core.dashboard.visit import Visit, go
from tasker_core.engine import Engine
from tasker_core.server.auth.mask import SEES_EVERYTHING
from tasker_core.server.callers import requires
from tasker_core.words import TaskState

router = pages()

PER_PAGE = 50
PATIENCE = 0.1
"""Seconds for which a page waits to be told how many there are; after that it comes without, and renews itself."""
ALWAYS = (
    "steps_in_process", "waiting_for_retry", "blocked_by_failures", "error", "complete", "cancelled",
    "resolved_manually",
)  # fmt: skip
"""States that have a tab also where no task is in them."""
TAB_NAMES = {
    "steps_in_process": "running", "waiting_for_retry": "retrying", "blocked_by_failures": "blocked",
    "waiting_for_dependencies": "waiting", "resolved_manually": "resolved",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tab:
    state: str
    name: str
    count: int | None
    url: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class TaskList:
    """What the page shows."""

    search: Search
    state: str
    tabs: Sequence[Tab]
    total: int | None
    tasks: Sequence[Mapping[str, Any]]
    next: str | None
    looked: Mapping[str, Any] | None
    further: str
    is_first: bool
    first: str
    namespaces: Sequence[str]
    names: Sequence[str]
    hints: Sequence[str]
    states: Sequence[str]
    twin: str


@router.get("/tasks", dependencies=[requires("tasks:list")])
async def tasks_page(request: Request, q: str = "", state: str = "", after: str = "") -> Response:
    """The list of tasks."""
    visit = Visit(request)
    asked, filters = asked_tasks(visit, q, state)
    if asked.task is not None:
        return go(f"/tasks/{asked.task}")
    figures = believed(request)
    return await visit.page(
        "tasks.html", lambda: task_list(visit.engine, figures, asked, filters, after or None), section="tasks"
    )


def asked_tasks(visit: Visit, q: str, state: str) -> tuple[Search, Mapping[str, Any]]:
    """What a search and a tab ask for together. Raises ApiError for a search that would show what is masked."""
    asked = search(q[:1_000], visit.engine.clock.now())
    if "error" in asked.filters:
        visit.demand(SEES_EVERYTHING)
    return asked, {**asked.filters, **({"state": state} if state in list(TaskState) else {})}


def task_list(
    engine: Engine, figures: Believed[Any], asked: Search, filters: Mapping[str, Any], after: str | None
) -> TaskList:
    """The tasks that match, and how many of each state do."""
    state = filters.get("state") or ""
    rest = {name: value for name, value in filters.items() if name != "state"}
    lines = engine.board.lines(filters, PER_PAGE, after)
    counts = figures.soon(("states", asked.text), lambda: engine.board.states(rest), PATIENCE)
    looked = lines["looked"]
    listing = engine.listings.templates()
    text = " ".join(word for word in asked.text.split() if not word.startswith("state:"))
    return TaskList(
        asked, state, _tabs(counts, text, state), None if counts is None else sum(counts.values()), lines["tasks"],
        _url(text, state, lines["next"]) if lines["next"] else None, looked,
        _url(text, state, looked["task_uuid"]) if looked else "", after is None, _url(text, state),
        [each["name"] for each in listing["namespaces"]], sorted({each["name"] for each in listing["templates"]}),
        HINTS, sorted(SHORT_STATES), _twin(filters, after),
    )  # fmt: skip


def _tabs(counts: Mapping[str, int] | None, text: str, state: str) -> list[Tab]:
    shown = [each for each in TaskState if each in ALWAYS or (counts or {}).get(each) or each == state]
    return [
        Tab(
            each,
            TAB_NAMES.get(each, each.replace("_", " ")),
            None if counts is None else counts.get(each, 0),
            _url(text, each),
            each == state,
        )
        for each in shown
    ]


def _url(text: str, state: str, after: str | None = None) -> str:
    query = {name: value for name, value in (("q", text), ("state", state), ("after", after)) if value}
    return f"/tasks?{urlencode(query)}" if query else "/tasks"


def _twin(filters: Mapping[str, Any], after: str | None) -> str:
    given = {"status" if name == "state" else name: value for name, value in filters.items()}
    query = {name: value for name, value in given.items() if isinstance(value, str) and name != "error"}
    return "/v1/tasks?" + urlencode(query | {"limit": PER_PAGE} | ({"after": after} if after else {}))
