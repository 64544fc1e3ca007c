"""Databases that explain each statement before they run it: what the product runs, with what it gives it.

A transaction is explained as a whole, really run and rolled back, for its later statements see what the earlier did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from psycopg import sql

from tasker_core.store.database import Call, Params, Rows
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.postgres_pool import SET_SESSION
from tasker_core.store.sqlite import SqliteDatabase

GROWING = ("tasks", "task_payloads", "steps", "attempts", "dependencies", "transitions", "step_payloads")
"""The tables that grow with history."""


class Access(NamedTuple):
    """How one statement reached one table: by which index ("" for none), by a condition or along all of it, and how
    many rows were looked at."""

    statement: str
    table: str
    by: str
    has_condition: bool
    rows: int


class ExplainingPostgres(PostgresDatabase):
    """``plan_cache_mode`` is PostgreSQL's: plans for these very values, or those that fit any."""

    def __init__(self, url: str, plan_cache_mode: str) -> None:
        super().__init__(url)
        self.accesses: list[Access] = []
        self._beside = self.connect_directly()
        self._beside.execute(SET_SESSION.encode())
        self._beside.execute(f"set plan_cache_mode = {plan_cache_mode}".encode())
        self._prepared: set[str] = set()

    def read(self, *calls: Call) -> list[Rows]:
        self._explain(calls)
        return super().read(*calls)

    def write(self, *calls: Call) -> list[Rows]:
        self._explain(calls)
        return super().write(*calls)

    def close(self) -> None:
        self._beside.close()
        super().close()

    def _prepare(self, name: str, params: Params) -> Sequence[str]:
        """Have the statement planned as the store would, at its first use; its parameters in their order."""
        statement = self._statements[name]
        if name not in self._prepared:
            types = ", ".join("bigint" if isinstance(params[each], int) else "unknown" for each in statement.parameters)
            given = f"({types})" if types else ""
            self._beside.execute(f"prepare {name}{given} as {statement.text.decode()}".encode(), prepare=False)
            self._prepared.add(name)
        return statement.parameters

    def _explain(self, calls: Sequence[Call]) -> None:
        with self._beside.transaction(force_rollback=True):
            for name, params in calls:
                values = [sql.Literal(params[each]) for each in self._prepare(name, params)]
                given = sql.SQL("({})").format(sql.SQL(", ").join(values)) if values else sql.SQL("")
                execute = sql.SQL("explain (analyze, format json) execute {}{}").format(sql.Identifier(name), given)
                row = self._beside.execute(execute).fetchone()
                assert row is not None
                self.accesses += _postgres_accesses(name, row[0][0]["Plan"])


def _postgres_accesses(statement: str, plan: dict[str, Any], above: str = "") -> Iterator[Access]:
    kind = plan["Node Type"]
    table = above if kind == "Bitmap Index Scan" else plan.get("Relation Name", "")
    if "Scan" in kind and table in GROWING and kind != "Bitmap Heap Scan":
        looked_at = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        rows = round(looked_at * plan["Actual Loops"])
        if plan["Actual Loops"]:
            yield Access(statement, table, plan.get("Index Name", ""), "Index Cond" in plan, rows)
    for part in plan.get("Plans", ()):
        yield from _postgres_accesses(statement, part, table)


class ExplainingSqlite(SqliteDatabase):
    """SQLite doesn't say how many rows it looked at; ``rows`` is 0."""

    accesses: list[Access]

    def read(self, *calls: Call) -> list[Rows]:
        self._explain(calls)
        return super().read(*calls)

    def write(self, *calls: Call) -> list[Rows]:
        self._explain(calls)
        return super().write(*calls)

    def _explain(self, calls: Sequence[Call]) -> None:
        with closing(self._connect()) as beside:
            for name, params in calls:
                for *_, detail in beside.execute(f"explain query plan {self._sql[name]}", params).fetchall():
                    self.accesses += _sqlite_accesses(name, self._sql[name], detail)


def _sqlite_accesses(statement: str, text: str, detail: str) -> Iterator[Access]:
    """``detail`` is like "SEARCH s USING INDEX steps_ready (lane=?)"; the table may be named by its alias."""
    how = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(?:INDEX (\w+)|(?:INTEGER )?PRIMARY KEY))?", detail)
    if how is None:
        return
    aliases = {alias: table for table, alias in re.findall(r"tasker_(\w+)(?: as)? (\w+)", text)}
    table = aliases.get(how[2], how[2].removeprefix("tasker_"))
    if table in GROWING:
        yield Access(statement, table, (how[3] or "").removeprefix("tasker_"), how[1] == "SEARCH", 0)
