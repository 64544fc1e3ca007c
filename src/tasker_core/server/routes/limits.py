"""Limits and breakers: how they stand, and an operator's word on them."""

from __future__ import annotations

from fastapi import APIRouter, Request

from tasker_core.engine import Engine
from tasker_core.engine.limits import check, check_breaker
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_object, read_shape, to_bytes
from tasker_core.server.callers import requires, word_of
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.shapes.limits import (
    BreakerList,
    BreakerWord,
    HandlerLimitWord,
    LimitList,
    LimitWord,
    NamespaceLimitWord,
)
from tasker_core.words import Word

router = APIRouter(prefix="/v1", tags=["limits"])

LIMIT = {"name": "shop/charge", "limits": {"concurrency": 5, "rate": "10/s"}, "reason": "the gateway asks for it"}
BREAKER = {"handler": "shop/charge", "state": "open", "reason": "the gateway is down until noon"}


@router.get("/limits", response_model=LimitList, responses=answers(), dependencies=[requires("system:handlers_read")])
async def list_limits(request: Request) -> Json:
    """The limits of handlers and namespaces, and how much of them is used."""
    core = core_of(request)
    return Json(await core.call(_limits, core.engine))


@router.put(
    "/limits",
    response_model=LimitList,
    responses=answers(400, 415),
    dependencies=[requires("namespaces:operate")],
    openapi_extra=body("LimitWord", LIMIT),
)
async def set_limits(request: Request) -> Json:
    """Limit a handler or a namespace, whatever templates say. It holds for every step that begins after the answer."""
    core, text = core_of(request), await read_body(request)
    said = _read(text)
    values = None if said.limits is None else said.limits.model_dump(exclude_unset=True)
    word = word_of(request, said.by, said.reason, said.action_id)
    return Json(await core.call(_limit, core.engine, said.name, values, word))


@router.get(
    "/breakers", response_model=BreakerList, responses=answers(), dependencies=[requires("system:handlers_read")]
)
async def list_breakers(request: Request) -> Json:
    """The breakers that aren't closed, and those of handlers of which the last step failed."""
    core = core_of(request)
    return Json(await core.call(_breakers, core.engine))


@router.put(
    "/breakers",
    response_model=BreakerList,
    responses=answers(400, 415),
    dependencies=[requires("namespaces:operate")],
    openapi_extra=body("BreakerWord", BREAKER),
)
async def set_breaker(request: Request) -> Json:
    """Open the breaker of a handler, until another word, or close it."""
    core, said = core_of(request), _read_breaker(await read_body(request))
    word = word_of(request, said.by, said.reason, said.action_id)
    return Json(await core.call(_break, core.engine, said.handler, said.state, word))


def _read(text: bytes) -> HandlerLimitWord | NamespaceLimitWord:
    try:
        return read_shape(LimitWord, text).root
    except ApiError:
        given = read_object(text)
        if isinstance(name := given.get("name"), str) and isinstance(limits := given.get("limits"), dict):
            # What is wrong is said better than by the patterns of the shape.
            check(name, limits)
        raise


def _read_breaker(text: bytes) -> BreakerWord:
    try:
        return read_shape(BreakerWord, text)
    except ApiError:
        given = read_object(text)
        if isinstance(handler := given.get("handler"), str) and isinstance(state := given.get("state"), str):
            check_breaker(handler, state)
        raise


def _limits(engine: Engine) -> bytes:
    return to_bytes({"limits": engine.limits.limits()})


def _limit(engine: Engine, name: str, values: dict[str, object] | None, word: Word) -> bytes:
    engine.limits.limit(name, values, word)
    return _limits(engine)


def _breakers(engine: Engine) -> bytes:
    return to_bytes({"breakers": engine.limits.breakers()})


def _break(engine: Engine, handler: str, state: str, word: Word) -> bytes:
    engine.limits.set_breaker(handler, state, word)
    return _breakers(engine)
