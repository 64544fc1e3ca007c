"""The connections to a SQLite file: how they write, what they see of each other, and that none is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tasker_core.store import Store
from tasker_core.store.sqlite import SqliteDatabase
from tests.support.graphs import Stage, tables


def _migrated(path: Path) -> SqliteDatabase:
    database = SqliteDatabase(path)
    database.migrate()
    return database


def test_writing_is_as_durable_as_sqlite_can(sqlite_path: Path) -> None:
    database = _migrated(sqlite_path)
    with database.transaction() as transaction:
        assert transaction.connection.execute("pragma synchronous").fetchone() == (2,)
        assert transaction.connection.execute("pragma journal_mode").fetchone() == ("wal",)
    database.close()


def test_an_error_inside_a_transaction_leaves_nothing_and_the_next_one_works(sqlite_path: Path) -> None:
    database = _migrated(sqlite_path)
    stage = Stage(Store(database))
    before = tables(stage.store)

    def delete_and_fail() -> None:
        with database.transaction() as transaction:
            transaction.connection.execute("delete from tasker_workers")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        delete_and_fail()
    assert tables(stage.store) == before
    stage.hire()
    database.close()


def test_the_mark_changes_with_the_commits_of_others(sqlite_path: Path) -> None:
    mine, other = _migrated(sqlite_path), SqliteDatabase(sqlite_path)
    first = mine.change_mark()
    assert mine.change_mark() == first
    Stage(Store(other))
    second = mine.change_mark()
    assert second != first
    Stage(Store(mine))
    assert mine.change_mark() != second, "the writing connection of this process is another one too"
    mine.close()
    other.close()


def test_threads_that_are_gone_leave_no_connection_behind(sqlite_path: Path) -> None:
    database = _migrated(sqlite_path)
    store = Store(database)
    store.templates.mark()
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("only Linux counts a process's open files in /proc")
    before = len(list(descriptors.iterdir()))
    for _ in range(60):
        thread = threading.Thread(target=store.templates.mark)
        thread.start()
        thread.join()
    assert len(list(descriptors.iterdir())) < before + 20
    database.close()


def test_a_closed_database_opens_again_on_use(sqlite_path: Path) -> None:
    database = _migrated(sqlite_path)
    stage = Stage(Store(database))
    database.close()
    stage.hire()
    assert len(stage.store.workers.live()) == 2
    database.close()
