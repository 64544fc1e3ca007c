"""The company's own books, beside Tasker's store: questions to people, their answers, what became of requests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

TABLES = """
create table if not exists questions (key text primary key, role text, request integer, what text, cents integer,
  agreed integer, by text);
create table if not exists outcomes (request integer primary key, ordered integer, why text);
"""


class Question(NamedTuple):
    key: str
    what: str
    cents: int


class Answer(NamedTuple):
    agreed: bool
    by: str


class Company:
    """The books in the file ``path``; several processes may have them open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._books() as books:
            books.executescript(TABLES)

    def ask(self, key: str, role: str, request: int, what: str, cents: int) -> None:
        """Put a question before ``role``. The same key again is the same question."""
        with self._books() as books:
            books.execute(
                "insert or ignore into questions values (?, ?, ?, ?, ?, null, null)", (key, role, request, what, cents)
            )

    def answer_to(self, key: str) -> Answer | None:
        """What was answered; None while nobody has."""
        with self._books() as books:
            row = books.execute("select agreed, by from questions where key = ?", (key,)).fetchone()
        return None if row is None or row[0] is None else Answer(bool(row[0]), row[1])

    def open_questions(self, role: str) -> list[Question]:
        with self._books() as books:
            rows = books.execute("select key, what, cents from questions where role = ? and agreed is null", (role,))
            return [Question(*row) for row in rows]

    def answer(self, key: str, agreed: bool, by: str) -> None:
        with self._books() as books:
            books.execute("update questions set agreed = ?, by = ? where key = ?", (agreed, by, key))

    def close_request(self, request: int, ordered: bool, why: str) -> None:
        """Order, or refuse. A request that was closed before stays as it is: this may be a repeated attempt."""
        with self._books() as books:
            books.execute("insert or ignore into outcomes values (?, ?, ?)", (request, ordered, why))

    def outcomes(self) -> dict[int, tuple[bool, str]]:
        """Of each request that was closed: whether it was ordered, and why."""
        with self._books() as books:
            return {no: (bool(ordered), why) for no, ordered, why in books.execute("select * from outcomes")}

    def times_asked(self) -> int:
        with self._books() as books:
            (count,) = books.execute("select count(*) from questions").fetchone()
            return int(count)

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as books, books:
            yield books
