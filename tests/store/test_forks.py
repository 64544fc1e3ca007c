"""A store in the children of a process that forks while its threads are at work on it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from queue import Queue

import pytest

from tasker_core.engine import Engine
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.errors import StoreLockedError
from tasker_core.store import Store, open_database
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.words import ClaimRequest, Lease
from tests.support.forks import in_a_child
from tests.support.graphs import Stage, tables

HELD = 0.3
"""Seconds for which a thread is in the middle of something while the process forks."""


class Listener:
    """Hears like a worker of this process, and takes nothing."""

    def __init__(self) -> None:
        self.heard: Queue[Mapping[str, int] | None] = Queue()

    def hint(self, lanes: Mapping[str, int] | None) -> None:
        self.heard.put(lanes)

    def wish(self, lanes: Collection[str]) -> ClaimRequest | None:
        return None

    def take(self, leases: Sequence[Lease]) -> None:
        raise AssertionError("it wished for nothing")


def beside(work: Callable[[threading.Event], None]) -> threading.Thread:
    """A thread that does ``work``; returns once that has set its event."""
    begun = threading.Event()
    thread = threading.Thread(target=work, args=(begun,))
    thread.start()
    assert begun.wait(10)
    return thread


def test_a_child_forked_amid_a_write_of_another_thread_can_write(sqlite_path: Path) -> None:
    with closing(SqliteDatabase(sqlite_path, busy_timeout=2.0)) as database:
        database.migrate()
        stage = Stage(Store(database))
        before = len(stage.store.workers.live())

        def write(begun: threading.Event) -> None:
            with database.transaction() as transaction:
                transaction.connection.execute("update tasker_workers set slots = 99")
                begun.set()
                time.sleep(HELD)

        writing = beside(write)
        in_a_child(stage.hire)
        writing.join()
        stage.hire()
        workers = stage.store.workers.live()
        assert len(workers) == before + 2
        assert [worker.slots for worker in workers[:before]] == [99] * before
        with database.transaction() as transaction:
            assert transaction.connection.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_a_child_forked_amid_a_write_can_close_its_store(sqlite_path: Path) -> None:
    database = SqliteDatabase(sqlite_path, busy_timeout=2.0)
    database.migrate()

    def write(begun: threading.Event) -> None:
        with database.transaction():
            begun.set()
            time.sleep(HELD)

    writing = beside(write)
    in_a_child(database.close)
    writing.join()
    database.close()


def test_a_child_forked_while_a_store_is_being_opened_can_open_one(tmp_path: Path) -> None:
    busy, free = tmp_path / "busy.db", f"sqlite:///{tmp_path}/free.db"
    with closing(sqlite3.connect(busy, isolation_level=None)) as other:
        other.execute("begin immediate")

        def open_it(begun: threading.Event) -> None:
            begun.set()
            with pytest.raises(StoreLockedError):
                open_engine(f"sqlite:///{busy}?busy_timeout=1")

        opening = beside(open_it)
        time.sleep(HELD)
        in_a_child(lambda: close_engine(open_engine(free)))
        opening.join()


def test_a_child_tells_others_what_became_ready_and_its_parent_hears(postgres_url: str) -> None:
    with closing(open_database(postgres_url)) as database, closing(open_database(postgres_url)) as theirs:
        database.migrate()
        engine, other = Engine(Store(database)), Engine(Store(theirs))
        listener = Listener()
        heard = listener.heard
        engine.wake.listen(listener)
        engine.hear_hints()
        while heard.empty():  # until somebody listens
            other.wake.ready({"shop/first": 1})
            time.sleep(0.05)

        def tell() -> None:
            other.wake.ready({"shop/second": 2})
            time.sleep(1)  # the thread that sends ends with its process

        in_a_child(tell)
        told = iter(lambda: heard.get(timeout=10), None)
        assert {"shop/second": 2} in told
        for each in (other, engine):
            each.close()


def test_both_sides_of_a_fork_go_on_with_their_store(store_url: str) -> None:
    with closing(open_database(store_url)) as database:
        database.migrate()
        stage = Stage(Store(database))
        first = len(tables(stage.store)["workers"])

        def hire_and_close() -> None:
            stage.hire()
            database.close()

        for _ in range(2):
            in_a_child(hire_and_close)
            stage.hire()
        assert len(tables(stage.store)["workers"]) == first + 4
