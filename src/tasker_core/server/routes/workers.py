"""Workers: which there are, what they are at, and for operators: have one take no more."""

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
from tasker_core.server.shapes.workers import Draining, WorkerResponse
from tasker_core.words import Word

router = APIRouter(prefix="/v1/workers", tags=["workers"])

EXAMPLE = {"reason": "its machine is to be restarted", "by": "ann"}


@router.get("", response_model=list[WorkerResponse], responses=answers(), dependencies=[requires("workers:read")])
async def list_workers(request: Request) -> Json:
    """The workers that are there: what they serve, what they hold, when they were last heard of."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.board.workers())))


@router.get(
    "/{worker_uuid}",
    response_model=WorkerResponse,
    responses=answers(400, 404),
    dependencies=[requires("workers:read")],
)
async def get_worker(request: Request, worker_uuid: UUID) -> Json:
    """One of them."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.workers.one(str(worker_uuid)))))


@router.post(
    "/{worker_uuid}/drain",
    response_model=WorkerResponse,
    responses=answers(400, 404, 415),
    dependencies=[requires("workers:drain")],
    openapi_extra=body("Draining", EXAMPLE),
)
async def drain_worker(request: Request, worker_uuid: UUID) -> Json:
    """Have a worker finish what it runs and take no more.

    Once this is answered it claims nothing; what it took and hasn't begun it gives back with its next heartbeat. It
    stays, draining, until its process ends; one that is to work again is started anew.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_drain, core.engine, str(worker_uuid), text, partial(word_of, request)))


def _drain(engine: Engine, worker: str, text: bytes, word: Callable[..., Word]) -> bytes:
    said = read_shape(Draining, text)
    return to_bytes(engine.workers.drain(worker, word(said.by, said.reason, said.action_id)))
