"""Checkout: one step after another, and each may run twice without harm."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from fastapi_shop import payments
from fastapi_shop.database import database
from fastapi_shop.mails import send
from fastapi_shop.payments import Charge
from fastapi_shop.tables import Order, Product, Reservation
from tasker_core import PermanentError, StepContext
from tasker_core.step_handler import depends_on, inputs, step_handler


class Item(BaseModel):
    sku: str
    quantity: int


class Checkout(BaseModel):
    order_id: str
    email: str
    items: list[Item]
    card: str


class Cart(BaseModel):
    total_cents: int


class Reserved(BaseModel):
    lines: int


class Confirmed(BaseModel):
    order_id: str
    total_cents: int


@step_handler("shop_validate_cart")
@inputs(Checkout)
def validate_cart(inputs: Checkout) -> Cart:
    with database().reading() as session:
        products = {item.sku: session.get(Product, item.sku) for item in inputs.items}
    unknown = sorted(sku for sku, product in products.items() if product is None)
    if unknown:
        raise PermanentError(f"the shop doesn't sell {', '.join(unknown)}", error_code="unknown_sku")
    prices = {sku: product.price_cents for sku, product in products.items() if product is not None}
    return Cart(total_cents=sum(prices[item.sku] * item.quantity for item in inputs.items))


@step_handler("shop_process_payment")
@depends_on(cart=("validate_cart", Cart))
@inputs("card")
def process_payment(cart: Cart, card: str, context: StepContext) -> Charge:
    return payments.charge(cart.total_cents, card, context.idempotency_key)


@step_handler("shop_reserve_stock")
@depends_on(charge=("process_payment", Charge))
@inputs(Checkout)
def reserve_stock(charge: Charge, inputs: Checkout) -> Reserved:
    """Take the goods off the shelf. Someone was faster: the money goes back, and the order ends here."""
    try:
        with database().writing() as session:
            for item in inputs.items:
                if session.get(Reservation, (inputs.order_id, item.sku)) is not None:
                    continue
                product = session.get_one(Product, item.sku, with_for_update=True)
                if product.stock < item.quantity:
                    raise PermanentError(f"only {product.stock} of {item.sku} are left", error_code="sold_out")
                product.stock -= item.quantity
                session.add(Reservation(order_id=inputs.order_id, sku=item.sku, quantity=item.quantity))
    except PermanentError:
        payments.refund(charge.charge_id)
        raise
    return Reserved(lines=len(inputs.items))


@step_handler("shop_confirm_order")
@depends_on(charge=("process_payment", Charge))
@inputs("order_id")
def confirm_order(charge: Charge, order_id: str) -> Confirmed:
    with database().writing() as session:
        order = session.get_one(Order, order_id)
        order.status, order.total_cents, order.charge_id = "confirmed", charge.amount_cents, charge.charge_id
    return Confirmed(order_id=order_id, total_cents=charge.amount_cents)


@step_handler("shop_send_confirmation")
@depends_on(confirmed=("confirm_order", Confirmed))
@inputs("email")
async def send_confirmation(confirmed: Confirmed, email: str) -> dict[str, str]:
    text = f"Your order {confirmed.order_id} over {confirmed.total_cents / 100:.2f} EUR is on its way."
    await asyncio.to_thread(send, f"order {confirmed.order_id}", email, text)
    return {"sent_to": email}
