"""Counts what passes through the store's door: an observer around a database that forwards everything."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tasker_core.store.database import Call, Database, Rows, Transaction


@dataclass(slots=True)
class Counts:
    """Calls that read, and transactions that write; each writing one with the names of its statements."""

    reads: int = 0
    writes: list[tuple[str, ...]] = field(default_factory=list)

    def clear(self) -> None:
        self.reads = 0
        self.writes.clear()

    def writing(self, statement: str) -> int:
        """How many writing transactions ran ``statement``."""
        return sum(statement in names for names in self.writes)

    @property
    def statements(self) -> Counter[str]:
        return Counter(name for names in self.writes for name in names)


@contextmanager
def counted(database: Database) -> Iterator[Counts]:
    """Count until the block ends. One call of ``read`` or ``write`` is one round trip on PostgreSQL."""
    counts, inside = Counts(), threading.local()
    read, write, transaction = database.read, database.write, database.transaction

    def counted_read(*calls: Call) -> list[Rows]:
        counts.reads += 1
        return read(*calls)

    def counted_write(*calls: Call) -> list[Rows]:
        counts.writes.append(tuple(call.statement for call in calls))
        inside.write = True
        try:
            return write(*calls)
        finally:
            inside.write = False

    @contextmanager
    def counted_transaction() -> Iterator[Transaction]:
        with transaction() as opened:
            if getattr(inside, "write", False):  # SQLite's write is a transaction itself
                yield opened
                return
            observed = _Observed(opened)
            yield observed
            counts.writes.append(tuple(observed.names))

    door: Any = database
    door.read, door.write, door.transaction = counted_read, counted_write, counted_transaction
    try:
        yield counts
    finally:
        del door.read, door.write, door.transaction


class _Observed:
    def __init__(self, opened: Transaction) -> None:
        self._opened = opened
        self.names: list[str] = []

    def run(self, *calls: Call) -> list[Rows]:
        self.names += [call.statement for call in calls]
        return self._opened.run(*calls)

    def run_last(self, *calls: Call) -> list[Rows]:
        self.names += [call.statement for call in calls]
        return self._opened.run_last(*calls)
