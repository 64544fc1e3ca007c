"""The shelves and the books: nothing below zero, nothing twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.checkout.models import Charge, Checkout, PricedLine, Reservation, ReservedLine
from examples.checkout.services import catalogue, inventory, orders
from examples.checkout.services.database import open_shop, transaction


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with open_shop(tmp_path / "shop.db") as shop:
        yield shop


def line(sku: str, quantity: int) -> PricedLine:
    return PricedLine(sku=sku, name=sku, quantity=quantity, unit_price_cents=1, total_cents=quantity)


def stock(shop: sqlite3.Connection, sku: str) -> int:
    return catalogue.find(shop, [sku])[sku].stock


def test_the_shop_opens_with_stock_and_keeps_it(tmp_path: Path) -> None:
    with open_shop(tmp_path / "shop.db") as shop:
        mug = catalogue.find(shop, ["MUG-01", "HAT-01"])
        assert mug == {"MUG-01": catalogue.Product("MUG-01", "Stoneware mug", 1_450, 120)}
        inventory.reserve(shop, [line("MUG-01", 20)], "key")
    with open_shop(tmp_path / "shop.db") as shop:
        assert stock(shop, "MUG-01") == 100


def test_goods_leave_the_shelf(shop: sqlite3.Connection) -> None:
    reservation = inventory.reserve(shop, [line("MUG-01", 20), line("SET-ASANOHA", 3)], "key")
    assert reservation.lines == [
        ReservedLine(sku="MUG-01", quantity=20, left=100),
        ReservedLine(sku="SET-ASANOHA", quantity=3, left=0),
    ]
    assert (stock(shop, "MUG-01"), stock(shop, "SET-ASANOHA")) == (100, 0)


def test_the_same_key_takes_nothing_twice(shop: sqlite3.Connection) -> None:
    first = inventory.reserve(shop, [line("MUG-01", 20)], "key")
    inventory.reserve(shop, [line("MUG-01", 1)], "another customer")
    assert inventory.reserve(shop, [line("MUG-01", 20)], "key") == first
    assert stock(shop, "MUG-01") == 99


def test_all_or_nothing(shop: sqlite3.Connection) -> None:
    with pytest.raises(inventory.OutOfStock, match="out of stock: SET-ASANOHA, 4 wanted, 3 left") as refused:
        inventory.reserve(shop, [line("MUG-01", 20), line("SET-ASANOHA", 4)], "key")
    assert not refused.value.retryable
    assert refused.value.metadata == {"sku": "SET-ASANOHA", "wanted": 4, "left": 3, "error_code": "out_of_stock"}
    assert (stock(shop, "MUG-01"), stock(shop, "SET-ASANOHA")) == (120, 3)


def test_a_refusal_stands_even_when_goods_come_in(shop: sqlite3.Connection) -> None:
    with pytest.raises(inventory.OutOfStock):
        inventory.reserve(shop, [line("SET-ASANOHA", 4)], "key")
    with transaction(shop):
        shop.execute("UPDATE products SET stock = 10 WHERE sku = 'SET-ASANOHA'")
    with pytest.raises(inventory.OutOfStock, match="4 wanted, 3 left"):
        inventory.reserve(shop, [line("SET-ASANOHA", 4)], "key")
    assert inventory.reserve(shop, [line("SET-ASANOHA", 4)], "another key").lines[0].left == 6


def test_many_customers_at_once_never_get_more_than_there_is(tmp_path: Path) -> None:
    path, taken, refused = tmp_path / "shop.db", list[str](), list[str]()
    with open_shop(path):
        pass

    def customer(key: str) -> None:
        with open_shop(path) as shop:
            try:
                inventory.reserve(shop, [line("SET-ASANOHA", 1)], key)
                taken.append(key)
            except inventory.OutOfStock:
                refused.append(key)

    customers = [threading.Thread(target=customer, args=(f"key {number}",)) for number in range(8)]
    for thread in customers:
        thread.start()
    for thread in customers:
        thread.join()
    assert (len(taken), len(refused)) == (3, 5)


def test_a_shelf_below_zero_is_impossible(shop: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="stock >= 0"), transaction(shop):
        shop.execute("UPDATE products SET stock = -1 WHERE sku = 'MUG-01'")
    assert stock(shop, "MUG-01") == 120


CHECKOUT = Checkout(
    cart_id="cart-1", customer_email="ada@example.com", country="DE", items=[], payment_token="tok_visa"
)


def test_orders_are_numbered_and_there_with_their_transaction(tmp_path: Path) -> None:
    books = tmp_path / "books.db"
    charge, reservation = (
        Charge(charge_id="ch_1", amount_cents=4_034, currency="EUR"),
        Reservation(reservation_id=1, lines=[]),
    )
    with closing(sqlite3.connect(books)) as connection:
        first = orders.place(connection, CHECKOUT, charge, reservation)
        assert (first.order_number, first.total_cents, first.currency) == ("T-000001", 4_034, "EUR")
        assert orders.placed(books) == []
        connection.commit()
        orders.place(connection, CHECKOUT, charge, reservation)
        connection.rollback()
        assert orders.place(connection, CHECKOUT, charge, reservation).order_number == "T-000002"
    assert [row["id"] for row in orders.placed(books)] == [1]


def test_goods_go_back_on_the_shelf_once(shop: sqlite3.Connection) -> None:
    reservation = inventory.reserve(shop, [line("MUG-01", 2)], "key")
    assert stock(shop, "MUG-01") == 118
    for _ in range(2):
        inventory.release(shop, reservation.reservation_id)
    assert stock(shop, "MUG-01") == 120


def test_the_opening_stock_is_laid_out_once_when_many_open_at_once(tmp_path: Path) -> None:
    errors = list[BaseException]()

    def open_it() -> None:
        try:
            with open_shop(tmp_path / "shop.db"):
                pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        assert shop.execute("SELECT count(*) FROM products").fetchone() == (5,)
