"""The shop's shelves, a database of their own. Its books are in Tasker's store: see ``orders``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

OPENING_STOCK = Path(__file__).parent.parent / "catalogue.json"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    sku         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock       INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE IF NOT EXISTS reservations (
    id              INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    refusal         TEXT,
    released        INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS reserved_lines (
    reservation_id INTEGER NOT NULL REFERENCES reservations (id),
    sku            TEXT NOT NULL REFERENCES products (sku),
    quantity       INTEGER NOT NULL CHECK (quantity > 0),
    left_over      INTEGER NOT NULL,
    PRIMARY KEY (reservation_id, sku)
);
"""


@contextmanager
def open_shop(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for the length of a ``with``; a database that isn't there yet is made, with the opening stock."""
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as shop:
        shop.row_factory = _as_dict
        shop.execute("PRAGMA foreign_keys = ON")
        if shop.execute("SELECT count(*) AS n FROM sqlite_schema").fetchone()["n"] == 0:
            _furnish(shop)
        yield shop


@contextmanager
def transaction(shop: sqlite3.Connection) -> Iterator[None]:
    """All of the ``with`` block or nothing. It takes the write lock first, so what it reads holds until it is done."""
    shop.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        shop.execute("ROLLBACK")
        raise
    shop.execute("COMMIT")


def _furnish(shop: sqlite3.Connection) -> None:
    shop.execute("PRAGMA journal_mode = WAL")
    with transaction(shop):
        # Another process may have been first: then this changes nothing.
        for statement in filter(str.strip, _SCHEMA.split(";")):
            shop.execute(statement)
        shop.executemany(
            "INSERT INTO products (sku, name, price_cents, stock) VALUES (:sku, :name, :price_cents, :stock)"
            " ON CONFLICT (sku) DO NOTHING",
            json.loads(OPENING_STOCK.read_text(encoding="utf-8")),
        )


def _as_dict(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
