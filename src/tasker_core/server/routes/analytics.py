"""How things went lately."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.shapes.analytics import BottleneckAnalysis, OverviewResponse, PerformanceMetrics

router = APIRouter(
    prefix="/v1/analytics",
    tags=["analytics"],
    responses=answers(400),
    dependencies=[requires("system:analytics_read")],
)

Hours = Annotated[int, Query(ge=1, le=24 * 366, description="Of the tasks that were created in the last so many.")]


@router.get("/performance", response_model=PerformanceMetrics)
async def performance(request: Request, hours: Hours = 24) -> Json:
    """Throughput, rates and durations."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.analytics.performance(hours))))


@router.get("/bottlenecks", response_model=BottleneckAnalysis)
async def bottlenecks(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    min_executions: Annotated[int, Query(ge=1, le=1_000_000, description="Only what ran so often.")] = 5,
    hours: Hours = 24,
) -> Json:
    """The steps and templates that took longest on average, how often they fail, and what could be done."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.analytics.bottlenecks(limit, min_executions, hours))))


@router.get("/overview", response_model=OverviewResponse)
async def overview(request: Request) -> Json:
    """What waits and runs at this moment, and how the attempts of the last hour and day went."""
    board, core = core_of(request).engine.board, core_of(request)

    def told() -> dict[str, Any]:
        return {"now": board.standing(), "hour": board.lately(1), "day": board.lately(24)}

    return Json(await core.call(lambda: to_bytes(told())))
