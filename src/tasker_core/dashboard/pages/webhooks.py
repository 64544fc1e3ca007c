"""One webhook: how far it is, what became of its latest tries; pause it, let it go on, have events delivered again."""

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
from tasker_core.errors import InvalidRequestError
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.store.subscriptions import ACTIVE, PAUSED, WEBHOOK
from tasker_core.words import Word

router = pages()

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """What the page shows."""

    webhook: Mapping[str, Any]
    deliveries: Sequence[Mapping[str, Any]]
    older: int | None


@router.get("/webhooks/{webhook}", dependencies=[requires("events:read")])
async def webhook_page(request: Request, webhook: UUID, before: str = "") -> Response:
    """One webhook and its log."""
    visit = Visit(request)
    entry = int(before) if before.isdigit() and len(before) < 19 else None
    return await visit.page("webhook.html", lambda: read_webhook(visit.engine, str(webhook), entry), section="events")


def read_webhook(engine: Engine, webhook: str, before: int | None) -> WebhookPage:
    told = engine.subscriptions.deliveries(webhook, PER_PAGE, before)
    return WebhookPage(engine.subscriptions.get(webhook, WEBHOOK), told["deliveries"], told["next"])


@router.post("/webhooks/{webhook}", dependencies=[requires("events:manage")])
async def change_webhook(request: Request, webhook: UUID) -> Response:
    """Pause a webhook, let it go on, or have it begin again at an event."""
    core, this = core_of(request), str(webhook)

    def act(engine: Engine, fields: Fields, _: Word) -> str:
        name = engine.subscriptions.get(this, WEBHOOK)["name"]
        match fields.get("action"):
            case "pause":
                engine.subscriptions.change(this, WEBHOOK, {"state": PAUSED})
                return f"{name} is paused: events wait for it."
            case "resume":
                engine.subscriptions.change(this, WEBHOOK, {"state": ACTIVE})
                said = f"{name} goes on: the next event is tried at once."
            case "redeliver":
                first = fields.get("sequence", "")
                if not first.isascii() or not first.isdigit() or not 1 <= int(first) < 2**62:
                    raise InvalidRequestError(f"the number of an event must be from 1, not {first!r}", field="sequence")
                engine.subscriptions.change(this, WEBHOOK, {"position": int(first) - 1})
                said = f"Event {int(first):,} and all after it are delivered to {name} again."
            case _:
                raise InvalidRequestError("action must be pause, resume or redeliver", field="action")
        core.webhooks.look()
        return said

    return await act_and_go(request, f"/webhooks/{this}", act)
