"""The audit: who did what to which task, the newest first."""

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

MOST = 200
PERIODS = {24: "a day", 168: "a week", 720: "a month"}


@dataclass(frozen=True, slots=True)
class Audit:
    """What the page shows."""

    words: Sequence[Mapping[str, Any]]
    hours: int
    everybody: bool
    periods: Mapping[int, str]
    most: int


@router.get("/audit", dependencies=[requires("audit:read")])
async def audit_page(request: Request, hours: str = "168", who: str = "people") -> Response:
    """Who did what."""
    visit = Visit(request)
    wanted = int(hours) if hours.isdigit() and int(hours) in PERIODS else 168
    return await visit.page(
        "audit.html", lambda: read_audit(visit.engine, wanted, everybody=who == "everybody"), section="audit"
    )


def read_audit(engine: Engine, hours: int, *, everybody: bool) -> Audit:
    return Audit(engine.board.words(hours, MOST, everybody=everybody), hours, everybody, PERIODS, MOST)
