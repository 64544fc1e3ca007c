"""The overview: is all well, and if not, where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from tasker_core.dashboard.counts import Believed, believed
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.drawing.curve import Curve, curve
from tasker_core.engine import Engine
from tasker_core.server.callers import requires

router = pages()

MOST_SHOWN, MOST_STUCK = 8, 50


@dataclass(frozen=True, slots=True)
class Period:
    """How the last hour or day went."""

    name: str
    told: Mapping[str, Any]
    curve: Curve


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows."""

    standing: Mapping[str, Any]
    periods: Sequence[Period]
    blocked: Sequence[Mapping[str, Any]]
    newest: Sequence[Mapping[str, Any]]
    oldest_seconds: float | None
    workers: Sequence[Mapping[str, Any]]
    slots: int
    held: int
    troubles: Sequence[str]


@router.get("/", dependencies=[requires("system:analytics_read")])
async def overview_page(request: Request) -> Response:
    """How everything stands."""
    visit = Visit(request)
    figures = believed(request)
    return await visit.page(
        "overview.html", lambda: read_overview(visit.engine, figures, lists=visit.may("tasks:list")), section="overview"
    )


def read_overview(engine: Engine, figures: Believed[Any], *, lists: bool = True) -> Overview:
    """How everything stands and went. Tasks are named only where ``lists``."""
    board = engine.board
    standing = figures.get("standing", board.standing)
    hour = figures.get("hour", lambda: board.lately(1))
    today = figures.get("day", lambda: board.lately(24))
    workers = board.workers()
    blocked: Sequence[Mapping[str, Any]] = ()
    newest: Sequence[Mapping[str, Any]] = ()
    if lists:
        blocked = figures.get(
            "blocked", lambda: board.lines({"state": "blocked_by_failures"}, MOST_SHOWN)["tasks"]
        ) if standing["tasks"].get("blocked_by_failures") else ()  # fmt: skip
        newest = board.lines({}, MOST_SHOWN)["tasks"]
    stuck = figures.get("stuck", lambda: _stuck(engine))
    oldest = max((queue["oldest_seconds"] for queue in standing["queues"]), default=None)
    return Overview(
        standing=standing,
        periods=[
            Period("last hour", hour, curve(hour["ended"], hour["failed"])),
            Period("last day", today, curve(today["ended"], today["failed"])),
        ],
        blocked=blocked,
        newest=newest,
        oldest_seconds=oldest,
        workers=workers,
        slots=sum(each["slots"] for each in workers),
        held=sum(each["held"] for each in workers),
        troubles=_troubles(standing, workers, figures.get("breakers", engine.limits.breakers), stuck),
    )


def _stuck(engine: Engine) -> list[Mapping[str, Any]]:
    return [each for each in engine.dead_letters.staleness(MOST_STUCK) if each["health_status"] == "stale"]


def _troubles(
    standing: Mapping[str, Any], workers: Sequence[Mapping[str, Any]], breakers: Sequence[Mapping[str, Any]],
    stuck: Sequence[Mapping[str, Any]],
) -> list[str]:  # fmt: skip
    """What somebody should look at, the worst first, in sentences."""
    said = []
    if not workers and standing["ready_steps"]:
        said.append(f"No worker is there, and {standing['ready_steps']:,} steps are ready.")
    elif standing["unserved"]:
        names = ", ".join(f"{lane['namespace']}/{lane['callable']}" for lane in standing["unserved"][:5])
        said.append(f"No live worker serves {names}.")
    said += [
        f"The breaker of {each['handler']} is {each['state'].replace('_', ' ')}"
        + (f", by {each['by']}." if each["by"] else f" after {each['failures']:,} failures in a row.")
        for each in breakers
        if each["state"] != "closed"
    ]
    if blocked := standing["tasks"].get("blocked_by_failures"):
        said.append(f"{blocked:,} {'task is' if blocked == 1 else 'tasks are'} blocked by failures.")
    if stuck:
        first = stuck[0]
        what = f"{first['namespace']}/{first['task_name']} {first['waits_for'] or 'has been unfinished for too long'}"
        count = f"{len(stuck):,} {'task stands' if len(stuck) == 1 else 'tasks stand'} still for longer than they may"
        said.append(f"{count}; the oldest is {first['task_uuid']}: {what}.")
    return said
