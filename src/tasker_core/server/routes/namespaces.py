"""Namespaces: which there are, and for operators: pause one, let it go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path, Request

from tasker_core.engine import Engine
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.shapes.actions import NamespaceAction, Pause, Resume
from tasker_core.server.shapes.base import IN_PATH
from tasker_core.server.shapes.namespaces import NamespaceResponse, NamespaceWithHistory
from tasker_core.words import Word

router = APIRouter(prefix="/v1/namespaces", tags=["namespaces"])

Name: TypeAlias = Annotated[str, Path(max_length=255, pattern=IN_PATH)]
EXAMPLE = {"action_type": "pause", "reason": "the gateway is down", "by": "ann"}


@router.get("", response_model=list[NamespaceResponse], responses=answers(), dependencies=[requires("namespaces:read")])
async def list_namespaces(request: Request) -> Json:
    """The namespaces of the registered templates, and which of them are paused."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.namespaces.all())))


@router.get(
    "/{namespace}",
    response_model=NamespaceWithHistory,
    responses=answers(400, 404),
    dependencies=[requires("namespaces:read")],
)
async def get_namespace(request: Request, namespace: Name) -> Json:
    """A namespace, and what operators said of it."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.namespaces.one(namespace))))


@router.patch(
    "/{namespace}",
    response_model=NamespaceWithHistory,
    responses=answers(400, 404, 415),
    dependencies=[requires("namespaces:operate")],
    openapi_extra=body("NamespaceAction", EXAMPLE),
)
async def change_namespace(request: Request, namespace: Name) -> Json:
    """Pause a namespace, or let it go on.

    Once `pause` is answered, no step of the namespace is claimed any more; what runs goes on to its end, and tasks that
    are created wait. 400 where it is paused already, or isn't.
    """
    core, text = core_of(request), await read_body(request)
    return Json(await core.call(_change, core.engine, namespace, text, partial(word_of, request)))


def _change(engine: Engine, namespace: str, text: bytes, word: Callable[..., Word]) -> bytes:
    action = read_shape(NamespaceAction, text).root
    said = word(action.by, action.reason, action.action_id)
    match action:
        case Pause():
            engine.namespaces.pause(namespace, said)
        case Resume():
            engine.namespaces.resume(namespace, said)
    return to_bytes(engine.namespaces.one(namespace))
