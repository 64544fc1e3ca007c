"""Can this cart be sold as it stands?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from examples.checkout.models import CartItem, PricedLine
from examples.checkout.services.catalogue import Product
from examples.checkout.services.money import shown
from examples.checkout.services.pricing import TAX_RATES
from tasker_core.errors import PermanentError

MOST_OF_ONE_PRODUCT = 99


class CartRefused(PermanentError):
    """The customer has to change the cart first. ``reasons`` holds everything that is wrong with it."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            f"cart refused: {'; '.join(reasons)}", error_code="cart_refused", metadata={"reasons": list(reasons)}
        )
        self.reasons = list(reasons)


def check(items: Sequence[CartItem], country: str, catalogue: Mapping[str, Product]) -> list[PricedLine]:
    """Return the lines of the order, one for each product, in the order of the cart.

    Raises:
        CartRefused: with every reason, so that the customer hears them all at once.
    """
    wanted: dict[str, int] = {}
    for item in items:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    reasons = [*_of_the_cart(items, country), *_of_items(items, catalogue), *_of_stock(wanted, catalogue)]
    if reasons:
        raise CartRefused(reasons)
    return [_line(catalogue[sku], quantity) for sku, quantity in wanted.items()]


def _of_the_cart(items: Sequence[CartItem], country: str) -> Iterator[str]:
    if not items:
        yield "it is empty"
    if country not in TAX_RATES:
        yield f"we don't ship to {country!r}, only to {', '.join(TAX_RATES)}"


def _of_items(items: Sequence[CartItem], catalogue: Mapping[str, Product]) -> Iterator[str]:
    for item in items:
        product = catalogue.get(item.sku)
        if item.quantity < 1:
            yield f"{item.sku}: the quantity is {item.quantity}, it must be at least 1"
        if product is None:
            yield f"{item.sku}: we don't sell this"
        elif product.price_cents != item.unit_price_cents:
            yield (
                f"{item.sku}: shown to the customer at {shown(item.unit_price_cents)}, "
                f"it costs {shown(product.price_cents)}"
            )


def _of_stock(wanted: Mapping[str, int], catalogue: Mapping[str, Product]) -> Iterator[str]:
    for sku, quantity in wanted.items():
        product = catalogue.get(sku)
        if quantity > MOST_OF_ONE_PRODUCT:
            yield f"{sku}: {quantity} wanted, we sell at most {MOST_OF_ONE_PRODUCT} to one customer"
        elif product is not None and quantity > product.stock:
            yield f"{sku}: {quantity} wanted, {product.stock} left"


def _line(product: Product, quantity: int) -> PricedLine:
    return PricedLine(
        sku=product.sku,
        name=product.name,
        quantity=quantity,
        unit_price_cents=product.price_cents,
        total_cents=product.price_cents * quantity,
    )
