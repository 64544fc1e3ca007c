"""Steps: look at them, read their attempts, and have a failed one run again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_object, refuse_unknown, text_of, to_bytes
from tasker_core.server.callers import actor_of, requires
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.shapes.steps import StepAction, StepAuditResponse, StepResponse

router = APIRouter(
    prefix="/v1/tasks/{task_uuid}/workflow_steps",
    tags=["steps"],
    responses=answers(400, 404),
)

EXAMPLE = {"action_type": "reset_for_retry", "reason": "the gateway is back", "reset_by": "ann"}


@router.get("", response_model=list[StepResponse], dependencies=[requires("steps:read")])
async def list_steps(request: Request, task_uuid: UUID) -> Json:
    """A task's steps in the template's order, with their results."""
    return await _answer(request, core_of(request).engine.views.steps, task_uuid)


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
    """Have a failed step run again from its first attempt; its task goes on by itself.

    400 for a step that hasn't failed, or whose task is final.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_change, core.engine, str(task_uuid), str(step_uuid), text, partial(actor_of, request)))


def _change(engine: Engine, task: str, step: str, text: bytes, actor_named: Callable[[str | None], str]) -> bytes:
    said = read_object(text)
    refuse_unknown(said, StepAction.model_fields)
    if said.get("action_type") != "reset_for_retry":
        message = f"action_type must be 'reset_for_retry', not {said.get('action_type')!r}"
        raise ApiError(400, "BAD_REQUEST", message, field="action_type")
    name = engine.views.step(task, step)["name"]
    by, reason = text_of(said, "reset_by", 255), text_of(said, "reason", 500)
    engine.reset(task, name, actor=actor_named(by), reason=reason or "")
    return to_bytes(engine.views.step(task, step))


@router.get("/{step_uuid}/audit", response_model=list[StepAuditResponse], dependencies=[requires("steps:read")])
async def audit_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """Every attempt of a step that has ended, the newest first."""
    return await _answer(request, core_of(request).engine.views.audit, task_uuid, step_uuid)


async def _answer(request: Request, view: Callable[..., Any], *of: UUID) -> Json:
    return Json(await core_of(request).call(lambda: to_bytes(view(*map(str, of)))))
