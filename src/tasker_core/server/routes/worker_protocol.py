"""The life of a remote worker: it registers, beats, ends. See docs/reference/worker-protocol.md."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from tasker_core.rules.payload import LARGEST_PAYLOAD
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_quickly, shaped, to_bytes
from tasker_core.server.callers import principal_of
from tasker_core.server.core import Core, core_of
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.desks import WorkerUnknownError
from tasker_core.server.protocol.speaking import VERSION, answered, desk_of, directive, speaking_router, unknown
from tasker_core.server.shapes import worker_protocol as shapes
from tasker_core.words import split_lane

FEATURES = ["batched_reports", "checkpoints", "events"]
REGISTRATION = {
    "instance_id": "5f1c6f2e-5f0c-4f5e-9c1d-2b8a6c1f0e55",
    "name": "shop-1",
    "handlers": [{"callable": "charge_card"}],
    "slots": 4,
}

router = speaking_router()


@router.get("/worker-protocol", response_model=shapes.ProtocolResponse, responses=answers(400))
async def get_protocol(request: Request) -> Json:
    """Which versions of the worker protocol are spoken, and how much fits into a message."""
    return answered(
        to_bytes({"min": VERSION, "max": VERSION, "features": FEATURES, "limits": _limits(core_of(request))})
    )


@router.post(
    "/workers",
    status_code=201,
    response_model=shapes.RegisteredWorker,
    responses=answers(
        400, 415, besides={200: {"model": shapes.RegisteredWorker, "description": "It was registered already."}}
    ),
    openapi_extra=body("Registration", REGISTRATION),
)
async def register_worker(request: Request) -> Json:
    """Be a worker, or say anew what it runs."""
    core, text = core_of(request), await read_body(request)
    owner, address = principal_of(request).name, request.client.host if request.client else ""
    status, answer = await core.call(_register, core, text, owner, address)
    return answered(answer, status)


def _register(core: Core, text: bytes, owner: str, address: str) -> tuple[int, bytes]:
    said, desks = shaped(shapes.Registration, read_quickly(text)), core.lookout.desks
    desk, is_new = desks.register(said, owner, address)
    limits = _limits(core)
    answer = {
        "worker_id": desk.uuid, "lease_ms": core.engine.lease_time // 1_000, "heartbeat_ms": desks.heartbeat // 1_000,
        **limits, "features": FEATURES, "templates": desk.template_mark,
        "served": [dict(zip(("namespace", "callable"), split_lane(lane), strict=True)) for lane in desk.lanes],
    }  # fmt: skip
    return 201 if is_new else 200, to_bytes(answer)


@router.post(
    "/workers/{worker_id}/heartbeat",
    response_model=shapes.Heard,
    responses=answers(400, 404, 415),
    openapi_extra=body("Heartbeat", {"state": "running", "leases": [{"lease_id": "7.2.1"}]}),
)
async def beat(request: Request, worker_id: UUID) -> Json:
    """A worker lives; what it really holds of what it believes to hold."""
    core, text = core_of(request), await read_body(request)
    said = shaped(shapes.Heartbeat, read_quickly(text))
    desk = await desk_of(request, worker_id)
    return answered(await core.call(_beat, core, desk, said))


def _beat(core: Core, desk: Desk, said: shapes.Heartbeat) -> bytes:
    desks = core.lookout.desks
    try:
        statuses = desks.beat(desk, [lease.lease_id for lease in said.leases], draining=said.state == "draining")
    except WorkerUnknownError:
        raise unknown() from None
    return to_bytes(
        {
            "leases": [{"lease_id": name, "status": status} for name, status in statuses],
            "directive": directive(desk), "lease_ms": core.engine.lease_time // 1_000, "templates": desk.template_mark,
        }
    )  # fmt: skip


@router.get("/worker-protocol/templates", response_model=list[shapes.ServedTemplate], responses=answers(400, 404))
async def get_templates(request: Request, only: UUID | None = None) -> Json:
    """The templates in use, or one: for a worker that reads templates itself."""
    core = core_of(request)
    return answered(await core.call(_templates, core, only))


def _templates(core: Core, only: UUID | None) -> bytes:
    catalog = core.engine.catalog
    found = catalog.current() if only is None else [catalog.known(str(only))]
    return to_bytes(
        [
            {"id": known.id, "content": known.written.content(), "environment": known.environment,
             "enforces_schemas": known.enforces_schemas}
            for known in found
        ]
    )  # fmt: skip


@router.delete(
    "/workers/{worker_id}",
    response_model=shapes.Ended,
    responses=answers(400, 404),
)
async def end_worker(request: Request, worker_id: UUID) -> Json:
    """A worker ends: what it still held goes back into the queue."""
    core, desk = core_of(request), await desk_of(request, worker_id)
    return answered(to_bytes({"released": await core.call(core.lookout.desks.end, desk)}))


def _limits(core: Core) -> dict[str, int]:
    return {
        "max_claim": shapes.MOST_CLAIMED, "max_reports": shapes.MOST_REPORTS,
        "max_wait_ms": round(core.longest_wait * 1_000), "max_payload_bytes": LARGEST_PAYLOAD,
        "max_body_bytes": core.settings.server.largest_batch,
    }  # fmt: skip
