"""``tasker migrate``: from many processes at once, again, and on a store that is newer than the code."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tasker_core import TaskerClient
from tasker_core.errors import StoreVersionError
from tasker_core.store import open_database
from tasker_core.store.statements import migrations
from tests.support.forks import at_once_in_children
from tests.support.workshop import tasker as run

NAMES = [name for _, name, _ in migrations("lite")]


def tasker(url: str, *arguments: str) -> tuple[int, str, str]:
    ended = run(*arguments, "--database-url", url)
    return ended.code, ended.out, ended.err


def make_newer(url: str) -> None:
    """What a later release would leave behind."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            connection.execute("insert into tasker_schema values (9999, 'later', 0)")
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as beside:
            beside.execute("insert into tasker.schema_version values (9999, 'later')")


def test_migrate_says_what_it_applied_and_then_that_nothing_is_left(each_database_url: str) -> None:
    code, out, err = tasker(each_database_url, "migrate")
    assert (code, out.split(), err) == (0, [word for name in NAMES for word in ("applied", name)], "")
    assert tasker(each_database_url, "migrate") == (0, "up to date\n", "")
    code, out, _ = tasker(each_database_url, "migrate", "--json")
    assert (code, json.loads(out)) == (0, {"applied": []})


def test_ten_processes_that_migrate_at_once_apply_each_migration_once(each_database_url: str, tmp_path: Path) -> None:
    def migrate(file: Path) -> None:
        with closing(open_database(each_database_url)) as database:
            file.write_text(" ".join(database.migrate()))

    files = [tmp_path / str(no) for no in range(10)]
    at_once_in_children(*(partial(migrate, file) for file in files))
    assert sorted(name for file in files for name in file.read_text().split()) == sorted(NAMES)


def test_a_store_that_a_newer_tasker_has_upgraded_is_refused(each_database_url: str) -> None:
    database = open_database(each_database_url)
    database.migrate()
    make_newer(each_database_url)
    try:
        for refused in (database.migrate, database.make_ready):
            with pytest.raises(
                StoreVersionError, match=r"version 9999; this Tasker knows versions up to \d+\. Upgrade"
            ):
                refused()
    finally:
        database.close()
    code, out, err = tasker(each_database_url, "migrate")
    assert (code, out) == (1, "") and "9999" in err and "Upgrade tasker-core" in err


def test_postgres_without_tables_is_refused_with_the_command_that_makes_them(postgres_url: str) -> None:
    with pytest.raises(StoreVersionError, match="run: tasker migrate"):
        TaskerClient(database_url=postgres_url)
    code, _, err = tasker(postgres_url, "task", "list")
    assert code == 1 and "run: tasker migrate" in err
    tasker(postgres_url, "migrate")
    assert tasker(postgres_url, "task", "list")[0] == 0


def test_tables_go_to_the_schema_that_the_address_names(postgres_url: str) -> None:
    elsewhere = f"{postgres_url}?tasker_schema=jobs"
    assert tasker(elsewhere, "migrate")[0] == 0
    with psycopg.connect(postgres_url) as beside:
        schemas = beside.execute("select distinct schemaname from pg_tables where tablename = 'steps'").fetchall()
    assert schemas == [("jobs",)]
