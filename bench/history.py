"""The checkout beside a year of finished ones, and beside nothing: the ratio is what history costs."""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import templates
from bench.creating import create_in_bulk
from bench.handlers import RESULT
from bench.stage import Stage
from tasker_core.store import open_database
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.store.statements import named, render

TASKS = 2_000
"""How many checkouts are timed, each time."""
ROUNDS = 3
CHUNK = 20_000
A_YEAR_AGO = round((time.time() - 365 * 86_400) * 1e6)

STATEMENTS = dict(named(Path(__file__).with_suffix(".sql").read_text("utf-8")))
LOADS = ("load_tasks", "load_payloads", "load_steps", "load_dependencies", "load_attempts", "load_transitions")

Run = Callable[..., int]
"""Runs a statement by name, with its parameters; the number that it answers, if it does."""


def load(url: str, tasks: int) -> None:
    """Write ``tasks`` finished checkouts into the store at ``url``, and let the database count what it has."""
    result = json.dumps({"result": RESULT, "metadata": {}}, separators=(",", ":"))
    context = json.dumps(templates.context(0), separators=(",", ":"))
    with beside(url) as (run, tidy):
        before = run("newest_task")
        for first in range(0, tasks, CHUNK):
            last = min(first + CHUNK, tasks) - 1
            after = run("newest_task")
            chunk = {"first": first, "last": last, "of": before, "at": A_YEAR_AGO, "after": after}
            for name in LOADS:
                run(name, **chunk, context=context, result=result)
        tidy()


@contextmanager
def beside(url: str) -> Iterator[tuple[Run, Callable[[], None]]]:
    """A connection beside the store: how to run a statement there, and how to tidy up after many of them."""
    database = open_database(url)
    with closing(database):
        if isinstance(database, SqliteDatabase):
            with closing(sqlite3.connect(database.path, isolation_level=None, timeout=60)) as lite:
                lite.execute("pragma synchronous = off")
                yield _runner(lite.execute, "lite", ""), lambda: lite.execute("pragma wal_checkpoint(truncate)").close()
        else:
            assert isinstance(database, PostgresDatabase)
            with database.connect_directly() as connection:
                yield _runner(connection.execute, "pg", database.schema), lambda: _tidy(connection, database.schema)


def _runner(execute: Callable[..., Any], dialect: Any, schema: str) -> Run:
    def run(name: str, **params: Any) -> int:
        cursor = execute(render(STATEMENTS[name], dialect, schema), params)
        return int(cursor.fetchone()[0]) if cursor.description else 0

    return run


def _tidy(connection: psycopg.Connection[Any], schema: str) -> None:
    for (table,) in connection.execute("select tablename from pg_tables where schemaname = %s", [schema]).fetchall():
        connection.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(schema, table)))
    connection.execute("checkpoint")


def history(stage: Stage, tasks: int, workers: int) -> dict[str, float]:
    """The checkout beside ``tasks`` finished ones and beside none, in turns in one database server or directory."""
    full = stage
    with full.client():
        began = time.perf_counter()
        load(full.url, tasks)
        loaded = time.perf_counter() - began
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    for no in range(ROUNDS):
        for which, where in (("empty", _empty(stage, no)), ("full", full)):
            rates[which].append(_timed(where, workers))
    empty, filled = (statistics.median(rates[which]) for which in ("empty", "full"))
    return {
        "tasks/s, empty": empty, "tasks/s, full": filled, "full, % of empty": 100 * filled / empty,
        "loaded/s": tasks / loaded,
    }  # fmt: skip


def _empty(stage: Stage, no: int) -> Stage:
    if stage.kind == "sqlite":
        url = stage.url.replace(".db", f"-empty-{no}.db")
    else:
        url = f"{stage.url}?tasker_schema=empty_{no}"
    with closing(open_database(url)) as database:
        database.migrate()
    return Stage(stage.kind, url)


def _timed(stage: Stage, workers: int) -> float:
    """Tasks a second: created beforehand, then executed."""
    with beside(stage.url) as (run, _):
        after = run("newest_task")
        with stage.client() as client:
            create_in_bulk(client, "bench_checkout", TASKS)
        with stage.workers(workers):
            while run("done_since", after=after) < TASKS:
                time.sleep(0.25)
        return TASKS / (run("span_since", after=after) / 1e6)
