"""What all routes of the worker protocol share: its version, who asks, and its answers."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request

from tasker_core.server.auth.mask import show_everything
from tasker_core.server.body import Json
from tasker_core.server.callers import principal_of, requires
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.desks import WorkerUnknownError
from tasker_core.server.protocol.reports import Refusal

VERSION = 1
HEADER = "Tasker-Protocol"
SPEAKS = {HEADER: str(VERSION)}
RUN, DRAIN = "run", "drain"


async def speaks(request: Request) -> None:
    """Raises ApiError for a version of the protocol that isn't spoken here."""
    version = request.headers.get(HEADER, str(VERSION))
    if version != str(VERSION):
        raise ApiError(
            400, "PROTOCOL_UNSUPPORTED", f"the worker protocol is spoken here in version {VERSION}, not {version!r:.9}",
            details={"min": VERSION, "max": VERSION}, headers=SPEAKS,
        )  # fmt: skip
    # A worker works on what others may not see.
    show_everything(request.scope)


def speaking_router() -> APIRouter:
    """A router whose routes speak the protocol, with whoever may be a worker."""
    return APIRouter(prefix="/v1", tags=["worker protocol"], dependencies=[requires("worker:run"), Depends(speaks)])


async def desk_of(request: Request, worker_id: UUID) -> Desk:
    """The worker of this id, of whoever asks. Raises ApiError."""
    core, owner, uuid = core_of(request), principal_of(request).name, str(worker_id)
    desks = core.lookout.desks
    try:
        here = desks.known_here(uuid, owner)
        return here if here is not None else await core.call(desks.find, uuid, owner)
    except WorkerUnknownError:
        raise unknown() from None


def unknown() -> ApiError:
    """For a worker that isn't there."""
    why = "there is no such worker, or it was given up as lost, or has ended: register again"
    return ApiError(404, "WORKER_UNKNOWN", why, headers=SPEAKS)


def refused(refusal: Refusal) -> ApiError:
    """For a report that isn't settled."""
    return ApiError(refusal.status, refusal.code, refusal.message, headers=SPEAKS)


def directive(desk: Desk) -> str:
    """What a worker is to do."""
    return DRAIN if desk.drains else RUN


def answered(answer: bytes, status: int = 200) -> Json:
    """An answer in this version."""
    return Json(answer, status, SPEAKS)
