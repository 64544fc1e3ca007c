"""The worker protocol: see docs/reference/worker-protocol.md, which these routes keep."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from tasker_core.clock import stamp_of
from tasker_core.rules.payload import LARGEST_PAYLOAD
from tasker_core.server.answers import answers, body
from tasker_core.server.auth.mask import show_everything
from tasker_core.server.body import Json, read_body, read_quickly, shaped, to_bytes
from tasker_core.server.callers import principal_of, requires
from tasker_core.server.core import Core, Phase, core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.desks import WorkerUnknownError
from tasker_core.server.protocol.reports import REFUSED, Ended, Refusal
from tasker_core.server.protocol.ticket import Ticket, lease_id
from tasker_core.server.shapes import worker_protocol as shapes
from tasker_core.server.shapes.base import IN_PATH
from tasker_core.server.threads import OverloadedError
from tasker_core.words import Event, Lease, LeaseKey, Reply, Report, Settled

LeaseId: TypeAlias = Annotated[str, Path(max_length=100, pattern=IN_PATH)]

VERSION = 1
HEADER = "Tasker-Protocol"
FEATURES = ["batched_reports", "checkpoints", "events"]
RUN, DRAIN = "run", "drain"
SHAPES: Mapping[str, type[Ended]] = {
    "complete": shapes.LeaseCompletion, "fail": shapes.LeaseFailure, "checkpoint": shapes.LeaseCheckpoint,
    "release": shapes.LeaseRelease,
}  # fmt: skip
SPEAKS = {HEADER: str(VERSION)}


async def speaks(request: Request) -> None:
    """Raises ApiError for a version of the protocol that isn't spoken here."""
    said = request.headers.get(HEADER, str(VERSION))
    if said != str(VERSION):
        raise ApiError(
            400, "PROTOCOL_UNSUPPORTED", f"version {VERSION} of the worker protocol is spoken here, not {said!r:.40}",
            details={"min": VERSION, "max": VERSION}, headers=SPEAKS,
        )  # fmt: skip
    # A worker works on what others may not see.
    show_everything(request.scope)


router = APIRouter(prefix="/v1", tags=["worker protocol"], dependencies=[requires("worker:run"), Depends(speaks)])

INSTANCE = "5f1c6f2e-5f0c-4f5e-9c1d-2b8a6c1f0e55"
REGISTRATION = {"instance_id": INSTANCE, "name": "shop-1", "handlers": [{"callable": "charge_card"}], "slots": 4}
CLAIM = {"request_id": INSTANCE, "max": 4, "wait_ms": 0}
EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "complete": {"token": "...", "result": {"charge": "ch_1"}},
    "fail": {"token": "...", "error": {"message": "busy", "error_type": "GatewayBusy", "retryable": True}},
    "checkpoint": {"token": "...", "cursor": 200, "items_processed": 200},
    "release": {"token": "...", "reason": "the worker stops"},
}


