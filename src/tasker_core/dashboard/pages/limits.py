"""Limits and breakers: what holds steps back, and how much of it is used; set a limit, lift it, open a breaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from tasker_core.dashboard.pages.actions import Fields, act_and_go
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.telling import in_words
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.engine.limits import LIMITS
from tasker_core.errors import InvalidRequestError
from tasker_core.server.callers import requires
from tasker_core.words import Word

router = pages()

NONE = "none"
"""What lifts a limit that templates declare; an empty field leaves it to them."""


@dataclass(frozen=True, slots=True)
class LimitsPage:
    """What the page shows. ``names`` are the namespaces and handlers that could be limited."""

    limits: Sequence[Mapping[str, Any]]
    breakers: Sequence[Mapping[str, Any]]
    names: Sequence[str]
    action_id: str


@router.get("/limits", dependencies=[requires("system:handlers_read")])
async def limits_page(request: Request) -> Response:
    """The limits and breakers."""
    visit = Visit(request)
    return await visit.page("limits.html", lambda: read_limits(visit.engine), section="limits")


def read_limits(engine: Engine) -> LimitsPage:
    """Every limit, those that are used up first, and the breakers that aren't closed."""
    lanes = {lane for known in engine.catalog.current() for lane in known.lanes}
    names = sorted(lanes | {lane.partition("/")[0] for lane in lanes})
    limits = sorted(engine.limits.limits(), key=lambda each: (not is_full(each), each["name"]))
    return LimitsPage(limits, engine.limits.breakers(), names, engine.ids.new())


def is_full(limit: Mapping[str, Any]) -> bool:
    """Does it hold back what is ready?"""
    most, rate = limit["concurrency"], limit["rate"]
    return (most is not None and limit["running"] >= most) or (
        rate is not None and limit["used"] >= int(rate.partition("/")[0])
    )


@router.post("/limits", dependencies=[requires("namespaces:operate")])
async def change_limit(request: Request) -> Response:
    """Limit a handler or a namespace, or leave it to the templates again."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        name = fields.get("name", "").strip()
        match fields.get("action"):
            case "set":
                said = {each: _said(each, fields[each].strip()) for each in LIMITS if fields.get(each, "").strip()}
                if not said:
                    raise InvalidRequestError("say at least one limit", field="concurrency")
                engine.limits.limit(name, said, word)
                return f"{name} is limited: {_told(said)}."
            case "lift":
                engine.limits.limit(name, None, word)
                return f"{name} is left to what templates say of it."
        raise InvalidRequestError("action must be set or lift", field="action")

    return await act_and_go(request, "/limits", act)


@router.post("/breakers", dependencies=[requires("namespaces:operate")])
async def change_breaker(request: Request) -> Response:
    """Open the breaker of a handler, or close it."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        handler, state = fields.get("handler", "").strip(), fields.get("state", "")
        engine.limits.set_breaker(handler, state, word)
        if state == "open":
            return f"The breaker of {handler} is open: nothing of it begins until it is closed."
        return f"The breaker of {handler} is closed: what waits begins."

    return await act_and_go(request, "/limits", act)


def _said(field: str, text: str) -> int | str | None:
    if text.lower() == NONE:
        return None
    if field == "rate":
        return text
    if not text.isascii() or not text.isdigit():
        told = f"{in_words(field)} must be a whole number, or {NONE}; not {text!r}"
        raise InvalidRequestError(told, field=field)
    return int(text)


def _told(said: Mapping[str, int | str | None]) -> str:
    return ", ".join(f"{in_words(field)} {NONE if value is None else value}" for field, value in said.items())
