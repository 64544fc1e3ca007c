"""A shop that writes its orders and creates their tasks in one transaction, on either database.

Run as a module (``python -m tests.support.ordering URL``) it does so in one child after another. Each is killed: at the
moments of ``DEATHS``, then at some that are left to chance. It prints how they ended.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tasker_core import TaskerClient
from tasker_core.store import open_database
from tasker_core.store.sqlite import SqliteDatabase
from tests.support.workshop import flow

DEATHS = ("before the order", "between the order and its task", "before the commit", "after the commit")


def connect(url: str, **options: Any) -> Any:
    """The application's own connection to the database at ``url``, as its driver makes it."""
    if url.startswith("sqlite"):
        return sqlite3.connect(SqliteDatabase.from_url(url).path, **options)
    return psycopg.connect(url.partition("?")[0], **options)


def prepare(url: str) -> None:
    """A migrated store with a template, and the shop's table of orders beside it."""
    database = open_database(url)
    database.migrate()
    database.close()
    with TaskerClient(database_url=url) as client:
        client.register_template(flow({"cart": []}))
    with closing_after(connect(url)) as connection:
        connection.execute("create table if not exists orders (no text primary key)")
        connection.commit()


@contextmanager
def closing_after(connection: Any) -> Iterator[Any]:
    try:
        yield connection
    finally:
        connection.close()


def orders(url: str) -> set[str]:
    """The orders that are there."""
    with closing_after(connect(url)) as connection:
        return {no for (no,) in connection.execute("select no from orders").fetchall()}


def tasks(url: str) -> set[str]:
    """The orders for which there is a task."""
    with TaskerClient(database_url=url) as client:
        page = client.list_tasks(limit=1_000)
        assert not page.pagination.has_next
        return {task.context["order"] for task in page.tasks}


def write_order(connection: Any, no: str) -> None:
    mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
    connection.execute(f"insert into orders values ({mark})", (no,))


def work(url: str, death: str | None) -> None:
    """Take orders for ever; the second one is cut short by ``death``."""
    with TaskerClient(database_url=url) as client, closing_after(connect(url)) as connection:
        _order(client, connection, None)
        while True:
            _order(client, connection, death)


def _order(client: TaskerClient, connection: Any, death: str | None) -> None:
    no = uuid.uuid4().hex
    before, between, written, after = DEATHS
    _die_if(before == death)
    write_order(connection, no)
    _die_if(between == death)
    client.create_task("flow", namespace="shop", context={"order": no}, connection=connection)
    _die_if(written == death)
    connection.commit()
    _die_if(after == death)


def _die_if(time_has_come: bool) -> None:
    if time_has_come:
        os.kill(os.getpid(), signal.SIGKILL)


def _killed(url: str, death: str | None) -> int:
    """How a child ended that took orders until ``death``, or until it was killed from outside."""
    child = os.fork()
    if child == 0:
        try:
            work(url, death)
        finally:
            traceback.print_exc()
            os._exit(1)
    if death is None:
        time.sleep(random.uniform(0.1, 0.3))
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    print([_killed(sys.argv[1], death) for death in (*DEATHS, None, None, None)])
