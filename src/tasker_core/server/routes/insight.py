"""More about one task: why it isn't finished, what changed, what it works on, how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers
from tasker_core.server.body import Json, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.shapes.tasks import (
    ContextResponse,
    ExplanationResponse,
    TaskSummaryResponse,
    TransitionResponse,
)

router = APIRouter(prefix="/v1/tasks/{task_uuid}", tags=["tasks"], responses=answers(400, 404))


@router.get("/explain", response_model=ExplanationResponse, dependencies=[requires("tasks:read")])
async def explain_task(request: Request, task_uuid: UUID) -> Json:
    """Why a task isn't finished: for each unfinished step the reason, since when, and what can be done."""
    return await _answer(request, lambda engine: engine.explain(str(task_uuid)).as_dict())


@router.get("/summary", response_model=TaskSummaryResponse, dependencies=[requires("tasks:read")])
async def summarise_task(request: Request, task_uuid: UUID) -> Json:
    """A task as a drawing needs it: the template's graph and where each step stands."""
    return await _answer(request, lambda engine: engine.views.summary(str(task_uuid)))


@router.get("/context", response_model=ContextResponse, dependencies=[requires("tasks:context_read")])
async def get_context(request: Request, task_uuid: UUID) -> Json:
    """What the steps of a task work on."""

    def context(engine: Engine) -> dict[str, Any]:
        view = engine.views.task(str(task_uuid))
        return {"task_uuid": view["task_uuid"], "context": view["context"]}

    return await _answer(request, context)


@router.get("/transitions", response_model=list[TransitionResponse], dependencies=[requires("audit:read")])
async def list_transitions(request: Request, task_uuid: UUID) -> Json:
    """Every change of a task's state, and of its steps' where no attempt tells it, the oldest first."""
    return await _answer(request, lambda engine: engine.views.transitions(str(task_uuid)))


async def _answer(request: Request, view: Callable[[Engine], Any]) -> Json:
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(view(core.engine))))
