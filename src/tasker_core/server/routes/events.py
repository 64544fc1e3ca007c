"""Domain events: in pages, as a stream, and who is given them in processes."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints
from starlette.types import Receive, Scope, Send

from tasker_core.engine.events import LARGEST_PAGE, Asked
from tasker_core.rules.patterns import LONGEST_PATTERN, PATTERN
from tasker_core.server.answers import answers, body
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.mask import SEES_EVERYTHING
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import principal_of, requires
from tasker_core.server.core import Core, core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.middleware import EVENT_STREAM
from tasker_core.server.redaction import as_it_is
from tasker_core.server.shapes.base import NO_NUL
from tasker_core.server.shapes.events import EventList, SubscriptionChange, SubscriptionResponse
from tasker_core.server.streams import Stream
from tasker_core.store.subscriptions import SUBSCRIBER

router = APIRouter(prefix="/v1/events", tags=["events"])

LARGEST_NUMBER = (1 << 63) - 1
Number: TypeAlias = Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)]
STREAM: dict[str, Any] = {
    "description": "A page; with `Accept: text/event-stream` a stream that begins after `Last-Event-ID`, or `after`.",
    "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
}
EXAMPLE = {"state": "active", "position": 41}


@router.get(
    "",
    response_model=EventList,
    responses=answers(400, 404, besides={200: STREAM}),
    dependencies=[requires("events:read")],
)
async def list_events(
    request: Request,
    namespace: Annotated[str | None, Query(max_length=255, pattern=NO_NUL)] = None,
    name: Annotated[
        list[Annotated[str, StringConstraints(max_length=LONGEST_PATTERN, pattern=PATTERN)]] | None,
        Query(max_length=50, description="Names; `*`, `?` and `[...]` stand for others."),
    ] = None,
    task_uuid: UUID | None = None,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST_NUMBER, description="Those after this, in their order.")
    ] = None,
    before: Annotated[
        int | None, Query(ge=0, le=LARGEST_NUMBER, description="Those before this, the latest first; else the last.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many at most, of a page.")] = 25,
) -> Response:
    """Domain events, a page of them or as a stream."""
    core = core_of(request)
    asked = Asked(namespace, str(task_uuid) if task_uuid else None, tuple(name or ()))
    if after is not None and before is not None:
        raise ApiError(400, "BAD_REQUEST", "give after or before, not both", field="after")
    if _wants_stream(request):
        return await _stream(request, core, asked, after)
    return Json(await core.call(lambda: to_bytes(core.engine.events.page(asked, limit, after=after, before=before))))


def _wants_stream(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


async def _stream(request: Request, core: Core, asked: Asked, after: int | None) -> Response:
    last = request.headers.get("last-event-id", "").strip()
    if last:
        if not last.isdigit() or int(last) > LARGEST_NUMBER:
            raise ApiError(400, "BAD_REQUEST", f"Last-Event-ID is the id of an event, a number; not {last!r:.100}")
        after = int(last)
    access: Access = request.app.state.access
    masked = as_it_is if principal_of(request).may(SEES_EVERYTHING) else access.masked
    return _Streamed(await core.streams.open(asked, after, masked))


class _Streamed(StreamingResponse):
    """A stream, closed when its caller is gone."""

    def __init__(self, stream: Stream) -> None:
        # A proxy that gathers an answer would hold back the events.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(stream.pieces, media_type=EVENT_STREAM, headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.close()


@router.get(
    "/subscriptions",
    response_model=list[SubscriptionResponse],
    responses=answers(),
    dependencies=[requires("events:read")],
)
async def list_subscriptions(request: Request) -> Json:
    """The durable subscriptions of subscribers, and how far each is."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.subscriptions.list(SUBSCRIBER))))


@router.patch(
    "/subscriptions/{subscription_id}",
    response_model=SubscriptionResponse,
    responses=answers(400, 404, 415),
    dependencies=[requires("events:manage")],
    openapi_extra=body("SubscriptionChange", EXAMPLE),
)
async def change_subscription(request: Request, subscription_id: UUID) -> Json:
    """Pause a subscription, have it go on, or set it to another place."""
    core, text = core_of(request), await read_body(request)
    said = read_shape(SubscriptionChange, text).model_dump(exclude_unset=True)
    changed = await core.call(core.engine.subscriptions.change, str(subscription_id), SUBSCRIBER, said)
    return Json(changed)


@router.delete(
    "/subscriptions/{subscription_id}",
    response_model=SubscriptionResponse,
    responses=answers(404),
    dependencies=[requires("events:manage")],
)
async def drop_subscription(request: Request, subscription_id: UUID) -> Json:
    """Forget a subscription. A subscriber that starts under its name begins a new one."""
    core = core_of(request)
    return Json(await core.call(core.engine.subscriptions.drop, str(subscription_id), SUBSCRIBER))
