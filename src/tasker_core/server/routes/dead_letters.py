"""Dead letters: what a person should look at, and what became of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_object, refuse_unknown, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.pages import FARTHEST, LARGEST_PAGE
from tasker_core.server.shapes.dead_letters import (
    DeadLetterStats,
    DeadLetterUpdate,
    DlqEntry,
    QueuedDlqEntry,
    StalenessEntry,
)
from tasker_core.store.dead_letters import STATUSES

router = APIRouter(prefix="/v1/dlq", tags=["dead letters"])

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many at most.")]
EXAMPLE = {"resolution_status": "manually_resolved", "resolution_notes": "paid by hand", "resolved_by": "ann"}


@router.get("", response_model=list[DlqEntry], responses=answers(400), dependencies=[requires("dlq:read")])
async def list_dead_letters(
    request: Request,
    resolution_status: Annotated[str | None, Query(json_schema_extra={"enum": [*STATUSES]})] = None,
    limit: Limit = 50,
    offset: Annotated[int, Query(ge=0, le=FARTHEST, description="Pass over so many.")] = 0,
) -> Json:
    """The newest dead letters."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.list(resolution_status, limit, offset))))


@router.get(
    "/task/{task_uuid}", response_model=DlqEntry, responses=answers(400, 404), dependencies=[requires("dlq:read")]
)
async def get_dead_letter(request: Request, task_uuid: UUID) -> Json:
    """The latest dead letter of a task."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.of_task(str(task_uuid)))))


@router.patch(
    "/entry/{dlq_entry_uuid}",
    response_model=DlqEntry,
    responses=answers(400, 404, 415),
    dependencies=[requires("dlq:update")],
    openapi_extra=body("DeadLetterUpdate", EXAMPLE),
)
async def update_dead_letter(request: Request, dlq_entry_uuid: UUID) -> Json:
    """Write down what became of a dead letter; what isn't given stays. It moves no task."""
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_update, core.engine, str(dlq_entry_uuid), text))


def _update(engine: Engine, letter: str, text: bytes) -> bytes:
    said = read_object(text)
    refuse_unknown(said, DeadLetterUpdate.model_fields)
    if not isinstance(said.get("metadata"), dict | None):
        raise ApiError(400, "BAD_REQUEST", "metadata must be an object", field="metadata")
    return to_bytes(engine.dead_letters.update(letter, said))


@router.get("/stats", response_model=list[DeadLetterStats], responses=answers(), dependencies=[requires("dlq:stats")])
async def count_dead_letters(request: Request) -> Json:
    """Per reason: how many of each status, and how long a resolution took on average."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.stats())))


@router.get(
    "/investigation-queue",
    response_model=list[QueuedDlqEntry],
    responses=answers(400),
    dependencies=[requires("dlq:read")],
)
async def queue_dead_letters(request: Request, limit: Limit = 100) -> Json:
    """The pending dead letters in the order in which they should be looked at."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.queue(limit))))


@router.get(
    "/staleness", response_model=list[StalenessEntry], responses=answers(400), dependencies=[requires("dlq:read")]
)
async def list_standing_tasks(request: Request, limit: Limit = 100) -> Json:
    """Unfinished tasks that have something to run, those first that haven't moved for longest."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.staleness(limit))))
