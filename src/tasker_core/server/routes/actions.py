"""Tasks, for operators: have one run again, or end it by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.shapes.actions import (
    GiveUp,
    Pause,
    ResolveTask,
    Restart,
    Resume,
    RetryFailed,
    TaskAction,
    UndoTask,
)
from tasker_core.server.shapes.tasks import TaskResponse
from tasker_core.words import Word

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

EXAMPLE = {"action_type": "restart", "from_step": "pay", "reason": "the gateway charged nothing", "by": "ann"}


@router.patch(
    "/{task_uuid}",
    response_model=TaskResponse,
    responses=answers(400, 404, 415, 422),
    dependencies=[requires("tasks:operate")],
    openapi_extra=body("TaskAction", EXAMPLE),
)
async def change_task(request: Request, task_uuid: UUID) -> Json:
    """Mend a task, which then goes on by itself, or end it by hand.

    `restart` has a step and everything after it run again, in a final task too, on another `context` if one is given;
    `retry_failed` all steps that failed. `give_up` ends a task of which a step has failed as `error`,
    `resolve_manually` any unfinished one. `undo` runs the compensations of its completed steps. `pause` holds one: none
    of its steps begins until `resume`. 400 where the state of the task doesn't allow it.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_change, core.engine, str(task_uuid), text, partial(word_of, request)))


def _change(engine: Engine, task: str, text: bytes, word: Callable[..., Word]) -> bytes:
    action = read_shape(TaskAction, text).root
    said, operator = word(action.by, action.reason, action.action_id), engine.operator
    match action:
        case Restart():
            operator.restart(task, action.from_step, said, context=action.context)
        case RetryFailed():
            operator.retry(task, said)
        case GiveUp():
            operator.give_up(task, said)
        case ResolveTask():
            operator.resolve(task, said)
        case Pause():
            operator.pause(task, said)
        case Resume():
            operator.resume(task, said)
        case UndoTask():
            operator.undo(task, said)
    return to_bytes(engine.views.task(task))
