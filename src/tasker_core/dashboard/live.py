"""The stream of a page: an event for each change of what it shows, whose id is the mark of that change.

A browser that comes back says which one it saw last (Last-Event-ID), and hears at once if there is another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from tasker_core.dashboard.pulse import Pulse
from tasker_core.dashboard.route import pages
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of

router = pages()

AGAIN_AFTER = 500
"""Milliseconds after which a browser comes back whose stream has ended, as each does before requests time out."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/live", dependencies=[requires("tasks:list")])
async def everything(request: Request) -> Response:
    """The stream of pages about everything."""
    return _stream(request, None)


@router.get("/live/tasks/{task_uuid}", dependencies=[requires("tasks:read")])
async def of_a_task(request: Request, task_uuid: UUID) -> Response:
    """The stream of a task's page."""
    return _stream(request, str(task_uuid))


def _stream(request: Request, task: str | None) -> Response:
    core, known = core_of(request), request.headers.get("last-event-id", request.query_params.get("seen", ""))

    async def events() -> AsyncIterator[str]:
        yield f"retry: {AGAIN_AFTER}\n\n"
        async for mark in pulse_of(request).marks(task, known, core.longest_wait):
            yield f"id: {mark}\nevent: change\ndata: {mark}\n\n" if mark else "event: quiet\ndata:\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers=HEADERS)


def pulse_of(request: Request) -> Pulse:
    """The pulse of the application that a request came to."""
    state, core = request.app.state, core_of(request)
    if not hasattr(state, "pulse"):
        state.pulse = Pulse(core.engine)
        core.at_stop.append(state.pulse.release)
    pulse: Pulse = state.pulse
    return pulse
