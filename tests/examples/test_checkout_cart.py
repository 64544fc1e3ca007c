"""Which carts are refused, and in which words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from examples.checkout.models import CartItem, Checkout
from examples.checkout.services.carts import CartRefused, check
from examples.checkout.services.catalogue import Product

CATALOGUE = {
    product.sku: product for product in (Product("MUG", "Mug", 1_450, 120), Product("SET", "Tea set", 14_900, 3))
}


def item(sku: str, quantity: int, cents: int) -> CartItem:
    return CartItem(sku=sku, quantity=quantity, unit_price_cents=cents)


def refusal(*items: CartItem, country: str = "DE") -> list[str]:
    with pytest.raises(CartRefused) as refused:
        check(items, country, CATALOGUE)
    assert not refused.value.retryable
    assert refused.value.metadata == {"reasons": refused.value.reasons, "error_code": "cart_refused"}
    assert str(refused.value) == "cart refused: " + "; ".join(refused.value.reasons)
    return refused.value.reasons


def test_a_good_cart_becomes_lines() -> None:
    mug, tea_set = check([item("MUG", 2, 1_450), item("SET", 3, 14_900)], "DE", CATALOGUE)
    assert (mug.name, mug.quantity, mug.total_cents) == ("Mug", 2, 2_900)
    assert (tea_set.sku, tea_set.unit_price_cents, tea_set.total_cents) == ("SET", 14_900, 44_700)


def test_lines_of_one_product_are_added_up() -> None:
    (mug,) = check([item("MUG", 2, 1_450), item("MUG", 3, 1_450)], "DE", CATALOGUE)
    assert (mug.quantity, mug.total_cents) == (5, 7_250)


def test_an_empty_cart() -> None:
    assert refusal() == ["it is empty"]


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_below_one(quantity: int) -> None:
    assert refusal(item("MUG", quantity, 1_450)) == [f"MUG: the quantity is {quantity}, it must be at least 1"]


def test_an_unknown_product() -> None:
    assert refusal(item("HAT", 1, 100)) == ["HAT: we don't sell this"]


def test_a_price_that_has_changed() -> None:
    assert refusal(item("MUG", 1, 1_250)) == ["MUG: shown to the customer at 12.50 EUR, it costs 14.50 EUR"]


def test_more_than_one_customer_may_have() -> None:
    assert refusal(item("MUG", 60, 1_450), item("MUG", 40, 1_450)) == [
        "MUG: 100 wanted, we sell at most 99 to one customer"
    ]


def test_more_than_there_is() -> None:
    assert refusal(item("SET", 2, 14_900), item("SET", 2, 14_900)) == ["SET: 4 wanted, 3 left"]


def test_a_country_out_of_reach() -> None:
    assert refusal(item("MUG", 1, 1_450), country="XX") == ["we don't ship to 'XX', only to AT, BE, DE, FR, IE, LU, NL"]


def test_every_reason_is_given_at_once() -> None:
    assert len(refusal(item("MUG", 0, 1), item("HAT", 1, 100), item("SET", 4, 14_900), country="XX")) == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cart_id", ""),
        ("payment_token", ""),
        ("customer_email", "nobody"),
        ("customer_email", "a@example.com\nBcc: all@example.com"),
        ("customer_email", "a@example.com\n"),
        ("customer_email", "a@b, c@example.com"),
        ("customer_email", "group:a@example.com"),
        ("items", [{"sku": "MUG", "quantity": "2", "unit_price_cents": 1_450}]),
        ("items", [{"sku": "MUG", "quantity": 2, "unit_price_cents": 14.5}]),
        ("items", [{"sku": "MUG", "quantity": True, "unit_price_cents": 1_450}]),
        ("items", [{"sku": "MUG"}]),
    ],
)
def test_a_checkout_of_the_wrong_shape(field: str, value: object) -> None:
    good = {
        "cart_id": "c",
        "customer_email": "ada@example.com",
        "country": "DE",
        "items": [],
        "payment_token": "tok_visa",
    }
    assert Checkout.model_validate(good)
    with pytest.raises(ValidationError, match=field):
        Checkout.model_validate(good | {field: value})
