"""The namespaces: what waits in each and since when, which are paused and why; pause one, let it go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from tasker_core.dashboard.pages.actions import Fields, act_and_go
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.errors import InvalidRequestError
from tasker_core.server.callers import requires
from tasker_core.words import Word

router = pages()


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace, and the lanes of it in which steps are ready."""

    name: str
    templates: int
    paused: Mapping[str, Any] | None
    depth: int
    oldest_seconds: float | None
    lanes: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]
    limits: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Namespaces:
    """What the page shows."""

    namespaces: Sequence[Namespace]
    action_id: str


@router.get("/namespaces", dependencies=[requires("namespaces:read")])
async def namespaces_page(request: Request) -> Response:
    """The namespaces."""
    visit = Visit(request)
    return await visit.page("namespaces.html", lambda: read_namespaces(visit), section="namespaces")


def read_namespaces(visit: Visit) -> Namespaces:
    """Every namespace, those in which steps have waited longest first; with its limits for who may see them."""
    engine = visit.engine
    limits: dict[str, list[Mapping[str, Any]]] = {}
    for limit in engine.limits.limits() if visit.may("system:handlers_read") else ():
        limits.setdefault(limit["name"].partition("/")[0], []).append(limit)
    queues: dict[str, list[Mapping[str, Any]]] = {}
    for lane in engine.board.standing()["queues"]:
        queues.setdefault(lane["namespace"], []).append(lane)
    found = []
    for each in engine.namespaces.all():
        lanes = queues.get(each["namespace"], [])
        found.append(
            Namespace(
                each["namespace"], each["templates"], each["paused"], sum(lane["depth"] for lane in lanes),
                max((lane["oldest_seconds"] for lane in lanes), default=None), lanes,
                engine.namespaces.one(each["namespace"])["history"][:5], limits.get(each["namespace"], ()),
            )
        )  # fmt: skip
    found.sort(key=lambda each: -(each.oldest_seconds or 0))
    return Namespaces(found, engine.ids.new())


@router.post("/namespaces/{namespace}", dependencies=[requires("namespaces:operate")])
async def change_namespace(request: Request, namespace: str) -> Response:
    """Pause a namespace, or let it go on."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        match fields.get("action"):
            case "pause":
                engine.namespaces.pause(namespace, word)
                return f"Namespace {namespace} is paused: nothing of it begins, what runs goes on to its end."
            case "resume":
                engine.namespaces.resume(namespace, word)
                return f"Namespace {namespace} goes on."
        raise InvalidRequestError("action must be pause or resume", field="action")

    return await act_and_go(request, "/namespaces", act)
