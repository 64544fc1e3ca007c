"""Health, for probes: alive, ready, and in detail. Public, so it tells nothing about who uses the server."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from tasker_core.errors import StoreError
from tasker_core.rules.gates import HALF_OPEN, OPEN
from tasker_core.server.answers import Answers, answers
from tasker_core.server.body import Json
from tasker_core.server.core import Core, Phase, core_of
from tasker_core.server.shapes.health import DetailedHealthResponse, HealthResponse
from tasker_core.server.threads import OverloadedError
from tasker_core.version import VERSION

router = APIRouter(prefix="/health", tags=["health"])

PATIENCE = 5.0
"""Seconds within which the store has to answer a probe."""
NOT_READY: Answers = {503: {"model": DetailedHealthResponse, "description": "Send no requests here now."}}


@router.get("", response_model=HealthResponse, responses=answers())
async def health() -> Json:
    """The process answers."""
    return Json({"status": "healthy", "timestamp": _now()})


@router.get("/live", response_model=HealthResponse, responses=answers())
async def live() -> Json:
    """The process answers; one that doesn't should be started anew."""
    return Json({"status": "healthy", "timestamp": _now()})


@router.get("/ready", response_model=DetailedHealthResponse, responses=answers(besides=NOT_READY))
async def ready(request: Request) -> Json:
    """Whether requests may be sent here: the store answers, and the server isn't about to stop."""
    report = await _report(core_of(request))
    return Json(report, 200 if report["status"] == "healthy" else 503)


@router.get("/detailed", response_model=DetailedHealthResponse, responses=answers())
async def detailed(request: Request) -> Json:
    """The parts of the server and how they are, and whether breakers hold steps back. Always 200; see ``status``."""
    core = core_of(request)
    report = await _report(core)
    report["checks"]["breakers"] = breakers = await _breakers(core)
    if report["status"] == "healthy":
        report["status"] = breakers["status"]
    return Json(report)


async def _report(core: Core) -> dict[str, Any]:
    used = core.threads.pending / core.threads.backlog
    checks = {
        "database": await _database(core),
        "server": _check(core.phase is Phase.NORMAL, f"{core.phase}"),
        "threads": _check(used < 0.8, f"{core.threads.pending} calls run or wait, {core.threads.count} at once"),
    }
    return {
        "status": "healthy" if all(check["status"] == "healthy" for check in checks.values()) else "unhealthy",
        "timestamp": _now(),
        "checks": checks,
        "info": {
            "version": VERSION,
            "environment": core.settings.env,
            "operational_state": core.phase,
            "uptime_seconds": round(time.monotonic() - core.started, 3),
            "waiting_requests": core.waiters.count,
        },
    }


async def _database(core: Core) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            await core.call(core.engine.store.templates.mark)
    except (StoreError, TimeoutError, OverloadedError) as error:
        # What exactly is for the log: the message may name hosts and files.
        return _check(False, f"doesn't answer ({type(error).__name__})", began)
    return _check(True, "answers", began)


async def _breakers(core: Core) -> dict[str, Any]:
    """How many aren't closed; of which handlers is for those who may read limits."""
    try:
        async with asyncio.timeout(PATIENCE):
            states = Counter(breaker["state"] for breaker in await core.call(core.engine.limits.breakers))
    except (StoreError, TimeoutError, OverloadedError) as error:
        return _check(False, f"the database doesn't answer ({type(error).__name__})")
    told = [f"{states[state]:,} {state.replace('_', ' ')}" for state in (OPEN, HALF_OPEN) if states[state]]
    return {**_check(True, ", ".join(told) or "none is open"), **({"status": "degraded"} if told else {})}


def _check(healthy: bool, message: str, began: float | None = None) -> dict[str, Any]:
    took = None if began is None else round((time.perf_counter() - began) * 1_000, 3)
    return {"status": "healthy" if healthy else "unhealthy", "message": message, "duration_ms": took}


def _now() -> str:
    return datetime.now(UTC).isoformat()
