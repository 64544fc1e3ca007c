"""What can be wrong with the file of a SQLite store, and what is said about it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasker_core.errors import (
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreVersionError,
    TaskerError,
)
from tasker_core.store import Store, open_database
from tasker_core.store.sqlite import SqliteDatabase
from tests.support.graphs import Stage, complete, tables


@pytest.fixture
def holder(sqlite_path: Path) -> Iterator[sqlite3.Connection]:
    """Another's connection to a store that is there already."""
    _migrated(sqlite_path).close()
    connection = sqlite3.connect(sqlite_path, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


def _migrated(path: Path) -> SqliteDatabase:
    database = SqliteDatabase(path)
    database.migrate()
    return database


def test_a_writer_that_holds_the_file_too_long_is_named(sqlite_path: Path, holder: sqlite3.Connection) -> None:
    database = SqliteDatabase(sqlite_path, busy_timeout=0.2)
    holder.execute("begin immediate")
    began = time.monotonic()
    with pytest.raises(StoreLockedError) as caught:
        Stage(Store(database))
    assert 0.2 <= time.monotonic() - began < 5
    assert str(sqlite_path) in str(caught.value)
    assert "another process" in str(caught.value) and "try again" in str(caught.value)
    assert caught.value.retryable
    assert Store(database).workers.live() == [], "reading goes on beside a writer"
    holder.execute("rollback")
    Stage(Store(database))
    database.close()


def test_a_writer_waits_for_another_that_ends_in_time(sqlite_path: Path, holder: sqlite3.Connection) -> None:
    database = SqliteDatabase(sqlite_path, busy_timeout=10)
    holder.execute("begin immediate")
    timer = threading.Timer(0.3, lambda: holder.execute("commit"))
    timer.start()
    Stage(Store(database))
    timer.join()
    database.close()


def test_the_first_opening_of_a_locked_file_is_refused_as_plainly(sqlite_path: Path) -> None:
    """The journal mode can't be set while another holds the whole file."""
    holder = sqlite3.connect(sqlite_path, isolation_level=None)
    holder.execute("begin exclusive")
    holder.execute("create table theirs (n integer)")
    database = SqliteDatabase(sqlite_path, busy_timeout=0.2)
    with pytest.raises(StoreLockedError, match="is locked"):
        database.migrate()
    holder.execute("rollback")
    holder.close()
    assert database.migrate()
    database.close()


@pytest.mark.parametrize(
    "content", [b"this is a letter, not a database\n" * 100, b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 9000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(sqlite_path: Path, content: bytes) -> None:
    sqlite_path.write_bytes(content)
    database = open_database(f"sqlite:///{sqlite_path}")
    with pytest.raises(StoreCorruptError) as caught:
        database.migrate()
    assert str(sqlite_path) in str(caught.value) and "backup" in str(caught.value)
    assert not caught.value.retryable
    database.close()
    assert sqlite_path.read_bytes() == content


def test_a_damaged_database_is_told_from_a_healthy_one(sqlite_path: Path) -> None:
    database = _migrated(sqlite_path)
    stage = Stage(Store(database))
    stage.tasks(stage.template({"a": []}), 300)
    database.close()
    content = bytearray(sqlite_path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    sqlite_path.write_bytes(content)

    damaged = Store(SqliteDatabase(sqlite_path))
    with pytest.raises(StoreCorruptError, match="not a sound SQLite database"):
        damaged.tasks.newest({}, 10, 0)
    with pytest.raises(StoreCorruptError, match="not a sound SQLite database"):
        Stage(damaged)
    damaged.close()


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory; name the file"):
        open_database(f"sqlite:///{tmp_path}")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the directory .*/nowhere doesn't exist; make it first"):
        open_database(f"sqlite:///{tmp_path}/nowhere/tasker.db")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "outlives the process"),
        ("sqlite:///tasker.db?busy_timeout=soon", "soon"),
        ("sqlite:///tasker.db?max_pages=many", "many"),
        ("sqlite:///tasker.db?colour=red", "unknown option 'colour'; known are busy_timeout and max_pages"),
        ("mysql://host/shop", "unknown kind of database 'mysql'; use sqlite:///tasker.db or postgresql://host/name"),
        ("tasker.db", "unknown kind of database"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_database(url)
    assert complaint in str(caught.value)


def test_relative_and_absolute_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert SqliteDatabase.from_url("sqlite:///tasker.db").path == tmp_path / "tasker.db"
    assert SqliteDatabase.from_url(f"sqlite:///{tmp_path}/a.db").path == tmp_path / "a.db"
    timed = SqliteDatabase.from_url("sqlite:///b.db?busy_timeout=2.5&max_pages=7")
    assert (timed.busy_timeout, timed.max_pages) == (2.5, 7)


READ_ONLY = """
import os, sys
from tasker_core.errors import StoreError
from tasker_core.store.templates import NewTemplate
from tasker_core.store import Store, open_database
from tasker_core.store.statements import migrations
database = open_database(f"sqlite:///{sys.argv[1]}")
migrations("lite")
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    database.migrate()
    Store(database).templates.register(NewTemplate("0", "n", "t", "1", "d", "{}", [], []), 1, make_current=True)
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("read_only", ["file", "directory"])
def test_a_read_only_place_is_named(tmp_path: Path, read_only: str) -> None:
    """Root writes where it likes, so where root runs the tests another user tries: nobody."""
    place = Path("/tmp") / f"tasker-read-only-{os.getpid()}-{read_only}"
    place.mkdir()
    path = place / "tasker.db"
    try:
        _migrated(path).close()
        path.chmod(0o444)
        place.chmod(0o555 if read_only == "directory" else 0o777)
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(path)], capture_output=True, text=True, timeout=60, check=False
        )
        assert run.stderr == ""
        assert run.stdout.startswith("StoreError ")
        assert str(path) in run.stdout and "check the permissions of the file and its directory" in run.stdout
    finally:
        place.chmod(0o777)
        for file in place.iterdir():
            file.unlink()
        place.rmdir()


def test_a_full_disk_changes_nothing_and_passes_when_there_is_room(sqlite_path: Path) -> None:
    """`max_pages` bounds the file as a full disk would."""
    roomy = _migrated(sqlite_path)
    stage = Stage(Store(roomy))
    shape = stage.template({"a": [], "b": ["a"]})
    task = stage.task(shape)
    (held,) = stage.claim("shop/a")
    roomy.close()
    pages = sqlite_path.stat().st_size // 4096

    tight = Store(SqliteDatabase.from_url(f"sqlite:///{sqlite_path}?max_pages={pages + 3}"))
    before = tables(tight)
    with pytest.raises(StoreFullError) as caught:
        stage.settle(complete(held, f'"{"x" * 100_000}"'), store=tight)
    assert str(sqlite_path) in str(caught.value) and "Make room; nothing was changed" in str(caught.value)
    assert caught.value.retryable
    with pytest.raises(StoreFullError):
        tight.tasks.create(
            [stage.new_task(shape, context=f'"{"x" * 50_000}"') for _ in range(2)], 1, 1, all_or_none=True
        )
    assert tables(tight) == before
    assert stage.settle(complete(held, '"small"'), store=tight).applied == {held.key}, "what fits goes on"
    tight.close()

    again = Stage(Store(SqliteDatabase.from_url(f"sqlite:///{sqlite_path}?max_pages={pages + 1_000}")))
    assert again.steps(task) == {"a": "complete", "b": "enqueued"}
    (held,) = again.claim("shop/b")
    assert again.settle(complete(held, f'"{"x" * 100_000}"')).rested == {task: "complete"}
    again.store.close()


def test_a_schema_newer_than_the_code_is_refused(sqlite_path: Path, holder: sqlite3.Connection) -> None:
    holder.execute("insert into tasker_schema values (9000, '9000_from_tomorrow', 0)")
    database = SqliteDatabase(sqlite_path)
    with pytest.raises(StoreVersionError) as caught:
        database.make_ready()
    message = str(caught.value)
    assert str(sqlite_path) in message and "schema version 9000" in message and "Upgrade tasker-core" in message
    assert not caught.value.retryable
    database.close()


def test_migrating_twice_does_nothing_the_second_time(sqlite_path: Path) -> None:
    database = SqliteDatabase(sqlite_path)
    assert database.migrate()[0] == "0001_initial"
    assert database.migrate() == []
    database.close()


def test_a_store_lies_beside_the_tables_of_an_application(sqlite_path: Path) -> None:
    with sqlite3.connect(sqlite_path) as theirs:
        theirs.execute("create table tasks (id integer, note text)")
        theirs.execute("insert into tasks values (1, 'theirs')")
    theirs.close()
    stage = Stage(Store(_migrated(sqlite_path)))
    stage.task(stage.template({"a": []}))
    stage.store.close()
    theirs = sqlite3.connect(sqlite_path)
    assert theirs.execute("select * from tasks").fetchall() == [(1, "theirs")]
    names = [name for (name,) in theirs.execute("select name from sqlite_master where name not like 'sqlite_%'")]
    theirs.close()
    assert all(name == "tasks" or name.startswith("tasker_") for name in names)


def test_every_error_of_the_store_is_one_of_ours(sqlite_path: Path, holder: sqlite3.Connection) -> None:
    database = SqliteDatabase(sqlite_path)
    holder.execute("drop table tasker_workers")
    with pytest.raises(StoreError, match="no such table"):
        Store(database).workers.live()
    with pytest.raises(TaskerError, match="no such table"):
        Stage(Store(database))
    database.close()
