"""The handlers are plain functions: called here as a test of a user's would call them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from examples.checkout import handlers
from examples.checkout.models import CartItem, Checkout
from examples.checkout.processes import LocalShop
from examples.checkout.services import inventory, orders
from examples.checkout.services.carts import CartRefused
from examples.checkout.services.database import open_shop
from tasker_core import StepContext

pytestmark = pytest.mark.xdist_group("checkout-handlers")


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    with LocalShop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def shop(neighbours: LocalShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalShop:
    """The neighbours, with shelves of this test's own."""
    for name, value in neighbours.environment().items():
        if name.startswith("SHOP_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(neighbours, "database", tmp_path / "shop.db")
    monkeypatch.setenv("SHOP_DATABASE", str(neighbours.database))
    return neighbours


def context(step: str, task: int = 1) -> StepContext:
    return StepContext(
        task_uuid=UUID(int=task), step_uuid=UUID(int=2), correlation_id=UUID(int=3), handler_name=step, step_name=step
    )


def order(quantity: int = 2, token: str = "tok_visa") -> Checkout:
    return Checkout(
        cart_id="cart-1",
        customer_email="ada@example.com",
        country="DE",
        items=[CartItem(sku="SET-ASANOHA", quantity=quantity, unit_price_cents=14_900)],
        payment_token=token,
    )


def test_a_checkout_step_by_step_and_each_step_that_may_run_twice(shop: LocalShop, tmp_path: Path) -> None:
    inputs, books = order(), tmp_path / "books.db"
    cart = handlers.validate_cart(inputs=inputs)
    assert (cart.subtotal_cents, cart.shipping_cents, cart.total_cents) == (29_800, 0, 35_462)

    key = context("process_payment")
    charge = handlers.process_payment(cart=cart, inputs=inputs, context=key)
    again = handlers.process_payment(cart=cart, inputs=inputs, context=key)
    assert (charge.amount_cents, again.charge_id, again.replayed) == (35_462, charge.charge_id, True)

    key = context("update_inventory")
    reservation = handlers.update_inventory(cart=cart, context=key)
    assert handlers.update_inventory(cart=cart, context=key) == reservation
    assert shop.stock()["SET-ASANOHA"] == 1

    with sqlite3.connect(books) as transaction:
        placed = handlers.create_order(charge=charge, reservation=reservation, inputs=inputs, transaction=transaction)
        assert [row["total_cents"] for row in orders.placed(books)] == []
    transaction.close()
    assert [row["total_cents"] for row in orders.placed(books)] == [placed.total_cents]

    key = context("send_confirmation")
    mailed = handlers.send_confirmation(order=placed, cart=cart, inputs=inputs, context=key)
    assert handlers.send_confirmation(order=placed, cart=cart, inputs=inputs, context=key) == mailed
    assert {mail["Message-ID"] for mail in shop.mails()} == {mailed.message_id}


def test_a_cart_that_cannot_be_sold(shop: LocalShop) -> None:
    with pytest.raises(CartRefused, match="SET-ASANOHA: 4 wanted, 3 left"):
        handlers.validate_cart(inputs=order(quantity=4))


def test_what_undoes_a_step_does_it_once(shop: LocalShop) -> None:
    inputs = order()
    cart = handlers.validate_cart(inputs=inputs)
    charge = handlers.process_payment(cart=cart, inputs=inputs, context=context("process_payment", task=7))
    reservation = handlers.update_inventory(cart=cart, context=context("update_inventory", task=7))
    assert shop.stock()["SET-ASANOHA"] == 1
    for _ in range(2):
        handlers.return_goods(reservation=reservation)
        handlers.refund_payment(charge=charge)
    (entry,) = shop.charges(str(UUID(int=7)))
    assert entry["refunded"] == 1
    assert shop.stock()["SET-ASANOHA"] == 3


def test_goods_that_went_in_the_meantime_stay_gone(shop: LocalShop) -> None:
    cart = handlers.validate_cart(inputs=order())
    with open_shop(shop.database) as faster:
        inventory.reserve(faster, cart.lines, "a faster customer")
    for _ in range(2):
        with pytest.raises(inventory.OutOfStock, match="SET-ASANOHA, 2 wanted, 1 left"):
            handlers.update_inventory(cart=cart, context=context("update_inventory", task=8))
    assert shop.stock()["SET-ASANOHA"] == 1
