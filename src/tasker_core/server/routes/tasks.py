"""Tasks: create, get, list, cancel."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from tasker_core.engine import Engine
from tasker_core.engine.requests import read_request
from tasker_core.server.answers import answers, body
from tasker_core.server.asked import AskedTasks
from tasker_core.server.body import Json, read_body, read_object, refuse_unknown, to_bytes
from tasker_core.server.callers import actor_of, requires
from tasker_core.server.core import core_of
from tasker_core.server.creations import CREATED, REPLAYED, Wish
from tasker_core.server.errors import ApiError
from tasker_core.server.pages import Page, TaskPage
from tasker_core.server.shapes.base import NO_NUL
from tasker_core.server.shapes.tasks import TaskBatch, TaskBatchResponse, TaskListResponse, TaskResponse
from tasker_core.server.traces import traceparent_of

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

EXAMPLE = {"name": "checkout", "namespace": "shop", "context": {"sku": "tea"}, "idempotency_key": "cart-1"}
BATCH_EXAMPLE = {"tasks": [EXAMPLE, {"name": "checkout", "namespace": "shop", "context": {"sku": "pot"}}]}

OnDuplicate = Annotated[
    Literal["refuse", "return"], Query(description="Whether the same task again is a 409 or is answered.")
]
Actor = Annotated[
    str | None, Query(min_length=1, max_length=255, pattern=NO_NUL, description="Who does it, for the record.")
]


@router.post(
    "",
    status_code=CREATED,
    response_model=TaskResponse,
    responses=answers(
        400, 404, 409, 415, 422, besides={REPLAYED: {"model": TaskResponse, "description": "The task exists already."}}
    ),
    dependencies=[requires("tasks:create")],
    openapi_extra=body("TaskRequest", EXAMPLE),
)
async def create_task(
    request: Request,
    on_duplicate: OnDuplicate = "refuse",
) -> Json:
    """Create a task; it is stored when this is answered.

    201 for a new task. 200 where this very request has been answered before (its ``task_uuid`` tells), and with
    ``on_duplicate=return`` also where another request has made the same task. 409 otherwise, naming that task.
    """
    core_of(request).overload.refuse()
    # The trace is asked for here: a thread doesn't know which span is current.
    wish = Wish(await read_body(request), on_duplicate == "return", traceparent_of(request))
    status, answer = await core_of(request).creations.create(wish)
    return Json(answer, status)


@router.post(
    "/batch",
    status_code=CREATED,
    response_model=TaskBatchResponse,
    responses=answers(
        400,
        404,
        409,
        415,
        422,
        besides={REPLAYED: {"model": TaskBatchResponse, "description": "All of them exist already."}},
    ),
    dependencies=[requires("tasks:create")],
    openapi_extra=body("TaskBatch", BATCH_EXAMPLE),
)
async def create_tasks(request: Request, on_duplicate: OnDuplicate = "refuse") -> Json:
    """Create many tasks in one transaction: all of them, or none. The answers are in the order of the wishes."""
    core_of(request).overload.refuse()
    core, text = core_of(request), await read_body(request)
    trace = traceparent_of(request)
    status, answer = await core.call(_create_many, core.engine, text, on_duplicate == "return", trace)
    return Json(answer, status)


def _create_many(engine: Engine, text: bytes, return_duplicates: bool, trace: str | None) -> tuple[int, bytes]:
    said = read_object(text)
    refuse_unknown(said, TaskBatch.model_fields)
    wishes = said.get("tasks")
    if not isinstance(wishes, list) or not wishes or not all(isinstance(wish, dict) for wish in wishes):
        raise ApiError(400, "BAD_REQUEST", "tasks must be a list of at least one object", field="tasks")
    requests = [read_request(wish, task_uuid=engine.ids.new(), traceparent=trace) for wish in wishes]
    made = engine.create(requests, refuse_duplicates=not return_duplicates)
    views = engine.views
    tasks = [views.brief(created.fresh[0]) if created.fresh else views.briefly(created.task) for created in made]
    return CREATED if any(created.new for created in made) else REPLAYED, to_bytes({"tasks": tasks})


@router.get("", response_model=TaskListResponse, responses=answers(400, 404), dependencies=[requires("tasks:list")])
async def list_tasks(request: Request, page: TaskPage, asked: AskedTasks) -> Json:
    """The newest tasks, those that match where something is given.

    A page is named by `page` and `per_page`, by `limit` and `offset`, or by `after`: the last entry of the page
    before. The last way costs the same however far it goes, and what is created meanwhile shifts nothing; it counts
    no totals.

    A field of the context is named by `context_path` and compared with `context_value`, which is taken as what the
    field is: `42` is the number and the text. What can't be that doesn't match. The contexts of all tasks that the
    other filters leave are looked through, so give others, and go by `after`.
    """
    core = core_of(request)
    return Json(await core.call(_list, core.engine, asked, page))


def _list(engine: Engine, filters: dict[str, Any], page: Page) -> bytes:
    if page.after is not None:
        return to_bytes(engine.views.tasks_after(filters, page.limit, page.after))
    return to_bytes(engine.views.tasks(filters, page.limit, page.offset))


@router.get(
    "/{task_uuid}", response_model=TaskResponse, responses=answers(400, 404), dependencies=[requires("tasks:read")]
)
async def get_task(
    request: Request,
    task_uuid: UUID,
    wait_ms: Annotated[
        int, Query(ge=0, description="Answer as soon as the task is at rest, or after so many milliseconds.")
    ] = 0,
) -> Json:
    """A task with its state and its steps' readiness.

    With ``wait_ms`` the answer comes as soon as the task is final or blocked by failures, at the latest after
    that many milliseconds or when the server has waited for as long as it does: look at its ``status``.
    """
    core, task = core_of(request), str(task_uuid)
    if wait_ms:
        number = await core.call(core.engine.number, task)
        await core.waiters.rest(number, min(wait_ms, core.longest_wait * 1_000) / 1_000)
    return Json(await core.call(_view, core.engine.views.task, task))


@router.delete(
    "/{task_uuid}", response_model=TaskResponse, responses=answers(400, 404), dependencies=[requires("tasks:cancel")]
)
async def cancel_task(
    request: Request,
    task_uuid: UUID,
    reason: Annotated[str, Query(max_length=500, pattern=NO_NUL, description="Why, for the record.")] = "",
    cancelled_by: Actor = None,
) -> Json:
    """Cancel a task: what hasn't begun never will, what runs is told, its result refused. 400 for a final task."""
    core = core_of(request)
    return Json(await core.call(_cancel, core.engine, str(task_uuid), actor_of(request, cancelled_by), reason))


def _cancel(engine: Engine, task: str, actor: str, reason: str) -> bytes:
    engine.cancel(task, actor=actor, reason=reason)
    return to_bytes(engine.views.task(task))


def _view(view: Any, *of: str) -> bytes:
    return to_bytes(view(*of))
