"""Domain events: the latest of all, with what they carry, and how far subscriptions and webhooks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.engine.events import Asked
from tasker_core.server.callers import requires
from tasker_core.store.subscriptions import SUBSCRIBER, WEBHOOK

router = pages()

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Events:
    """What the page shows."""

    name: str
    namespace: str
    events: Sequence[Mapping[str, Any]]
    older: str | None
    listeners: Sequence[tuple[str, Mapping[str, Any]]]
    twin: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Which events are asked for: a pattern of names, a namespace, and the place from which on backwards."""

    name: str
    namespace: str
    before: int | None

    @property
    def query(self) -> dict[str, str]:
        return {key: value for key, value in (("name", self.name), ("namespace", self.namespace)) if value}


@router.get("/events", dependencies=[requires("events:read")])
async def events_page(request: Request, name: str = "", namespace: str = "", before: str = "") -> Response:
    """The latest events."""
    visit = Visit(request)
    asking = Asking(name.strip(), namespace.strip(), int(before) if before.isdigit() else None)
    return await visit.page("domain_events.html", lambda: read_events(visit, asking), section="events")


def read_events(visit: Visit, asking: Asking) -> Events:
    """A page of events, the latest first, as this visitor may see them."""
    engine = visit.engine
    asked = Asked(asking.namespace or None, None, (asking.name,) if asking.name else ())
    told = visit.see(engine.events.page(asked, PER_PAGE, before=asking.before))
    listeners = [(kind, each) for kind in (SUBSCRIBER, WEBHOOK) for each in engine.subscriptions.list(kind)]
    older = None if told["next"] is None else "/events?" + urlencode(asking.query | {"before": str(told["next"])})
    return Events(
        asking.name, asking.namespace, told["events"], older, listeners,
        "/v1/events?" + urlencode(asking.query | {"limit": str(PER_PAGE)}),
    )  # fmt: skip
