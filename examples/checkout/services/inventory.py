"""Goods leave the shelf here, and nowhere else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from examples.checkout.models import PricedLine, Reservation, ReservedLine
from examples.checkout.services.database import transaction
from tasker_core.errors import PermanentError


class OutOfStock(PermanentError):
    """Someone else was faster."""

    def __init__(self, sku: str, wanted: int, left: int) -> None:
        super().__init__(
            f"out of stock: {sku}, {wanted} wanted, {left} left",
            error_code="out_of_stock",
            metadata={"sku": sku, "wanted": wanted, "left": left},
        )
        self.sku, self.wanted, self.left = sku, wanted, left


def reserve(shop: sqlite3.Connection, lines: Sequence[PricedLine], idempotency_key: str) -> Reservation:
    """Set all of ``lines`` aside, or none.

    The first answer to a key stands. A repeated call gets the reservation that was made and takes nothing twice; one
    that was refused stays refused though goods came in since, because the money may be on its way back.

    Raises:
        OutOfStock: a shelf holds less than is wanted.
    """
    with transaction(shop):
        answer = _answer_to(shop, idempotency_key) or _decide(shop, lines, idempotency_key)
    if answer["refusal"] is not None:
        raise OutOfStock(**json.loads(answer["refusal"]))
    return Reservation(reservation_id=answer["id"], lines=_lines_of(shop, answer["id"]))


def release(shop: sqlite3.Connection, reservation_id: int) -> None:
    """Put back what a reservation took off the shelves, once, however often this is called."""
    with transaction(shop):
        taken = shop.execute(
            "UPDATE reservations SET released = 1 WHERE id = ? AND NOT released", (reservation_id,)
        ).rowcount
        if taken:
            shop.execute(
                "UPDATE products SET stock = stock + r.quantity FROM reserved_lines r"
                " WHERE r.reservation_id = ? AND r.sku = products.sku",
                (reservation_id,),
            )


def _answer_to(shop: sqlite3.Connection, key: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = shop.execute(
        "SELECT id, refusal FROM reservations WHERE idempotency_key = ?", (key,)
    ).fetchone()
    return found


def _decide(shop: sqlite3.Connection, lines: Sequence[PricedLine], key: str) -> dict[str, Any]:
    refusal = next((short for line in lines if (short := _shortage(shop, line))), None)
    answer: dict[str, Any] = shop.execute(
        "INSERT INTO reservations (idempotency_key, refusal) VALUES (?, ?) RETURNING id, refusal",
        (key, json.dumps(refusal) if refusal else None),
    ).fetchone()
    if refusal is None:
        for line in lines:
            _take(shop, line, answer["id"])
    return answer


def _shortage(shop: sqlite3.Connection, line: PricedLine) -> dict[str, Any] | None:
    shelf = shop.execute("SELECT stock FROM products WHERE sku = ?", (line.sku,)).fetchone()
    left = shelf["stock"] if shelf else 0
    return {"sku": line.sku, "wanted": line.quantity, "left": left} if left < line.quantity else None


def _take(shop: sqlite3.Connection, line: PricedLine, reservation_id: int) -> None:
    shelf = shop.execute(
        "UPDATE products SET stock = stock - :quantity WHERE sku = :sku AND stock >= :quantity RETURNING stock",
        {"sku": line.sku, "quantity": line.quantity},
    ).fetchone()
    shop.execute(
        "INSERT INTO reserved_lines (reservation_id, sku, quantity, left_over) VALUES (?, ?, ?, ?)",
        (reservation_id, line.sku, line.quantity, shelf["stock"]),
    )


def _lines_of(shop: sqlite3.Connection, reservation_id: int) -> list[ReservedLine]:
    rows = shop.execute(
        "SELECT sku, quantity, left_over AS 'left' FROM reserved_lines WHERE reservation_id = ? ORDER BY rowid",
        (reservation_id,),
    )
    return [ReservedLine(**row) for row in rows]
