"""The shop's books. They are in the database that Tasker's store is in, so that an order is written with its step."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.checkout.models import Charge, Checkout, PlacedOrder, Reservation

_BOOKS = """
CREATE TABLE IF NOT EXISTS orders (
    id              INTEGER PRIMARY KEY,
    cart_id         TEXT NOT NULL,
    customer_email  TEXT NOT NULL,
    reservation_id  INTEGER NOT NULL,
    charge_id       TEXT NOT NULL,
    total_cents     INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    placed_at       TEXT NOT NULL
)"""


def place(books: sqlite3.Connection, checkout: Checkout, charge: Charge, reservation: Reservation) -> PlacedOrder:
    """Write an order down, in the transaction of ``books``, which whoever opened it commits.

    No key protects it from being written twice: that it isn't is what the transaction is for.
    """
    placed_at = datetime.now(UTC).isoformat(timespec="seconds")
    books.execute(_BOOKS)
    number = books.execute(
        "INSERT INTO orders (cart_id, customer_email, reservation_id, charge_id, total_cents, currency, placed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            checkout.cart_id,
            checkout.customer_email,
            reservation.reservation_id,
            charge.charge_id,
            charge.amount_cents,
            charge.currency,
            placed_at,
        ),
    ).lastrowid
    return PlacedOrder(
        order_number=f"T-{number:06d}",
        total_cents=charge.amount_cents,
        currency=charge.currency,
        placed_at=placed_at,
    )


def placed(path: Path) -> list[dict[str, Any]]:
    """All orders in the books at ``path``, the oldest first."""
    with closing(sqlite3.connect(path, timeout=10)) as books:
        books.row_factory = sqlite3.Row
        if books.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'orders'").fetchone()[0] == 0:
            return []
        return [dict(row) for row in books.execute("SELECT * FROM orders ORDER BY id")]
