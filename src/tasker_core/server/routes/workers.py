"""Workers: which there are, and what they are at."""

from __future__ import annotations

from fastapi import APIRouter, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.shapes.workers import WorkerResponse

router = APIRouter(prefix="/v1", tags=["workers"])


@router.get(
    "/workers", response_model=list[WorkerResponse], responses=answers(), dependencies=[requires("workers:read")]
)
async def list_workers(request: Request) -> Json:
    """The workers that are there: what they serve, what they hold, when they were last heard of."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.board.workers())))
