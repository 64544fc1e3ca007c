"""What goes into the checkout and what its steps hand on. Money is in cents wherever it is written down."""

from __future__ import annotations

from pydantic import BaseModel, Field, StrictInt


class CartItem(BaseModel):
    """One line as the customer saw it."""

    sku: str
    quantity: StrictInt
    unit_price_cents: StrictInt


class Checkout(BaseModel):
    """What a customer submits. The first step reads all of it: nothing is charged for an order that can't end."""

    cart_id: str = Field(min_length=1)
    customer_email: str = Field(pattern=r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$", max_length=254)
    country: str
    items: list[CartItem]
    payment_token: str = Field(min_length=1)


class PricedLine(BaseModel):
    """One product of the order: its lines of the cart added up."""

    sku: str
    name: str
    quantity: int
    unit_price_cents: int
    total_cents: int


class PricedCart(BaseModel):
    """What the customer pays, and for what."""

    lines: list[PricedLine]
    subtotal_cents: int
    shipping_cents: int
    tax_cents: int
    total_cents: int
    currency: str


class Charge(BaseModel):
    """The gateway's receipt. ``replayed``: it had charged this key before, and did nothing this time."""

    charge_id: str
    amount_cents: int
    currency: str
    replayed: bool = False


class ReservedLine(BaseModel):
    """What was taken off one shelf, and what is left there."""

    sku: str
    quantity: int
    left: int


class Reservation(BaseModel):
    """The goods are set aside."""

    reservation_id: int
    lines: list[ReservedLine]


class PlacedOrder(BaseModel):
    """The order as it stands in the books."""

    order_number: str
    total_cents: int
    currency: str
    placed_at: str


class Confirmation(BaseModel):
    """The mail that went out."""

    message_id: str
    sent_to: str
    refused: str | None = None
