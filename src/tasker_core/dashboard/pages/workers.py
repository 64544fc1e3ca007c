"""The workers that are there: what they serve, what they hold, when they were last heard of; have one take no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from tasker_core.dashboard.pages.actions import Fields, act_and_go
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.server.callers import requires
from tasker_core.words import Word

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


@router.post("/workers/{worker}/drain", dependencies=[requires("workers:drain")])
async def drain_worker(request: Request, worker: UUID) -> Response:
    """Have a worker finish what it runs and take no more."""

    def act(engine: Engine, _: Fields, word: Word) -> str:
        drained = engine.workers.drain(str(worker), word)
        left = f"{drained['held']} steps that it" if drained["held"] != 1 else "the one step that it"
        return f"{drained['name']} takes no more" + (f"; {left} holds run to their end." if drained["held"] else ".")

    return await act_and_go(request, "/workers", act)
