"""Reports over the shop's sales."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from fastapi_shop.shop import Progress, TheShop

router = APIRouter(tags=["reports"])


@router.post("/reports", status_code=201)
def ask(shop: TheShop) -> Progress:
    """Begin a report. Nothing of the shop's is written with it, so no transaction is shared."""
    task = shop.client.create_task("sales_report", namespace="analytics", idempotency_key=str(uuid.uuid4()))
    return shop.progress(task.task_uuid)


@router.get("/tasks/{task_uuid}")
def look(task_uuid: str, shop: TheShop) -> Progress:
    """How far any task of the shop is."""
    return shop.progress(task_uuid)
