"""What an order costs. Prices are net; tax is reckoned once, on goods and shipping together, and rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from examples.checkout.models import PricedCart, PricedLine
from examples.checkout.services import money

SHIPPING = Decimal("4.90")
FREE_SHIPPING_FROM = Decimal("50.00")
TAX_RATES = {
    "AT": Decimal("0.20"),
    "BE": Decimal("0.21"),
    "DE": Decimal("0.19"),
    "FR": Decimal("0.20"),
    "IE": Decimal("0.23"),
    "LU": Decimal("0.17"),
    "NL": Decimal("0.21"),
}


def price(lines: Sequence[PricedLine], country: str) -> PricedCart:
    """Add up ``lines`` for a customer in ``country`` (one of ``TAX_RATES``).

    >>> mugs = PricedLine(sku="MUG-01", name="Mug", quantity=2, unit_price_cents=1450, total_cents=2900)
    >>> cart = price([mugs], "DE")
    >>> cart.subtotal_cents, cart.shipping_cents, cart.tax_cents, cart.total_cents
    (2900, 490, 644, 4034)
    """
    subtotal = sum((money.euros(line.total_cents) for line in lines), Decimal(0))
    shipping = shipping_for(subtotal)
    tax_cents = money.cents((subtotal + shipping) * TAX_RATES[country])
    return PricedCart(
        lines=list(lines),
        subtotal_cents=money.cents(subtotal),
        shipping_cents=money.cents(shipping),
        tax_cents=tax_cents,
        total_cents=money.cents(subtotal + shipping) + tax_cents,
        currency=money.CURRENCY,
    )


def shipping_for(subtotal: Decimal) -> Decimal:
    """A flat fee below the threshold, nothing from there on."""
    return Decimal(0) if subtotal >= FREE_SHIPPING_FROM else SHIPPING
