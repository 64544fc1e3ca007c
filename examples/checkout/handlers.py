"""The five steps of a checkout, and what undoes two of them: each hands its inputs to a service."""

from __future__ import annotations

import sqlite3

from examples.checkout.models import Charge, Checkout, Confirmation, PlacedOrder, PricedCart, Reservation
from examples.checkout.services import carts, catalogue, inventory, mail, orders, pricing
from examples.checkout.services.database import open_shop
from examples.checkout.services.payments import PaymentGateway
from examples.checkout.settings import Settings
from tasker_core import StepContext
from tasker_core.step_handler import depends_on, inputs, step_handler


@step_handler("ecommerce_validate_cart")
@inputs(Checkout)
def validate_cart(inputs: Checkout) -> PricedCart:
    """Refuse what can't be sold, and price the rest."""
    with open_shop(Settings.from_environment().database) as shop:
        products = catalogue.find(shop, [item.sku for item in inputs.items])
    lines = carts.check(inputs.items, inputs.country, products)
    return pricing.price(lines, inputs.country)


@step_handler("ecommerce_process_payment")
@depends_on(cart=("validate_cart", PricedCart))
@inputs(Checkout)
def process_payment(cart: PricedCart, inputs: Checkout, context: StepContext) -> Charge:
    """Charge the card. The key is the same on every attempt, so the gateway charges once."""
    return _gateway().charge(cart.total_cents, cart.currency, inputs.payment_token, context.idempotency_key)


@step_handler("ecommerce_refund_payment")
@depends_on(charge=("process_payment", Charge))
def refund_payment(charge: Charge) -> Charge:
    """Give the money back. A charge is refunded once, however often the gateway is asked."""
    return _gateway().refund(charge.charge_id)


@step_handler("ecommerce_update_inventory")
@depends_on(cart=("validate_cart", PricedCart))
def update_inventory(cart: PricedCart, context: StepContext) -> Reservation:
    """Take the goods off the shelf. If another customer was faster, the order fails, and what was done is undone."""
    with open_shop(Settings.from_environment().database) as shop:
        return inventory.reserve(shop, cart.lines, context.idempotency_key)


@step_handler("ecommerce_return_goods")
@depends_on(reservation=("update_inventory", Reservation))
def return_goods(reservation: Reservation) -> None:
    """Put the goods back on the shelf, once."""
    with open_shop(Settings.from_environment().database) as shop:
        inventory.release(shop, reservation.reservation_id)


@step_handler("ecommerce_create_order")
@depends_on(charge=("process_payment", Charge), reservation=("update_inventory", Reservation))
@inputs(Checkout)
def create_order(
    charge: Charge, reservation: Reservation, inputs: Checkout, transaction: sqlite3.Connection
) -> PlacedOrder:
    """Write the order into the books. They are in Tasker's database: order and step are committed together."""
    return orders.place(transaction, inputs, charge, reservation)


@step_handler("ecommerce_send_confirmation")
@depends_on(order=("create_order", PlacedOrder), cart=("validate_cart", PricedCart))
@inputs(Checkout)
def send_confirmation(order: PlacedOrder, cart: PricedCart, inputs: Checkout, context: StepContext) -> Confirmation:
    """Tell the customer. The order stands, whether there is such a mailbox or not."""
    settings = Settings.from_environment()
    message = mail.confirmation(order, cart, inputs.customer_email, context.idempotency_key)
    try:
        return mail.send(message, settings.smtp_host, settings.smtp_port)
    except mail.MailRefused as refused:
        return Confirmation(message_id=message["Message-ID"], sent_to=inputs.customer_email, refused=str(refused))


def _gateway() -> PaymentGateway:
    settings = Settings.from_environment()
    return PaymentGateway(settings.gateway_url, settings.gateway_timeout)
