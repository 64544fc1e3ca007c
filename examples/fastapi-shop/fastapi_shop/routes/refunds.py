"""Refunds, by the workflow of the team that is asked."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from pydantic import BaseModel

from fastapi_shop.shop import Progress, Team, TheShop
from fastapi_shop.tables import Order, Refund

router = APIRouter(tags=["refunds"])


class NewRefund(BaseModel):
    team: Team
    reason: str
    approved_by: str | None = None


class AskedRefund(BaseModel):
    refund_id: str
    order_id: str
    team: Team
    status: str
    task: Progress


@router.post("/orders/{order_id}/refunds", status_code=201)
def ask(order_id: str, new: NewRefund, shop: TheShop) -> AskedRefund:
    """Ask for a refund. Both teams' workflows are called ``refund``; the namespace says whose it is."""
    order = shop.find(Order, order_id)
    refund_id = str(uuid.uuid4())
    with shop.database.writing() as session:
        task = shop.client.create_task(
            "refund",
            namespace=new.team,
            context={
                "refund_id": refund_id,
                "order_id": order.id,
                "reason": new.reason,
                "approved_by": new.approved_by,
            },
            idempotency_key=refund_id,
            connection=session,
        )
        session.add(Refund(id=refund_id, order_id=order.id, team=new.team, reason=new.reason, task_uuid=task.task_uuid))
    return look(refund_id, shop)


@router.get("/refunds/{refund_id}")
def look(refund_id: str, shop: TheShop) -> AskedRefund:
    """A refund, and how far its task is."""
    refund = shop.find(Refund, refund_id)
    return AskedRefund(
        refund_id=refund.id,
        order_id=refund.order_id,
        team="payments" if refund.team == "payments" else "customer_success",
        status=refund.status,
        task=shop.progress(refund.task_uuid),
    )
