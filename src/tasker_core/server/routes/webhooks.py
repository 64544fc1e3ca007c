"""Webhooks: where events are sent, and what became of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_shape, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.routes.events import LARGEST_NUMBER
from tasker_core.server.shapes.events import (
    DeliveryList,
    NewWebhook,
    WebhookChange,
    WebhookResponse,
    WebhookWithSecret,
)
from tasker_core.store.subscriptions import WEBHOOK

router = APIRouter(prefix="/v1/webhooks", tags=["events"])

EXAMPLE = {"name": "accounting", "url": "https://accounting.example/hooks", "events": ["payment.*"]}


@router.post(
    "",
    status_code=201,
    response_model=WebhookWithSecret,
    responses=answers(400, 415),
    dependencies=[requires("events:manage")],
    openapi_extra=body("NewWebhook", EXAMPLE),
)
async def create_webhook(request: Request) -> Json:
    """Have events sent somewhere. The answer alone shows the secret that they are signed with."""
    core, text = core_of(request), await read_body(request)
    said = read_shape(NewWebhook, text)
    made = await core.call(
        core.engine.subscriptions.create_webhook,
        said.name,
        said.url,
        said.events,
        namespace=said.namespace,
        secret=said.secret,
        from_beginning=said.from_beginning,
        private=core.settings.server.webhooks_to_private_addresses,
    )
    core.webhooks.look()
    return Json(made, 201)


@router.get("", response_model=list[WebhookResponse], responses=answers(), dependencies=[requires("events:read")])
async def list_webhooks(request: Request) -> Json:
    """The webhooks, and how far each is."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.subscriptions.list(WEBHOOK))))


@router.get(
    "/{webhook_id}", response_model=WebhookResponse, responses=answers(400, 404), dependencies=[requires("events:read")]
)
async def get_webhook(request: Request, webhook_id: UUID) -> Json:
    """One webhook."""
    core = core_of(request)
    return Json(await core.call(core.engine.subscriptions.get, str(webhook_id), WEBHOOK))


@router.patch(
    "/{webhook_id}",
    response_model=WebhookWithSecret,
    responses=answers(400, 404, 415),
    dependencies=[requires("events:manage")],
    openapi_extra=body("WebhookChange", {"state": "active"}),
)
async def change_webhook(request: Request, webhook_id: UUID) -> Json:
    """Change a webhook; what isn't given stays. Whatever it was waiting for, the next event is tried at once."""
    core, text = core_of(request), await read_body(request)
    said = read_shape(WebhookChange, text).model_dump(exclude_unset=True)
    private = core.settings.server.webhooks_to_private_addresses
    changed = await core.call(
        core.engine.subscriptions.change, str(webhook_id), WEBHOOK, said, private=private
    )  # fmt: skip
    core.webhooks.look()
    return Json(changed)


@router.delete(
    "/{webhook_id}",
    response_model=WebhookResponse,
    responses=answers(400, 404),
    dependencies=[requires("events:manage")],
)
async def drop_webhook(request: Request, webhook_id: UUID) -> Json:
    """End a webhook, and forget its log."""
    core = core_of(request)
    return Json(await core.call(core.engine.subscriptions.drop, str(webhook_id), WEBHOOK))


@router.get(
    "/{webhook_id}/deliveries",
    response_model=DeliveryList,
    responses=answers(400, 404),
    dependencies=[requires("events:read")],
)
async def list_deliveries(
    request: Request,
    webhook_id: UUID,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="So many at most.")] = 50,
) -> Json:
    """What became of the latest thousand tries, the latest first."""
    core = core_of(request)
    return Json(await core.call(core.engine.subscriptions.deliveries, str(webhook_id), limit, before))
