"""The shop's books."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from examples.checkout.models import Charge, Checkout, PlacedOrder, Reservation
from examples.checkout.services.database import transaction


def place(
    shop: sqlite3.Connection, checkout: Checkout, charge: Charge, reservation: Reservation, idempotency_key: str
) -> PlacedOrder:
    """Write an order down. A repeated call with the same key returns the order that stands there."""
    with transaction(shop):
        shop.execute(
            "INSERT INTO orders (idempotency_key, cart_id, customer_email, reservation_id, charge_id, total_cents,"
            " currency, placed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING",
            (
                idempotency_key,
                checkout.cart_id,
                checkout.customer_email,
                reservation.reservation_id,
                charge.charge_id,
                charge.amount_cents,
                charge.currency,
                datetime.now(UTC).isoformat(timespec="seconds"),
            ),
        )
        row = shop.execute(
            "SELECT id, total_cents, currency, placed_at FROM orders WHERE idempotency_key = ?", (idempotency_key,)
        ).fetchone()
    return PlacedOrder(
        order_number=f"T-{row['id']:06d}",
        total_cents=row["total_cents"],
        currency=row["currency"],
        placed_at=row["placed_at"],
    )
