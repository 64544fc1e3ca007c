"""An operator's act on all tasks that match, stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.asked import AskedTasks
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import demand, principal_of, requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.shapes.actions import BulkAct, BulkAction, BulkResponse, BulkRestart
from tasker_core.words import Word

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

EXAMPLE = {"action_type": "retry_failed", "reason": "the gateway is back", "by": "ann", "dry_run": True}
ACTS = {"retry_failed": "retry", "resolve_manually": "resolve"}
"""Where a request calls an act otherwise than the engine does."""


@router.patch(
    "",
    response_model=BulkResponse,
    responses=answers(400, 404, 415),
    dependencies=[requires("tasks:list")],
    openapi_extra=body("BulkAction", EXAMPLE),
)
async def change_tasks(request: Request, asked: AskedTasks) -> Json:
    """Say the same of all tasks that match, the newest first; at least one filter must be given.

    Needs the permission of the act as well: `tasks:cancel` for `cancel`, else `tasks:operate`. With `dry_run` the tasks
    are counted that it could be said of, and the newest told. Each task is changed by itself, and has it in its audit.
    A request ends after a few seconds: ask again with `after`, and the same `action_id`, until `next` is null. What
    carries the same id is done once, and counted again.
    """
    core = core_of(request)
    action = read_shape(BulkAction, await read_body(request)).root
    demand(request, principal_of(request), "tasks:cancel" if action.action_type == "cancel" else "tasks:operate")
    return Json(await core.call(_change, core.engine, action, asked, partial(word_of, request)))


def _change(engine: Engine, action: BulkAct | BulkRestart, filters: dict[str, Any], word: Callable[..., Word]) -> bytes:
    act = ACTS.get(action.action_type, action.action_type)
    from_step = action.from_step if isinstance(action, BulkRestart) else None
    if action.dry_run:
        return to_bytes(engine.bulk.count(act, filters, action.sample, from_step))
    after = None if action.after is None else str(action.after)
    said = word(action.by, action.reason, action.action_id)
    done = engine.bulk.stretch(act, filters, said, after=after, limit=action.limit, from_step=from_step)
    return to_bytes(done)
