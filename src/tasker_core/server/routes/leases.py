"""Leases: handed out to remote workers, and what became of them. See docs/reference/worker-protocol.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Path, Request, Response

from tasker_core.clock import stamp_of
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_quickly, shaped, to_bytes
from tasker_core.server.core import Core, Phase, core_of
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.reports import REFUSED, Ended, Refusal
from tasker_core.server.protocol.speaking import SPEAKS, answered, desk_of, directive, refused, speaking_router, unknown
from tasker_core.server.protocol.ticket import Ticket, lease_id
from tasker_core.server.shapes import worker_protocol as shapes
from tasker_core.server.shapes.base import IN_PATH
from tasker_core.server.threads import OverloadedError
from tasker_core.words import Event, Lease, LeaseKey, Reply, Report, Settled

LeaseId: TypeAlias = Annotated[str, Path(max_length=100, pattern=IN_PATH)]

SHAPES: Mapping[str, type[Ended]] = {
    "complete": shapes.LeaseCompletion, "fail": shapes.LeaseFailure, "checkpoint": shapes.LeaseCheckpoint,
    "release": shapes.LeaseRelease,
}  # fmt: skip
REQUEST = "0d8f6a52-6a58-4f0e-8a3f-4b53a9d3c9a1"
CLAIM = {"request_id": REQUEST, "max": 4, "wait_ms": 0}
EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "complete": {"token": "...", "result": {"charge": "ch_1"}},
    "fail": {"token": "...", "error": {"message": "busy", "error_type": "GatewayBusy", "retryable": True}},
    "checkpoint": {"token": "...", "cursor": 200, "items_processed": 200},
    "release": {"token": "...", "reason": "the worker stops"},
}


router = speaking_router()


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
    desk = await desk_of(request, worker_id)
    if core.threads.is_crowded:
        # Finishing work goes before starting it.
        raise OverloadedError
    answer = await _wait(request, desk, wish) if wish.wait_ms else await core.call(_claim, core, desk, wish)
    if desk.is_closed:
        raise unknown()
    if answer is None and not desk.drains:
        return Response(status_code=204, headers=SPEAKS)
    return answered(answer or _claimed(core, desk, ()))


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
    return f'"leases":{texts},"more":{more},"directive":"{directive(desk)}"'


@router.post(
    "/workers/{worker_id}/reports",
    response_model=shapes.ReportsResponse,
    responses=answers(400, 404, 415),
    openapi_extra=body(
        "Reports",
        {
            "reports": [{"op": "complete", "lease_id": "7.2.1", **EXAMPLES["complete"]}],
            "claim": {"request_id": REQUEST, "max": 4},
        },
    ),
)
async def report_many(request: Request, worker_id: UUID) -> Json:
    """What became of leases; and, in the same round trip, more of them."""
    core, text = core_of(request), await read_body(request)
    desk = await desk_of(request, worker_id)
    return answered(await core.call(_report_many, core, desk, text))


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
    return answered(await core.call(_read_result, core, lease, text))


def _read_result(core: Core, lease: str, text: bytes) -> bytes:
    said = shaped(shapes.ReadResult, read_quickly(text))
    ticket = core.lookout.desks.reader.ticket(lease, said)
    if isinstance(ticket, Refusal):
        raise refused(ticket)
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
        return answered(await core.call(_report_one, core, lease, shape, text))


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
        raise refused(answer)
    return to_bytes({"accepted": True, "replayed": answer is Settled.REPLAYED})
