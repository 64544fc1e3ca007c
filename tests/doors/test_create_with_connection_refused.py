"""Connections on which no task can be created, and what is said of them; odd ones on which it can."""

from __future__ import annotations

import re
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import create_async_engine

from tasker_core import DuplicateTaskError, TaskerClient
from tasker_core.errors import InvalidRequestError, StoreError, StoreFullError, StoreLockedError, StoreUnavailableError
from tests.support.ordering import connect, orders, prepare, tasks, write_order
from tests.support.postgres_address import Address
from tests.support.workshop import flow

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "create-tasks-safely.md"


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[TaskerClient]:
    prepare(sqlite_url)
    with TaskerClient(database_url=sqlite_url) as client:
        yield client


@pytest.fixture
def pg(postgres_url: str) -> Iterator[TaskerClient]:
    prepare(postgres_url)
    with TaskerClient(database_url=postgres_url) as client:
        yield client


def create(client: TaskerClient, connection: object, order: str = "1", **wishes: Any) -> str:
    return client.create_task(
        "flow", namespace="shop", context={"order": order}, connection=connection, **wishes
    ).task_uuid


def refused(client: TaskerClient, connection: object, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words) as error:
        create(client, connection)
    assert error.value.field == "connection"


def test_what_is_no_connection(lite: TaskerClient, pg: TaskerClient, sqlite_url: str, postgres_url: str) -> None:
    for client, words in ((lite, "give a sqlite3 connection"), (pg, "give a psycopg 3 connection")):
        for thing in (7, "conn", object(), postgres_url):
            refused(client, thing, words)
    with closing(connect(sqlite_url)) as file, closing(connect(postgres_url)) as server:
        refused(lite, server, r"connection \(psycopg.Connection\): the store is the SQLite file .*tasker\.db")
        refused(
            pg, file, r"connection \(sqlite3.Connection\): the store is the PostgreSQL database .*postgresql\+psycopg"
        )


def test_asynchronous_connections_are_refused(pg: TaskerClient) -> None:
    engine = create_async_engine("postgresql+psycopg://nowhere/db")
    refused(pg, engine.connect(), "asynchronous connection")
    from sqlalchemy.ext.asyncio import AsyncSession

    refused(pg, AsyncSession(engine), "asynchronous")


# -- SQLite


def test_another_file_is_refused(lite: TaskerClient, tmp_path: Path) -> None:
    for place, said in ((tmp_path / "other.db", "other.db"), (":memory:", "a database in memory")):
        with closing(sqlite3.connect(place)) as connection:
            connection.execute("create table orders (no text)")
            refused(lite, connection, f"it is open on .*{said}, but the store is .*tasker.db")
            assert not connection.in_transaction


def test_the_same_file_by_another_name_is_the_same_file(lite: TaskerClient, sqlite_path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_path)
    with closing(sqlite3.connect(link)) as connection:
        create(lite, connection)
        connection.commit()
    assert lite.list_tasks().pagination.total_count == 1


def test_a_connection_that_commits_each_statement_is_refused(lite: TaskerClient, sqlite_path: Path) -> None:
    connections = [sqlite3.connect(sqlite_path, isolation_level=None)]
    if sys.version_info >= (3, 12):
        connections.append(sqlite3.connect(sqlite_path, autocommit=True))
    for connection in connections:
        with closing(connection):
            refused(lite, connection, 'no transaction is open.*execute "begin immediate" first')
            connection.execute("begin immediate")
            create(lite, connection, on_duplicate="return")
            connection.execute("commit")
    assert lite.list_tasks().pagination.total_count == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3.connect(autocommit=) came with Python 3.12")
def test_a_connection_that_always_has_a_transaction(lite: TaskerClient, sqlite_url: str) -> None:
    with closing(connect(sqlite_url, autocommit=False)) as connection:
        create(lite, connection)
        connection.rollback()
        create(lite, connection)
        connection.commit()
    assert tasks(sqlite_url) == {"1"}


def test_a_closed_connection_and_one_of_another_thread(lite: TaskerClient, sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path)) as connection, ThreadPoolExecutor(1) as other:
        words = "SQLite objects created in a thread can only be used in that same thread"
        other.submit(refused, lite, connection, words).result()
    refused(lite, connection, "Cannot operate on a closed database")


def test_a_transaction_that_has_read_before_another_wrote(lite: TaskerClient, sqlite_url: str) -> None:
    with closing(connect(sqlite_url)) as connection:
        connection.execute("begin")
        connection.execute("select * from orders").fetchall()
        create(lite, None, "another's")
        with pytest.raises(StoreLockedError, match=r"has written since this transaction read.*begin immediate"):
            create(lite, connection)
        assert connection.in_transaction
        connection.rollback()
        create(lite, connection)
        connection.commit()
    assert tasks(sqlite_url) == {"1", "another's"}


