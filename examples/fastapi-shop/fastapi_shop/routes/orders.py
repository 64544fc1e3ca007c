"""Orders: placed, looked at, cancelled."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field, PositiveInt
from sqlalchemy import select

from fastapi_shop.shop import Progress, Shop, TheShop
from fastapi_shop.tables import Order

router = APIRouter(prefix="/orders", tags=["orders"])


class Item(BaseModel):
    sku: str
    quantity: PositiveInt


class NewOrder(BaseModel):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    items: list[Item] = Field(min_length=1)
    card: str


class PlacedOrder(BaseModel):
    order_id: str
    status: str
    total_cents: int | None
    task: Progress


@router.post("", status_code=201)
def place(
    new: NewOrder, shop: TheShop, response: Response, idempotency_key: Annotated[str | None, Header()] = None
) -> PlacedOrder:
    """Place an order. The same ``Idempotency-Key`` once more answers 200 with the order that is there already.

    The order and its task are written in one transaction: neither can be there without the other.
    """
    order_id = str(uuid.uuid4())
    with shop.database.writing() as session:
        if idempotency_key and (found := session.scalar(select(Order).where(Order.key == idempotency_key))):
            response.status_code = 200
            order_id = found.id
        else:
            items = [item.model_dump() for item in new.items]
            task = shop.client.create_task(
                "checkout",
                namespace="shop",
                context={"order_id": order_id, "email": new.email, "items": items, "card": new.card},
                idempotency_key=order_id,
                connection=session,
            )
            session.add(
                Order(
                    id=order_id,
                    key=idempotency_key or order_id,
                    email=new.email,
                    items=items,
                    task_uuid=task.task_uuid,
                )
            )
    return _placed(shop, order_id)


@router.get("/{order_id}")
def look(order_id: str, shop: TheShop) -> PlacedOrder:
    """An order, and how far its task is."""
    return _placed(shop, order_id)


@router.post("/{order_id}/cancel")
def cancel(order_id: str, shop: TheShop) -> PlacedOrder:
    """Cancel an order, as long as its task isn't at its end: after that, ask for a refund."""
    order = shop.find(Order, order_id)
    shop.client.cancel_task(order.task_uuid, reason="the customer changed their mind")
    with shop.database.writing() as session:
        session.get_one(Order, order_id).status = "cancelled"
    return _placed(shop, order_id)


def _placed(shop: Shop, order_id: str) -> PlacedOrder:
    order = shop.find(Order, order_id)
    return PlacedOrder(
        order_id=order.id,
        status=order.status,
        total_cents=order.total_cents,
        task=shop.progress(order.task_uuid),
    )
