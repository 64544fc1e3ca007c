"""What the shop sells, at what price, and how much of it is on the shelf."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price_cents: int
    stock: int


def find(shop: sqlite3.Connection, skus: Iterable[str]) -> dict[str, Product]:
    """The products among ``skus`` that the shop sells, by sku."""
    rows = (
        shop.execute("SELECT sku, name, price_cents, stock FROM products WHERE sku = ?", (sku,)).fetchone()
        for sku in set(skus)
    )
    return {row["sku"]: Product(**row) for row in rows if row is not None}