def test_another_writer_is_waited_for_and_then_named(sqlite_url: str) -> None:
    prepare(sqlite_url)
    with (
        TaskerClient(database_url=f"{sqlite_url}?busy_timeout=0.2") as client,
        closing(connect(sqlite_url, timeout=0.05)) as writer,
        closing(connect(sqlite_url, timeout=0.05)) as connection,
    ):
        write_order(writer, "1")
        with pytest.raises(StoreLockedError, match="is locked"):
            create(client, connection)
        assert not connection.in_transaction


def test_a_full_disk_takes_the_whole_transaction_and_says_so(lite: TaskerClient, sqlite_url: str) -> None:
    with closing(connect(sqlite_url)) as connection:
        write_order(connection, "1")
        (pages,) = connection.execute("pragma page_count").fetchone()
        connection.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(StoreFullError) as full:
            lite.create_task(
                "flow", namespace="shop", context={"order": "1", "more": "x" * 500_000}, connection=connection
            )
        lost = not connection.in_transaction
        assert lost == ("whole transaction" in "".join(getattr(full.value, "__notes__", ())))
        connection.commit()
    assert tasks(sqlite_url) == set()
    assert orders(sqlite_url) == (set() if lost else {"1"})


def test_an_odd_sqlite_connection_is_left_as_it_was(lite: TaskerClient, sqlite_url: str) -> None:
    sqlite3.register_converter("uuid", lambda text: uuid.UUID(text.decode()))
    with closing(connect(sqlite_url, detect_types=sqlite3.PARSE_DECLTYPES)) as connection:
        connection.row_factory, connection.text_factory = sqlite3.Row, bytes
        task = create(lite, connection)
        with pytest.raises(DuplicateTaskError) as duplicate:
            create(lite, connection)
        assert duplicate.value.task_uuid == task
        assert create(lite, connection, on_duplicate="return") == task
        assert (connection.row_factory, connection.text_factory) == (sqlite3.Row, bytes)
        connection.commit()
    assert tasks(sqlite_url) == {"1"}


# -- PostgreSQL


def test_another_database_is_refused(pg: TaskerClient, postgres_server: Address) -> None:
    with postgres_server.database() as other:
        prepare(other)
        with closing(connect(other)) as connection:
            write_order(connection, "1")
            refused(pg, connection, "it is open on another database than the store, which is ")
            connection.commit()
        assert (orders(other), tasks(other)) == ({"1"}, set())


def test_a_connection_in_the_wrong_state(pg: TaskerClient, postgres_url: str) -> None:
    with closing(connect(postgres_url, autocommit=True)) as connection:
        refused(pg, connection, "in autocommit mode.*open one: with connection.transaction")
        with connection.transaction(force_rollback=True), suppress(psycopg.errors.UndefinedTable):
            with suppress(psycopg.errors.UndefinedTable):
                connection.execute("select * from nowhere")
            refused(pg, connection, "its transaction has failed; roll it back")
        with connection.transaction():
            create(pg, connection, "1")
        with connection.transaction(), connection.pipeline():
            refused(pg, connection, "pipeline mode")
        with connection.transaction(), connection.cursor() as cursor, cursor.copy("copy orders to stdout") as rows:
            refused(pg, connection, "a statement is still running")
            assert list(rows) == []
        connection.execute("set default_transaction_read_only = on")
        with connection.transaction(), pytest.raises(StoreError, match="read-only transaction"):
            create(pg, connection, "2")
    refused(pg, connection, "it is closed or broken")
    assert tasks(postgres_url) == {"1"}


def test_an_odd_connection_is_left_as_it_was(pg: TaskerClient, postgres_url: str) -> None:
    options: dict[str, Any] = {"row_factory": dict_row, "cursor_factory": psycopg.RawCursor, "prepare_threshold": 0}
    with closing(connect(postgres_url, **options)) as connection:
        with connection.transaction():
            task = create(pg, connection)
            with connection.transaction(), pytest.raises(DuplicateTaskError) as duplicate:
                create(pg, connection)
            assert duplicate.value.task_uuid == task
            assert create(pg, connection, on_duplicate="return") == task
            assert connection.execute("select $1::int as one", [1]).fetchone() == {"one": 1}
        assert (connection.row_factory, connection.cursor_factory) == (dict_row, psycopg.RawCursor)
        found = connection.execute("select uuid from tasker.tasks").fetchone()
        assert found == {"uuid": uuid.UUID(task)}
        assert connection.execute("select count(*) as n from pg_prepared_statements").fetchone() != {"n": 0}
    assert tasks(postgres_url) == {"1"}


