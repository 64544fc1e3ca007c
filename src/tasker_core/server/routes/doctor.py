"""Whether all is well with the store, its workers and what waits for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.shapes.doctor import DiagnosisResponse

router = APIRouter(prefix="/v1", tags=["system"])


@router.get(
    "/doctor",
    response_model=DiagnosisResponse,
    responses=answers(400),
    dependencies=[requires("system:config_read")],
)
async def examine(
    request: Request,
    deep: Annotated[bool, Query(description="Look at each unfinished task as well, for what can't be.")] = False,
) -> Json:
    """Each thing that was checked: its level, its place, what is so, and what to do where it isn't well.

    Reads only. A store that can't be reached is a finding.
    """
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.doctor(deep=deep).as_dict())))
