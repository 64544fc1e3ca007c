"""Dead letters: what a person should look at, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_object, read_shape, refuse_unknown, to_bytes
from tasker_core.server.callers import requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.pages import FARTHEST, LARGEST_PAGE
from tasker_core.server.shapes.base import IN_PATH, NO_NUL
from tasker_core.server.shapes.dead_letters import (
    DeadLetterSending,
    DeadLetterStats,
    DeadLetterUpdate,
    DlqEntry,
    DlqGroup,
    GroupRequeued,
    GroupRequeueing,
    QueuedDlqEntry,
    Requeueing,
    StalenessEntry,
    WholeDlqEntry,
)
from tasker_core.store.dead_letters import STATUSES
from tasker_core.words import Death, Word

router = APIRouter(prefix="/v1/dlq", tags=["dead letters"])

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many at most.")]
SOME_TASK = "0198c1f0-0000-7000-8000-000000000000"
EXAMPLE = {"resolution_status": "manually_resolved", "resolution_notes": "paid by hand", "resolved_by": "ann"}


Status = Annotated[str | None, Query(json_schema_extra={"enum": [*STATUSES]})]
Reason = Annotated[str | None, Query(json_schema_extra={"enum": [*Death]})]
Fingerprint = Annotated[str | None, Query(max_length=64, pattern=NO_NUL, description="Of this fault only.")]
Namespace = Annotated[str | None, Query(max_length=255, pattern=NO_NUL, description="Of this namespace only.")]


@router.get("", response_model=list[DlqEntry], responses=answers(400), dependencies=[requires("dlq:read")])
async def list_dead_letters(
    request: Request,
    resolution_status: Status = None,
    dlq_reason: Reason = None,
    fingerprint: Fingerprint = None,
    namespace: Namespace = None,
    limit: Limit = 50,
    offset: Annotated[int, Query(ge=0, le=FARTHEST, description="Pass over so many.")] = 0,
) -> Json:
    """The newest dead letters."""
    core = core_of(request)
    wanted = {"status": resolution_status, "reason": dlq_reason, "fingerprint": fingerprint, "namespace": namespace}
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.list(wanted, limit, offset))))


@router.get("/groups", response_model=list[DlqGroup], responses=answers(400), dependencies=[requires("dlq:read")])
async def group_dead_letters(
    request: Request,
    resolution_status: Status = None,
    dlq_reason: Reason = None,
    namespace: Namespace = None,
    limit: Limit = 50,
) -> Json:
    """Dead letters by fault, the largest group first: the same error in a thousand tasks is one of them."""
    core = core_of(request)
    wanted = {"status": resolution_status, "reason": dlq_reason, "namespace": namespace}
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.groups(wanted, limit))))


@router.post(
    "",
    status_code=201,
    response_model=WholeDlqEntry,
    responses=answers(400, 404, 415),
    dependencies=[requires("dlq:update")],
    openapi_extra=body("DeadLetterSending", {"task_uuid": SOME_TASK, "reason": "charged twice?", "by": "ann"}),
)
async def send_to_dead_letters(request: Request) -> Json:
    """Write a dead letter about a task by hand, for somebody to look at; a task has one pending at most."""
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_send, core.engine, text, partial(word_of, request)), 201)


def _send(engine: Engine, text: bytes, word: Callable[..., Word]) -> bytes:
    said = read_shape(DeadLetterSending, text)
    wanted = None if said.action_id is None else str(said.action_id)
    letter = engine.requeuer.send(str(said.task_uuid), word(said.by, said.reason, said.action_id), wanted)
    return to_bytes(engine.dead_letters.get(letter))


@router.get(
    "/task/{task_uuid}", response_model=WholeDlqEntry, responses=answers(400, 404), dependencies=[requires("dlq:read")]
)
async def get_dead_letter(request: Request, task_uuid: UUID) -> Json:
    """The latest dead letter of a task, with what the task was like when it was written."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.of_task(str(task_uuid)))))


@router.get(
    "/entry/{dlq_entry_uuid}",
    response_model=WholeDlqEntry,
    responses=answers(400, 404),
    dependencies=[requires("dlq:read")],
)
async def get_dead_letter_by_id(request: Request, dlq_entry_uuid: UUID) -> Json:
    """One dead letter, with what its task was like when it was written."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.get(str(dlq_entry_uuid)))))


@router.post(
    "/entry/{dlq_entry_uuid}/requeue",
    response_model=WholeDlqEntry,
    responses=answers(400, 404, 415),
    dependencies=[requires("dlq:requeue")],
    openapi_extra=body("Requeueing", {"reason": "the gateway is back", "by": "ann"}),
)
async def requeue_dead_letter(request: Request, dlq_entry_uuid: UUID) -> Json:
    """Have the failed steps of its task run again, and what was cancelled when that ended; that resolves it.

    400 for one that isn't pending, and where the task has nothing that could run again.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_requeue, core.engine, str(dlq_entry_uuid), text, partial(word_of, request)))


def _requeue(engine: Engine, letter: str, text: bytes, word: Callable[..., Word]) -> bytes:
    said = read_shape(Requeueing, text)
    engine.requeuer.requeue(letter, word(said.by, said.reason, said.action_id))
    return to_bytes(engine.dead_letters.get(letter))


@router.post(
    "/groups/{fingerprint}/requeue",
    response_model=GroupRequeued,
    responses=answers(400, 404, 415),
    dependencies=[requires("dlq:requeue")],
    openapi_extra=body("GroupRequeueing", {"reason": "the gateway is back", "by": "ann", "rate": 10}),
)
async def requeue_group(request: Request, fingerprint: Annotated[str, Path(max_length=64, pattern=IN_PATH)]) -> Json:
    """The same for the pending ones of one fault, the oldest first.

    With a `rate` each is given its time, so many a second, behind those that were given theirs before: the answer comes
    at once, and the rate holds whatever becomes of who asked. Ask again while some are `remaining` and some requeued.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_requeue_group, core.engine, fingerprint, text, partial(word_of, request)))


def _requeue_group(engine: Engine, fingerprint: str, text: bytes, word: Callable[..., Word]) -> bytes:
    said = read_shape(GroupRequeueing, text)
    spoken = word(said.by, said.reason, None)
    return to_bytes(engine.requeuer.requeue_alike(fingerprint, spoken, rate=said.rate, limit=said.limit))


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
    """Unfinished tasks with something to run, and the limit that each is nearest to; the longest still ones first."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.dead_letters.staleness(limit))))
