"""The workers that are there: what they serve, what they hold, when they were last heard of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.server.callers import requires

router = pages()


@dataclass(frozen=True, slots=True)
class Workers:
    """What the page shows. A worker whose beat is older than ``lease_seconds`` is believed dead soon."""

    workers: Sequence[Mapping[str, Any]]
    unserved: Sequence[Mapping[str, Any]]
    slots: int
    held: int
    lease_seconds: float


@router.get("/workers", dependencies=[requires("workers:read")])
async def workers_page(request: Request) -> Response:
    """The workers."""
    visit = Visit(request)
    return await visit.page("workers.html", lambda: read_workers(visit.engine), section="workers")


def read_workers(engine: Engine) -> Workers:
    workers, standing = engine.board.workers(), engine.board.standing()
    return Workers(
        workers,
        standing["unserved"],
        sum(each["slots"] for each in workers),
        sum(each["held"] for each in workers),
        engine.lease_time / 1_000_000,
    )
