"""What the payment gateway remembers: which key was charged what, and how often each key was asked for."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    idempotency_key TEXT PRIMARY KEY,
    times           INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS charges (
    charge_id       TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    amount_cents    INTEGER NOT NULL CHECK (amount_cents > 0),
    currency        TEXT NOT NULL,
    token           TEXT NOT NULL,
    refunded        INTEGER NOT NULL DEFAULT 0
);
"""
_CHARGES = (
    "SELECT charge_id, c.idempotency_key, amount_cents, currency, token, refunded, times AS calls"
    " FROM charges c JOIN calls USING (idempotency_key)"
)


class KeyUsedOtherwise(Exception):
    """The key belongs to another payment."""


@dataclass(frozen=True)
class Payment:
    """What a shop asks for."""

    amount_cents: int
    currency: str
    token: str


class Ledger:
    """The ledger in the SQLite file at ``path``; threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._connect()) as ledger:
            ledger.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")

    def count_call(self, key: str) -> int:
        """Note that ``key`` was asked for again; returns how often that is by now."""
        with self._writing() as ledger:
            times: int = ledger.execute(
                "INSERT INTO calls VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times", (key,)
            ).fetchone()["times"]
        return times

    def charge(self, payment: Payment, key: str) -> tuple[dict[str, Any], bool]:
        """Move the money unless ``key`` has moved it already. Returns the charge, and whether it is an earlier one.

        Raises:
            KeyUsedOtherwise: the key was used for a payment of another amount, currency or card.
        """
        asked = (payment.amount_cents, payment.currency, payment.token)
        with self._writing() as ledger:
            inserted = ledger.execute(
                "INSERT INTO charges (charge_id, idempotency_key, amount_cents, currency, token) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (idempotency_key) DO NOTHING",
                (f"ch_{uuid.uuid4().hex}", key, *asked),
            ).rowcount
            charge = dict(ledger.execute(f"{_CHARGES} WHERE c.idempotency_key = ?", (key,)).fetchone())
        if (charge["amount_cents"], charge["currency"], charge["token"]) != asked:
            raise KeyUsedOtherwise
        return charge, inserted == 0

    def refund(self, charge_id: str) -> tuple[dict[str, Any], bool] | None:
        """Give a charge back, once. Returns it, and whether it was back already; None if there is no such charge."""
        with self._writing() as ledger:
            given_back = ledger.execute(
                "UPDATE charges SET refunded = 1 WHERE charge_id = ? AND NOT refunded", (charge_id,)
            ).rowcount
            row = ledger.execute(f"{_CHARGES} WHERE charge_id = ?", (charge_id,)).fetchone()
        return None if row is None else (dict(row), given_back == 0)

    def charges(self, key: str | None = None) -> list[dict[str, Any]]:
        """All charges, or those of one key, oldest first, each with the number of ``calls`` that its key has seen."""
        with closing(self._connect()) as ledger:
            rows = ledger.execute(
                f"{_CHARGES} WHERE ? IS NULL OR c.idempotency_key = ? ORDER BY c.rowid", (key, key)
            ).fetchall()
        return [dict(row) for row in rows]

    def _connect(self) -> sqlite3.Connection:
        ledger = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        ledger.row_factory = sqlite3.Row
        return ledger

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield ledger
            ledger.execute("COMMIT")
