"""Figures for Prometheus."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from tasker_core.metrics import event_stats
from tasker_core.server.answers import answers
from tasker_core.server.body import Json
from tasker_core.server.core import core_of
from tasker_core.server.shapes.events import EventStats

router = APIRouter(tags=["health"])

FIGURES: dict[str, Any] = {
    "content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The figures."
}  # fmt: skip


@router.get(
    "/metrics",
    response_class=Response,
    responses=answers(besides={200: FIGURES}),
)
async def metrics(request: Request) -> Response:
    """The server's figures, in Prometheus' text format."""
    # Not in the engine's threads: under load, when these are all taken, the figures are wanted most.
    text = await asyncio.to_thread(core_of(request).metrics.text)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@router.get("/metrics/events", response_model=EventStats, responses=answers())
async def count_events(request: Request) -> Json:
    """What this server has done with domain events since it started."""
    return Json({**event_stats(), "streams": core_of(request).streams.count})