def test_its_isolation_level_is_its_own(pg: TaskerClient, postgres_url: str) -> None:
    for level in psycopg.IsolationLevel:
        with closing(connect(postgres_url)) as connection:
            connection.isolation_level = level
            write_order(connection, level.name)
            create(pg, connection, level.name)
            shown = connection.execute("show transaction_isolation").fetchone()
            assert shown == (level.name.lower().replace("_", " "),)
            connection.commit()
    assert orders(postgres_url) == tasks(postgres_url)


def test_a_twin_that_the_snapshot_does_not_know(pg: TaskerClient, postgres_url: str) -> None:
    with closing(connect(postgres_url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        write_order(connection, "mine")
        create(pg, None, "1")
        with pytest.raises(StoreUnavailableError, match=r"could not serialize.*do it all again") as refused:
            create(pg, connection, "1")
        assert isinstance(refused.value.__cause__, psycopg.errors.SerializationFailure)
        assert connection.info.transaction_status == TransactionStatus.INTRANS
        connection.commit()
    assert (orders(postgres_url), tasks(postgres_url)) == ({"mine"}, {"1"})


def test_a_template_that_the_snapshot_does_not_know(pg: TaskerClient, postgres_url: str) -> None:
    with closing(connect(postgres_url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        write_order(connection, "mine")
        pg.register_template(flow({"cart": [], "pay": ["cart"]}))
        with pytest.raises(InvalidRequestError, match=r"registered after this transaction began.*in a new transaction"):
            create(pg, connection)
        connection.rollback()
        create(pg, connection)
        connection.commit()
    assert tasks(postgres_url) == {"1"}


def test_a_twin_in_another_open_transaction_is_waited_for(pg: TaskerClient, postgres_url: str) -> None:
    with closing(connect(postgres_url)) as one, closing(connect(postgres_url)) as two:
        create(pg, one)
        two.execute("set lock_timeout = '100ms'")
        with pytest.raises(StoreLockedError, match="lock timeout; nothing was changed"):
            create(pg, two)
        one.rollback()
        create(pg, two)
        two.commit()
    assert tasks(postgres_url) == {"1"}


def test_the_store_may_have_another_schema(postgres_url: str) -> None:
    url = f"{postgres_url}?tasker_schema=jobs"
    prepare(url)
    with TaskerClient(database_url=url) as client, closing(connect(url)) as connection:
        create(client, connection)
        connection.commit()
        assert connection.execute("select count(*) from jobs.tasks").fetchone() == (1,)


def test_a_session_over_psycopg2_is_refused_by_what_would_be_right(pg: TaskerClient) -> None:
    class Foreign:
        """What SQLAlchemy gives for another driver."""

        driver_connection = object()

    refused(pg, Foreign(), r"postgresql\+psycopg://")


def test_a_session_that_must_be_rolled_back_first(pg: TaskerClient, postgres_url: str) -> None:
    from sqlalchemy.orm import Session

    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:", 1))
    with Session(engine) as session:
        with pytest.raises(sa.exc.ProgrammingError):
            session.execute(sa.text("select * from nowhere"))
        refused(pg, session, "its transaction has failed")
        session.rollback()
        create(pg, session)
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        refused(pg, connection, "autocommit mode")
        assert not connection.in_transaction()
    engine.dispose()
    assert tasks(postgres_url) == {"1"}


def test_the_rights_that_the_how_to_names_are_enough(pg: TaskerClient, postgres_url: str) -> None:
    found = re.search(r"```sql file=web\.sql\n(.*?)```", HOW_TO.read_text("utf-8"), re.S)
    assert found is not None
    schema = {"type": "object", "required": ["customer"]}  # what the context lacks, so that a warning is written
    pg.register_template({**flow({"cart": []}, version="2.0.0"), "input_schema": schema})
    web = sql.Identifier(f"shop_web_{uuid.uuid4().hex}")
    with closing(connect(postgres_url, autocommit=True)) as admin:
        admin.execute(sql.SQL("create role {}").format(web))
        try:
            admin.execute(found[1].replace("shop_web", web.as_string(admin)).encode())
            admin.execute(sql.SQL("grant insert on orders to {}").format(web))
            admin.execute(sql.SQL("set role {}").format(web))
            with admin.transaction():
                write_order(admin, "1")
                create(pg, admin, version="2.0.0")
                with pytest.raises(DuplicateTaskError):
                    create(pg, admin, version="2.0.0")
                create(pg, admin, version="2.0.0", on_duplicate="return")
        finally:
            admin.execute("reset role")
            admin.execute(sql.SQL("drop owned by {}").format(web))
            admin.execute(sql.SQL("drop role {}").format(web))
    assert orders(postgres_url) == tasks(postgres_url) == {"1"}
