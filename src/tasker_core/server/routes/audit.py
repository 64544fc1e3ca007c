"""The audit: who did what, of all tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.shapes.audit import AuditResponse

router = APIRouter(prefix="/v1", tags=["audit"])


@router.get("/audit", response_model=list[AuditResponse], responses=answers(400), dependencies=[requires("audit:read")])
async def list_audit(
    request: Request,
    hours: Annotated[int, Query(ge=1, le=24 * 366, description="Of tasks created in the last so many.")] = 168,
    limit: Annotated[int, Query(ge=1, le=1_000, description="So many at most.")] = 200,
    everybody: Annotated[bool, Query(description="What workers did as well.")] = False,
) -> Json:
    """Who did what to which task, the newest first: what clients and operators said, or everything."""
    board, core = core_of(request).engine.board, core_of(request)
    return Json(await core.call(lambda: to_bytes(board.words(hours, limit, everybody=everybody))))