@router.get("/worker-protocol", response_model=shapes.ProtocolResponse, responses=answers(400))
async def get_protocol(request: Request) -> Json:
    """Which versions of the worker protocol are spoken, and how much fits into a message."""
    return _answer(
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
    return _answer(answer, status)


def _register(core: Core, text: bytes, owner: str, address: str) -> tuple[int, bytes]:
    said, desks = shaped(shapes.Registration, read_quickly(text)), core.lookout.desks
    desk, is_new = desks.register(said, owner, address)
    limits = _limits(core)
    answer = {
        "worker_id": desk.uuid, "lease_ms": core.engine.lease_time // 1_000, "heartbeat_ms": desks.heartbeat // 1_000,
        **limits, "features": FEATURES, "templates": desk.template_mark,
        "served": [dict(zip(("namespace", "callable"), lane.split("/", 1), strict=True)) for lane in desk.lanes],
    }  # fmt: skip
    return 201 if is_new else 200, to_bytes(answer)


@router.post(
    "/workers/{worker_id}/claims",
    response_model=shapes.Claimed,
    responses=answers(400, 404, 415, besides={204: {"description": "Nothing came."}}),
    openapi_extra=body("PatientWish", CLAIM),
)
async def claim(request: Request, worker_id: UUID) -> Response:
    """Ready steps, as soon as there are any."""
    core, text = core_of(request), await read_body(request)
    wish = shaped(shapes.PatientWish, read_quickly(text))
    desk = await _desk(request, worker_id)
    if core.threads.is_crowded:
        # Finishing work goes before starting it.
        raise OverloadedError
    answer = await _wait(request, desk, wish) if wish.wait_ms else await core.call(_claim, core, desk, wish)
    if desk.is_closed:
        raise _unknown()
    if answer is None and not desk.drains:
        return Response(status_code=204, headers=SPEAKS)
    return _answer(answer or _claimed(core, desk, ()))


async def _wait(request: Request, desk: Desk, wish: shapes.PatientWish) -> bytes | None:
    """The answer to a claim, as soon as there is one; None when the time is up or somebody else waits instead."""
    core, loop, bell = core_of(request), asyncio.get_running_loop(), asyncio.Event()

    def ring() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(bell.set)

    until = loop.time() + min(wish.wait_ms / 1_000, core.longest_wait)
    desk.wait(ring, wish.max, stamp_of(str(wish.request_id)))
    hung_up = loop.create_task(_hung_up(request))
    hung_up.add_done_callback(lambda _: desk.wait_no_more(ring))
    try:
        while True:
            # Before the look at whether it is still this one who waits: a ring that tells so comes only once.
            bell.clear()
            if not desk.waits_for(ring):
                return None
            answer = await core.call(_claim, core, desk, wish)
            if answer is not None or desk.drains or core.phase is not Phase.NORMAL:
                return answer
            # Nothing is claimed once the time is up, or the answer would bring it to nobody.
            await asyncio.wait_for(bell.wait(), until - loop.time())
    except TimeoutError:
        return None
    finally:
        desk.wait_no_more(ring)
        hung_up.cancel()


async def _hung_up(request: Request) -> None:
    """Return when the caller waits for no answer any more. Nothing is claimed for one who isn't there."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _claim(core: Core, desk: Desk, wish: shapes.Wish) -> bytes | None:
    leases = desk.claim(wish.max, stamp_of(str(wish.request_id)))
    return _claimed(core, desk, leases) if leases else None


def _claimed(core: Core, desk: Desk, leases: Sequence[Lease]) -> bytes:
    return f"{{{_news(core, desk, leases)}}}".encode()


def _news(core: Core, desk: Desk, leases: Sequence[Lease]) -> str:
    more = "true" if desk.expects_any else "false"
    texts = core.lookout.desks.texts.write(leases) if leases else "[]"
    return f'"leases":{texts},"more":{more},"directive":"{_directive(desk)}"'


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
    desk = await _desk(request, worker_id)
    return _answer(await core.call(_beat, core, desk, said))


def _beat(core: Core, desk: Desk, said: shapes.Heartbeat) -> bytes:
    desks = core.lookout.desks
    try:
        statuses = desks.beat(desk, [lease.lease_id for lease in said.leases], draining=said.state == "draining")
    except WorkerUnknownError:
        raise _unknown() from None
    return to_bytes(
        {
            "leases": [{"lease_id": name, "status": status} for name, status in statuses],
            "directive": _directive(desk), "lease_ms": core.engine.lease_time // 1_000, "templates": desk.template_mark,
        }
    )  # fmt: skip


@router.post(
    "/workers/{worker_id}/reports",
    response_model=shapes.ReportsResponse,
    responses=answers(400, 404, 415),
    openapi_extra=body(
        "Reports",
        {
            "reports": [{"op": "complete", "lease_id": "7.2.1", **EXAMPLES["complete"]}],
            "claim": {"request_id": INSTANCE, "max": 4},
        },
    ),
)
async def report_many(request: Request, worker_id: UUID) -> Json:
    """What became of leases; and, in the same round trip, more of them."""
    core, text = core_of(request), await read_body(request)
    desk = await _desk(request, worker_id)
    return _answer(await core.call(_report_many, core, desk, text))


def _report_many(core: Core, desk: Desk, text: bytes) -> bytes:
    said = shaped(shapes.Reports, read_quickly(text), tags=SHAPES)
    reader = core.lookout.desks.reader
    read = [reader.report(each.lease_id, each) for each in said.reports]
    room, stamp = (said.claim.max, stamp_of(str(said.claim.request_id))) if said.claim else (0, 0)
    # Of several reports of one lease the first one is its report; another one repeats it, or is too late.
    first = {report.outcome.key: report for report in reversed(read) if isinstance(report, Report)}
    reply = desk.report(list(reversed(first.values())), room, stamp)
    results = [_result(each.lease_id, report, reply, first) for each, report in zip(said.reports, read, strict=True)]
    events = f',"events":{to_bytes([_event(event) for event in reply.events]).decode()}' if reply.events else ""
    return f'{{"results":{to_bytes(results).decode()},{_news(core, desk, reply.leases)}{events}}}'.encode()


def _result(named: str, report: Report | Refusal, reply: Reply, first: Mapping[LeaseKey, Report]) -> dict[str, Any]:
    answer = _answer_to(report, reply)
    if isinstance(answer, Settled) and isinstance(report, Report):
        counted = first[report.outcome.key]
        if counted is not report:
            answer = Settled.REPLAYED if counted == report else REFUSED[Settled.LOST]
    if isinstance(answer, Refusal):
        return {"lease_id": named, **answer._asdict()}
    return {"lease_id": named, "status": 200, "replayed": answer is Settled.REPLAYED}


def _answer_to(report: Report | Refusal, reply: Reply) -> Settled | Refusal:
    if isinstance(report, Refusal):
        return report
    answer = reply.answers[report.outcome.key]
    return REFUSED.get(answer, answer)


def _event(event: Event) -> dict[str, Any]:
    return {**event._asdict(), "key": None, "lease_id": lease_id(event.key)}


@router.post(
    "/leases/{lease}/results",
    response_model=shapes.FoundResult,
    responses=answers(400, 404, 415),
    openapi_extra=body("ReadResult", {"token": "...", "step": "validate_cart"}),
)
async def read_result(request: Request, lease: LeaseId) -> Json:
    """The result of an earlier step of the task that a lease is of."""
    core, text = core_of(request), await read_body(request)
    return _answer(await core.call(_read_result, core, lease, text))


def _read_result(core: Core, lease: str, text: bytes) -> bytes:
    said = shaped(shapes.ReadResult, read_quickly(text))
    ticket = core.lookout.desks.reader.ticket(lease, said)
    if isinstance(ticket, Refusal):
        raise _refused(ticket)
    found = core.engine.result_of(ticket.key.task, ticket.template, said.step)
    return f'{{"found":{"false" if found is None else "true"},"result":{found or "null"}}}'.encode()


def _reports_one(op: str, shape: type[Ended]) -> None:
    """A route that takes the report of one lease."""

    @router.post(
        f"/leases/{{lease}}/{op}",
        name=f"{op}_lease",
        description=shape.__doc__,
        response_model=shapes.Reported,
        responses=answers(400, 404, 409, 415, 422),
        openapi_extra=body(shape.__name__, EXAMPLES[op]),
    )
    async def report_one(request: Request, lease: LeaseId) -> Json:
        core, text = core_of(request), await read_body(request)
        return _answer(await core.call(_report_one, core, lease, shape, text))


for _op, _shape in SHAPES.items():
    _reports_one(_op, _shape)


def _report_one(core: Core, lease: str, shape: type[Ended], text: bytes) -> bytes:
    said = shaped(shape, read_quickly(text))
    reader, reply = core.lookout.desks.reader, Reply({}, ())
    ticket, report = reader.ticket(lease, said), reader.report(lease, said)
    if isinstance(ticket, Ticket) and isinstance(report, Report):
        reply = core.engine.settle([report], f"worker {ticket.worker}")
    answer = _answer_to(report, reply)
    if isinstance(answer, Refusal):
        raise _refused(answer)
    return to_bytes({"accepted": True, "replayed": answer is Settled.REPLAYED})


@router.get("/worker-protocol/templates", response_model=list[shapes.ServedTemplate], responses=answers(400, 404))
async def get_templates(request: Request, only: UUID | None = None) -> Json:
    """The templates in use, or one: for a worker that reads templates itself."""
    core = core_of(request)
    return _answer(await core.call(_templates, core, only))


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
    core, desk = core_of(request), await _desk(request, worker_id)
    return _answer(to_bytes({"released": await core.call(core.lookout.desks.end, desk)}))


async def _desk(request: Request, worker_id: UUID) -> Desk:
    core, owner, uuid = core_of(request), principal_of(request).name, str(worker_id)
    desks = core.lookout.desks
    try:
        here = desks.known_here(uuid, owner)
        return here if here is not None else await core.call(desks.find, uuid, owner)
    except WorkerUnknownError:
        raise _unknown() from None


def _unknown() -> ApiError:
    said = "there is no such worker, or it was given up as lost, or has ended: register again"
    return ApiError(404, "WORKER_UNKNOWN", said, headers=SPEAKS)


def _refused(refusal: Refusal) -> ApiError:
    return ApiError(refusal.status, refusal.code, refusal.message, headers=SPEAKS)


def _directive(desk: Desk) -> str:
    return DRAIN if desk.drains else RUN


def _limits(core: Core) -> dict[str, int]:
    return {
        "max_claim": shapes.MOST_CLAIMED, "max_reports": shapes.MOST_REPORTS,
        "max_wait_ms": round(core.longest_wait * 1_000), "max_payload_bytes": LARGEST_PAYLOAD,
        "max_body_bytes": core.settings.server.largest_batch,
    }  # fmt: skip


def _answer(answer: bytes, status: int = 200) -> Json:
    return Json(answer, status, SPEAKS)
