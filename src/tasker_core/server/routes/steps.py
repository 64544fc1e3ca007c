"""Steps: look at them, read their attempts, have one run again or end it by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.shapes.steps import (
    CompleteManually,
    ResetForRetry,
    ResolveManually,
    StepAction,
    StepAuditResponse,
    StepResponse,
)
from tasker_core.words import Word

router = APIRouter(
    prefix="/v1/tasks/{task_uuid}/workflow_steps",
    tags=["steps"],
    responses=answers(400, 404),
)

MOST_STEPS = 10_000_000

EXAMPLE = {"action_type": "reset_for_retry", "reason": "the gateway is back", "reset_by": "ann"}


@router.get("", response_model=list[StepResponse], dependencies=[requires("steps:read")])
async def list_steps(
    request: Request,
    task_uuid: UUID,
    limit: Annotated[int | None, Query(ge=1, le=MOST_STEPS, description="So many at most; else all.")] = None,
    offset: Annotated[int, Query(ge=0, le=MOST_STEPS, description="Pass over so many.")] = 0,
) -> Json:
    """A task's steps in the template's order, then the instances of its batches, with their results."""
    views = core_of(request).engine.views
    return await _answer(request, partial(views.steps, limit=limit, offset=offset), task_uuid)


@router.get("/{step_uuid}", response_model=StepResponse, dependencies=[requires("steps:read")])
async def get_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """One step, with its result."""
    return await _answer(request, core_of(request).engine.views.step, task_uuid, step_uuid)


@router.patch(
    "/{step_uuid}",
    response_model=StepResponse,
    responses=answers(415),
    dependencies=[requires("steps:resolve")],
    openapi_extra=body("StepAction", EXAMPLE),
)
async def change_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """Have a failed step run again from its first attempt, or end a step by hand; its task goes on by itself.

    `reset_for_retry` is for a step that failed. `resolve_manually` lets what waits for the step go on without its
    result, `complete_manually` with the result that you give; both are for any step that isn't done, and the result of
    an attempt that is under way is refused. 400 for a step or a task whose state doesn't allow it.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_change, core.engine, str(task_uuid), str(step_uuid), text, partial(word_of, request)))


def _change(engine: Engine, task: str, step: str, text: bytes, word: Callable[..., Word]) -> bytes:
    action = read_shape(StepAction, text).root
    name, operator, about = engine.views.step(task, step)["name"], engine.operator, (action.reason, action.action_id)
    match action:
        case ResetForRetry():
            operator.reset(task, name, word(action.reset_by, *about))
        case ResolveManually():
            operator.resolve_step(task, name, word(action.resolved_by, *about))
        case CompleteManually(completion_data=done):
            said = word(action.completed_by, *about)
            operator.complete_step(task, name, done.result, said, by=action.completed_by, metadata=done.metadata)
    return to_bytes(engine.views.step(task, step))


@router.get("/{step_uuid}/audit", response_model=list[StepAuditResponse], dependencies=[requires("steps:read")])
async def audit_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """Every attempt of a step that has ended, the newest first."""
    return await _answer(request, core_of(request).engine.views.audit, task_uuid, step_uuid)


async def _answer(request: Request, view: Callable[..., Any], *of: UUID) -> Json:
    return Json(await core_of(request).call(lambda: to_bytes(view(*map(str, of)))))
