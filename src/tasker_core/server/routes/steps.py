"""Steps: look at them, read their attempts, and have a failed one run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.core import core_of
from tasker_core.server.permission import requires
from tasker_core.server.shapes import StepAuditResponse, StepResponse

router = APIRouter(
    prefix="/v1/tasks/{task_uuid}/workflow_steps",
    tags=["steps"],
    responses=answers(400, 404),
    dependencies=[requires("steps:read")],
)


@router.get("", response_model=list[StepResponse])
async def list_steps(request: Request, task_uuid: UUID) -> Json:
    """A task's steps in the template's order, with their results."""
    return await _answer(request, core_of(request).engine.views.steps, task_uuid)


@router.get("/{step_uuid}", response_model=StepResponse)
async def get_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """One step, with its result."""
    return await _answer(request, core_of(request).engine.views.step, task_uuid, step_uuid)


@router.get("/{step_uuid}/audit", response_model=list[StepAuditResponse])
async def audit_step(request: Request, task_uuid: UUID, step_uuid: UUID) -> Json:
    """Every attempt of a step that has ended, the newest first."""
    return await _answer(request, core_of(request).engine.views.audit, task_uuid, step_uuid)


async def _answer(request: Request, view: Callable[..., Any], *of: UUID) -> Json:
    return Json(await core_of(request).call(lambda: to_bytes(view(*map(str, of)))))
